"""Reading channels.yaml as a whole: whatever stands in it, and all of what is wrong with it."""

import json
import string
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import BadSettingsError, Problem, UnreadableFileError
from relay.settings import parse
from relay.settings.parse import parse_settings, read_settings
from relay.settings.schema import KEYS
from tests.settings.documents import FOLDER, HASH, settings_of
from tests.settings.test_broken import FILES

WORDS = sorted({part.removesuffix("[]") for key in KEYS for part in key.split(".")})
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        [
            "5s",
            "50MiB",
            "smtp://h:25",
            "a@b.example",
            "10.0.0.0/8",
            "::/0",
            "127.0.0.1:25",
            "unix:/a",
            "mx",
            "${A}",
        ]
    ),
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(WORDS) | st.text(max_size=5),
    st.recursive(
        VALUES,
        lambda below: (
            st.lists(below, max_size=3)
            | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=5), below, max_size=4)
        ),
        max_leaves=12,
    ),
    max_size=5,
)
YAML_CHARACTERS = st.text(
    string.ascii_lowercase[:4] + " \t\r\n:-#&*!|>'\"%@`[]{},?~<.0\x00\x85\u2028\ufeff\ud800é", max_size=60
)


def problems_of(text: str | bytes) -> tuple[Problem, ...]:
    try:
        parse_settings(text, "channels.yaml", FOLDER, {"A": "a"}, serving=True)
    except BadSettingsError as bad:
        return bad.problems
    return ()


@given(st.text() | YAML_CHARACTERS | st.binary())
def test_no_text_makes_the_parser_raise_anything_but_a_list_of_problems(text: str | bytes) -> None:
    for each in problems_of(text):
        assert each.words
        assert str(each).isprintable()


