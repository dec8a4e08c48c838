BEGIN TRANSACTION;
CREATE TABLE spool_content (
	id INTEGER NOT NULL, 
	begins_at BIGINT NOT NULL, 
	size BIGINT NOT NULL, 
	uses INTEGER NOT NULL, 
	octets BLOB, 
	file TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "spool_content" VALUES(1,18,14,2,X'486F772061726520796F753F0D0A',NULL);
INSERT INTO "spool_content" VALUES(2,18,4,1,X'00FF0D0A',NULL);
INSERT INTO "spool_content" VALUES(3,0,31,1,X'5375626A6563743A2068656C6C6F0D0A0D0A486F77207761732069743F0D0A',NULL);
CREATE TABLE spool_item (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	queue_id TEXT NOT NULL, 
	destination TEXT NOT NULL, 
	content_id BIGINT NOT NULL, 
	body_from BIGINT NOT NULL, 
	size BIGINT NOT NULL, 
	channel TEXT, 
	reason TEXT NOT NULL, 
	accepted_at BIGINT NOT NULL, 
	due_at BIGINT, 
	next_attempt_at BIGINT, 
	claimed_by TEXT, 
	held INTEGER DEFAULT '0' NOT NULL, 
	bounced INTEGER DEFAULT '0' NOT NULL, 
	warned INTEGER DEFAULT '0' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	unknowns INTEGER NOT NULL, 
	crashes INTEGER DEFAULT '0' NOT NULL, 
	last_reply TEXT DEFAULT '' NOT NULL, 
	envelope TEXT NOT NULL, 
	head BLOB NOT NULL
);
INSERT INTO "spool_item" VALUES(1,'Q-1','helpdesk',1,18,62,'care','outbound-copy',1767614400000000,1767615000000000,1767614400000000,'69045af4a40346bd',0,0,0,0,0,1,'','{"from":["anna@mail.example",["anna","mail.example"],null,null,false,null,null,null],"to":[["care@shop.example","care","shop.example",null,null]],"said":[],"client":["192.0.2.7","client.example",true,true,"anna"]}',X'582D5469636B65742D5374617475733A206175746F2D636C6F7365640D0A5375626A6563743A2068656C6C6F0D0A0D0A');
INSERT INTO "spool_item" VALUES(2,'Q-1','elsewhere',1,18,32,NULL,'',1767614400000000,1767614460000000,1767614460000000,NULL,0,0,0,1,0,0,'desk:25: 451 4.2.0 Later','{"from":["anna@mail.example",["anna","mail.example"],null,null,false,null,null,null],"to":[["bob@other.example","bob","other.example",null,null]],"said":[],"client":["192.0.2.7","client.example",true,true,"anna"]}',X'5375626A6563743A2068656C6C6F0D0A0D0A');
INSERT INTO "spool_item" VALUES(3,'Q-2','helpdesk',2,18,52,NULL,'',1767614400000000,NULL,1767614400000000,NULL,1,0,0,0,1,0,'','{"from":["",null,null,null,true,null,null,null],"to":[["care@shop.example","care","shop.example",null,null]],"said":[],"client":["192.0.2.7","client.example",true,true,"anna"]}',X'582D5469636B65742D5374617475733A206175746F2D636C6F7365640D0A5375626A6563743A2068656C6C6F0D0A0D0A');
CREATE TABLE spool_kept (
	id INTEGER NOT NULL, 
	ref TEXT NOT NULL, 
	content_id BIGINT NOT NULL, 
	size BIGINT NOT NULL, 
	kept_at BIGINT NOT NULL, 
	reopened_at BIGINT, 
	reopened_by TEXT, 
	envelope TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "spool_kept" VALUES(1,'Q-9',3,31,1767614400000000,NULL,NULL,'{"author":["help","shop.example"],"channel":"care","address":["care","shop.example"],"ways":[["helpdesk",[["in-1@desk.example","in-1","desk.example",null,null]]]]}');
CREATE TABLE spool_piece (
	content_id BIGINT NOT NULL, 
	number INTEGER NOT NULL, 
	octets BLOB NOT NULL, 
	PRIMARY KEY (content_id, number), 
	FOREIGN KEY(content_id) REFERENCES spool_content (id) ON DELETE CASCADE
);
CREATE TABLE spool_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT spool_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "spool_version" VALUES('0002');
CREATE INDEX spool_item_due ON spool_item (destination, due_at);
CREATE INDEX spool_item_queue_id ON spool_item (queue_id);
CREATE INDEX spool_item_age ON spool_item (held, accepted_at);
CREATE INDEX spool_item_claimed ON spool_item (claimed_by) WHERE claimed_by IS NOT NULL;
CREATE INDEX spool_item_suspect ON spool_item (due_at) WHERE crashes >= 2;
CREATE INDEX spool_kept_ref ON spool_kept (ref);
CREATE INDEX spool_kept_age ON spool_kept (kept_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('spool_item',3);
COMMIT;
