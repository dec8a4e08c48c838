BEGIN TRANSACTION;
CREATE TABLE journal_address (
	address BIGINT NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (address, number)
)
 WITHOUT ROWID

;
INSERT INTO "journal_address" VALUES(-8953181633149355228,1);
INSERT INTO "journal_address" VALUES(-3166502228080991476,1);
INSERT INTO "journal_address" VALUES(-2344758734552809476,1);
INSERT INTO "journal_address" VALUES(2331693360519592382,1);
INSERT INTO "journal_address" VALUES(-8953181633149355228,2);
INSERT INTO "journal_address" VALUES(-2344758734552809476,2);
INSERT INTO "journal_address" VALUES(-2278382507818925197,2);
CREATE TABLE journal_count (
	day TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	doubtful INTEGER NOT NULL, 
	messages BIGINT NOT NULL, 
	PRIMARY KEY (day, channel, verdict, reason, doubtful)
)
 WITHOUT ROWID

;
INSERT INTO "journal_count" VALUES('2026-03-04','','open','foreign-author',0,1);
INSERT INTO "journal_count" VALUES('2026-03-04','care','auto-closed','outbound-copy',0,1);
CREATE TABLE journal_digest (
	channel TEXT NOT NULL, 
	day TEXT NOT NULL, 
	PRIMARY KEY (channel, day)
)
 WITHOUT ROWID

;
INSERT INTO "journal_digest" VALUES('care','2026-03-04');
CREATE TABLE journal_entry (
	number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	ref TEXT, 
	queue_id TEXT NOT NULL, 
	message_id TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	channel TEXT, 
	author BIGINT, 
	doubtful INTEGER NOT NULL, 
	words TEXT NOT NULL, 
	record TEXT NOT NULL, 
	reopened_at BIGINT, 
	reopened_by TEXT
);
INSERT INTO "journal_entry" VALUES(1,1772625660000000,NULL,'A','copy-1@crm.example','auto-closed','outbound-copy','care',-2344758734552809476,0,'copy-1@crm.example  anna1@mail.example in-1@desk.example care@shop.example bounce@crm.example','{"e":"smtp","mf":"bounce@crm.example","sz":1234,"a":"care@shop.example","r":[["anna1@mail.example","To","a"],["in-1@desk.example","envelope","e"]],"c":["198.51.100.7","crm.example",1,0,null],"ho":125,"why":"outbound-copy","f":[["complete",true],["from-names",true,"care@shop.example"],["of-channel",true,"care@shop.example","care"],["not-rewritten",true],["closes",true,"care"],["no-proof",true],["not-among-recipients",true],["no-doubt",true],["switched-on",true,"care"]],"b":"sha256:b8d7bdc28a516bf1f0a4b1d04b63d5271df1bf193207f12a22ef3f97af4fb87e","re":"250 2.0.0 ticket 4711","nh":"smtp://desk:25","s":0.25,"ps":[["in-1@desk.example","waiting","",""]],"cl":true,"ch":["care",["care@shop.example","hello@shop.example"]],"t":"CRM 9"}',1772625600000000,'anna');
INSERT INTO "journal_entry" VALUES(2,1772625720000000,'R','B','ask-2@mail.example','open','foreign-author',NULL,-2278382507818925197,0,'ask-2@mail.example  care@shop.example bob2@mail.example bounce@crm.example','{"e":"smtp","mf":"bounce@crm.example","sz":1234,"a":"bob2@mail.example","r":[["care@shop.example","To","a"],["care@shop.example","envelope","e"]],"c":["198.51.100.7","crm.example",1,0,null],"ho":90,"why":"foreign-author","f":[["complete",true],["from-names",true,"bob2@mail.example"],["of-no-channel",false,"bob2@mail.example"],["not-asked-no-channel",null],["not-asked-no-channel",null],["no-proof",true],["not-asked-no-channel",null],["not-asked-no-channel",null],["not-asked-no-channel",null]],"b":"sha256:b8d7bdc28a516bf1f0a4b1d04b63d5271df1bf193207f12a22ef3f97af4fb87e","re":"250 2.0.0 ticket 4711","nh":"smtp://desk:25","s":0.25,"ps":[["care@shop.example","delivered","250 2.0.0 ticket 4711","smtp://desk:25"]],"t":"mail.example"}',NULL,NULL);
CREATE TABLE journal_forgotten (
	queue_id TEXT NOT NULL, 
	PRIMARY KEY (queue_id)
)
 WITHOUT ROWID

;
CREATE TABLE journal_look (
	ref TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	who TEXT NOT NULL
);
INSERT INTO "journal_look" VALUES('A',1772625600000000,'anna');
CREATE TABLE journal_path (
	queue_id TEXT NOT NULL, 
	path TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	record TEXT NOT NULL, 
	PRIMARY KEY (queue_id, path)
)
 WITHOUT ROWID

;
INSERT INTO "journal_path" VALUES('A','in-1@desk.example',1772625600000000,'["in-1@desk.example","deferred","words","desk",null]');
CREATE TABLE journal_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT journal_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "journal_version" VALUES('0002');
CREATE INDEX journal_entry_at ON journal_entry (at);
CREATE INDEX journal_entry_queue_id ON journal_entry (queue_id);
CREATE INDEX journal_entry_message_id ON journal_entry (message_id);
CREATE INDEX journal_entry_ref ON journal_entry (ref) WHERE ref IS NOT NULL;
CREATE INDEX journal_entry_doubtful ON journal_entry (number) WHERE doubtful = 1;
CREATE INDEX journal_address_number ON journal_address (number);
CREATE INDEX journal_path_at ON journal_path (at);
CREATE INDEX journal_look_ref ON journal_look (ref);
CREATE INDEX journal_look_at ON journal_look (at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal_entry',2);
COMMIT;