@given(DOCUMENTS)
def test_no_keys_and_values_make_the_parser_raise_anything_but_a_list_of_problems(
    found: dict[str, object],
) -> None:
    channels = {"support": {"address": "support@company.com"}}
    for document in (
        found,
        {"channels": channels, **found},
        {"channels": {"a": found}},
        {"deliver": found, "listen": found},
    ):
        for each in problems_of(json.dumps(document, ensure_ascii=False)):
            assert str(each).isprintable()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_lines_above_move_every_problem_down(file: Path) -> None:
    text = file.read_bytes()
    before, after = problems_of(text), problems_of(b"# one\n# two\r\n#\n" + text)
    assert [(each.line and each.line + 3, each.key) for each in before] == [
        (each.line, each.key) for each in after
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_parser_written_in_python_says_the_same(file: Path) -> None:
    try:
        text = file.read_text()
        quick = parse._composed(text)
    except (UnicodeDecodeError, parse.MalformedError):
        return
    assert quick.root == parse._composed(text, yaml.SafeLoader).root


def test_the_parser_written_in_python_knows_the_line_of_a_mistake_too() -> None:
    with pytest.raises(parse.MalformedError) as caught:
        parse._composed("a: 1\nb: [\n", yaml.SafeLoader)
    assert caught.value.line in (2, 3)


def test_all_problems_are_told_at_once_and_in_the_order_of_the_file() -> None:
    text = """\
version: 3
hostname: -x
channels:
  support:
    address: support@company.com
    also: [help@company.com, SUPPORT@company.com]
    auto_close: sometimes
  Sales: {address: sales@company.com}
  orders:
    adress: orders@company.com
domains: [company.com, "..."]
inside: [company.com]
platform: {networks: [8.0.0.0/8]}
listen:
  smtp:
    - {address: "0.0.0.0:0", auth: required, tls: required}
deliver:
  mode: pass-through
  timeouts: {connect: soon}
journal: {keep_closed: 5d}
stamp: {auto-closed: {Subject: closed}}
colour: blue
"""
    found = problems_of(text)
    assert [(each.line, each.key) for each in found] == [
        (1, "version"),
        (2, "hostname"),
        (6, "channels.support.also[1]"),
        (7, "channels.support.auto_close"),
        (8, "channels.Sales"),
        (9, "channels.orders.address"),
        (10, "channels.orders.adress"),
        (11, "domains[1]"),
        (12, "inside"),
        (13, "platform.networks[0]"),
        (16, "listen.smtp[0].address"),
        (16, "listen.smtp[0].tls"),
        (16, "listen.smtp[0].auth"),
        (17, "deliver.helpdesk"),
        (19, "deliver.timeouts.connect"),
        (20, "journal.keep_closed"),
        (21, "stamp.auto-closed.Subject"),
        (22, "colour"),
    ]


@pytest.mark.parametrize("name", ["missing.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_opened_is_said_to_be_unreadable(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        read_settings(tmp_path / name, {})
    assert str(caught.value).isprintable()


def test_the_example_of_the_contract_is_right() -> None:
    found = settings_of(EXAMPLE)
    assert len(found.users) == 3
    assert found.deliver.mode == "pass-through-or-spool"


def test_aliases_and_merge_keys_repeat_what_stands_above() -> None:
    text = """\
channels:
  support: &first
    address: support@company.com
    auto_close: observe
    inbound: [a@desk.example]
  orders:
    <<: *first
    address: orders@company.com
    inbound: &addresses [b@desk.example]
  sales:
    <<: [*first, {when_in_doubt: open, address: nobody@company.com}]
    address: sales@company.com
    inbound: []
    also: []
  "<<": {address: odd@company.com}
"""
    names = [each.key for each in problems_of(text)]
    assert names == ["deliver.helpdesk", 'channels."<<"']
    found = settings_of(text.replace('"<<"', "odd")).channels
    assert [each.channel.auto_close for each in found] == ["observe", "observe", "observe", "always"]
    assert [each.channel.when_in_doubt for each in found] == [None, None, "open", None]


def test_a_problem_behind_an_alias_is_told_where_the_value_stands() -> None:
    text = "channels:\n  a: {address: a@x.example, also: &b [b@]}\n  c: {address: c@x.example, also: *b}\n"
    assert [(each.line, each.key) for each in problems_of(text)][1:] == [
        (2, "channels.a.also[0]"),
        (2, "channels.c.also[0]"),
    ]


def test_a_single_value_may_have_an_anchor_and_stand_as_a_key() -> None:
    text = """\
channels: {&name support: {address: &it support@company.com}}
postmaster: *it
users: {*name : {password: '${H}', may: [read]}}
"""
    found = settings_of(text, {"H": HASH})
    assert found.users[0].name == "support"
    assert found.postmaster is not None


def test_a_null_where_a_value_must_stand_is_said_to_be_nothing() -> None:
    text = "channels: {a: {address: }}\nlimits: {recipients: }\njournal: {keep_subject: }"
    words = [each.words for each in problems_of(text) if each.line]
    assert [each.split(" ")[0] for each in words] == ["no", "nothing", "nothing"]


@pytest.mark.parametrize(
    "text",
    ["\ufeffchannels: {a: {address: a@x.example}}", b"\xef\xbb\xbfchannels: {a: {address: a@x.example}}\r\n"],
)
def test_a_byte_order_mark_and_line_ends_of_windows_do_no_harm(text: str | bytes) -> None:
    assert parse_settings(text, "channels.yaml", FOLDER, {}).channels


def test_tags_that_name_the_plain_kinds_are_taken() -> None:
    text = 'version: !!int "1"\nchannels: !!map {a: {address: !!str a@x.example, also: !!seq []}}\njournal: {keep_subject: !!bool "yes"}'
    assert settings_of(text).journal.keep_subject


def test_a_secret_may_come_from_the_environment() -> None:
    environ = {"PW": "p@ss:w/rd%", "HASH": HASH, "KEY": "k" * 20, "HOP": "lmtp://desk.internal", "DB": "s e"}
    text = """\
channels: {a: {address: a@x.example, helpdesk: "${HOP}"}}
deliver: {helpdesk: "smtps://relay:${PW}@desk.example", srs_secret: "${KEY}-${KEY}", reports: mx}
users: {anna: {password: "${HASH}", may: [read]}}
spool: {url: "postgresql://relay:${DB}@db/relay"}
"""
    found = settings_of(text, environ)
    assert getattr(found.deliver.helpdesk, "password", None) == environ["PW"]
    assert str(found.channels[0].helpdesk) == "lmtp://desk.internal:24"
    assert found.deliver.srs_secret == f"{environ['KEY']}-{environ['KEY']}"
    assert found.users[0].password == HASH
    assert found.spool.url == "postgresql://relay:s%20e@db/relay"


def test_a_variable_stands_for_itself_where_no_secret_is_wanted() -> None:
    found = settings_of(
        "channels: {a: {address: a@x.example}}\nplatform: {users: ['${USER}']}", {"USER": "root"}
    )
    assert found.platform.users == {"${USER}"}


@pytest.mark.parametrize(
    "text",
    [
        "users: {a: {password: hunter2, may: [read]}}",
        "users: {a: {password: 1234567, may: [read]}}",
        "deliver: {helpdesk: 'smtp://relay:hunter2@'}",
        "deliver: {helpdesk: 'relay:hunter2@desk'}",
        "deliver: {helpdesk: 'smtp://relay:hunter2@desk:99999'}",
        "deliver: {helpdesk: 'smtp://relay:hunter2%@desk'}",
        "spool: {url: 'mysql://relay:hunter2@db'}",
        "spool: {url: 'postgresql://relay:hunter2 @db'}",
        "web: {key: [hunter2]}",
        "deliver: {srs_secret: {hunter2: 1}}",
        "web: {key: '${hunter-2} hunter2'}",
    ],
)
def test_no_problem_repeats_a_secret(text: str) -> None:
    words = "\n".join(map(str, problems_of(f"channels: {{a: {{address: a@x.example}}}}\n{text}")))
    assert words
    assert "hunter2" not in words
    assert "1234567" not in words


def test_settings_in_a_log_show_no_secret() -> None:
    text = f"""\
channels: {{a: {{address: a@x.example}}}}
deliver: {{helpdesk: "smtps://relay:hunter2@desk.example", srs_secret: hunter2}}
users: {{anna: {{password: "{HASH}", may: [read]}}}}
spool: {{url: "postgresql://relay:hunter2@db/relay"}}
web: {{key: hunter2}}
"""
    shown = repr(settings_of(text))
    assert "hunter2" not in shown
    assert HASH not in shown


EXAMPLE = f"""
version: 1
hostname: relay.company.com
state: var
channels:
  support:
    address: support@company.com
    also: [help@company.com]
    inbound: [in-7f3@relay.company.net]
    forward_to: {{open: in-7f3@desk.example, auto-closed: copies@desk.example}}
    auto_close: always
    when_in_doubt: close
    helpdesk: smtp://desk.internal:25
    digest_to: lead@company.com
domains: [desk.company.com]
inside: [company.com]
postmaster: it@company.com
rule: {{bcc_evidence: [header, envelope], when_in_doubt: close, subaddress_separator: "+"}}
platform: {{networks: [10.9.0.0/24], users: [platform], dkim_domains: [mail.desk.example], authserv_ids: []}}
trusted:
  relay: []
  trace: []
  unlimited: [127.0.0.0/8, "::1/128"]
listen:
  smtp:
    - {{address: "127.0.0.1:2525", tls: opportunistic, auth: none, proxy: [], xclient: [], reuse_port: false}}
  milter: ["unix:/var/spool/postfix/helpdesk-relay/milter.sock"]
  web: 127.0.0.1:8025
tls: {{certificate: cert.pem, key: key.pem}}
users:
  platform: {{password: "{HASH}", may: [send]}}
  anna: {{password: "{HASH}", may: [read]}}
  ops: {{password: "{HASH}", may: [read, operate]}}
deliver:
  helpdesk: smtp://127.0.0.1:2526
  elsewhere: refuse
  reports: mx
  mode: pass-through-or-spool
  timeouts: {{connect: 10s, reply: 30s, content: 8m, while_client_waits: 45s}}
  connections: 20
  tls: {{ca: null}}
  xforward: auto
  srs_secret: null
spool: {{url: null, retry: [1m, 5m, 15m, 1h], give_up_after: 5d, unknown_retry: 30m}}
journal: {{url: null, keep: 30d, max_size: 2GiB, addresses: full, keep_subject: false, keep_closed: null}}
limits: {{message_size: 50MiB, header_size: 1MiB, recipients: 1000, connections: 2000, connections_per_client: 50, received: 50,
         junk_commands: 20, auth_failures: 5, command_timeout: 5m, data_rate: 500B/s, bare_newlines: reject}}
milter: {{on_failure: accept, mixed: status-only, socket_mode: "0660", socket_group: null}}
stamp: {{auto-closed: {{X-Ticket-Status: auto-closed}}, open: {{}}, preset: null, reason: true, link: false, strip: []}}
web: {{url: null, key: null}}
log: {{format: auto, level: info}}
drain: 30s
digest: {{from: null, at: "07:00", language: en}}
sandbox: {{keep: 1000}}
"""
