"""What a key is when it is not set, cell by cell."""

from datetime import time, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from relay.channels import AutoClose, BccEvidence, Networks, WhenInDoubt
from relay.mail.hop import Way
from relay.settings.entrances import Endpoint, SmtpListener
from relay.settings.schema import KEYS
from relay.settings.words import (
    BareNewlines,
    DigestLanguage,
    JournalAddresses,
    ListenerAuth,
    ListenerTls,
    LogFormat,
    LogLevel,
    Mixed,
    Mode,
    OnFailure,
    XForward,
)
from tests.settings.documents import FOLDER, settings_of, value_in

LEAST = "channels: {support: {address: support@company.com}}"
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=length) for length in (1, 60, 3600, 86400))
MUST_BE_SET = {"channels.<name>.address", "users.<name>.password", "users.<name>.may"}
BELOW_NOTHING = {"channels.<name>.forward_to.open", "channels.<name>.forward_to.auto-closed"}
DEFAULTS = {
    "hostname": None,
    "state": str(FOLDER / "var"),
    "channels.<name>.also": (),
    "channels.<name>.inbound": (),
    "channels.<name>.forward_to": None,
    "channels.<name>.auto_close": AutoClose.ALWAYS,
    "channels.<name>.when_in_doubt": None,
    "channels.<name>.helpdesk": None,
    "channels.<name>.digest_to": None,
    "domains": frozenset(),
    "inside": frozenset(),
    "postmaster": None,
    "rule.bcc_evidence": {BccEvidence.HEADER, BccEvidence.ENVELOPE},
    "rule.when_in_doubt": WhenInDoubt.CLOSE,
    "rule.subaddress_separator": "+",
    "platform.networks": Networks(),
    "platform.users": frozenset(),
    "platform.dkim_domains": frozenset(),
    "platform.authserv_ids": frozenset(),
    "trusted.relay": Networks(),
    "trusted.trace": Networks(),
    "trusted.unlimited": Networks([ip_network("127.0.0.0/8"), ip_network("::1/128")]),
    "listen.smtp[].address": Endpoint("127.0.0.1", 2525),
    "listen.smtp[].tls": ListenerTls.OPPORTUNISTIC,
    "listen.smtp[].auth": ListenerAuth.NONE,
    "listen.smtp[].proxy": Networks(),
    "listen.smtp[].xclient": Networks(),
    "listen.smtp[].reuse_port": False,
    "listen.milter": (),
    "listen.web": Endpoint("127.0.0.1", 8025),
    "tls.certificate": None,
    "tls.key": None,
    "deliver.helpdesk": None,
    "deliver.elsewhere": Way.REFUSE,
    "deliver.reports": Way.HOLD,
    "deliver.mode": Mode.PASS_THROUGH_OR_SPOOL,
    "deliver.timeouts.connect": 10 * SECOND,
    "deliver.timeouts.reply": 30 * SECOND,
    "deliver.timeouts.content": 8 * MINUTE,
    "deliver.timeouts.while_client_waits": 45 * SECOND,
    "deliver.connections": 20,
    "deliver.tls.ca": None,
    "deliver.xforward": XForward.AUTO,
    "deliver.srs_secret": None,
    "spool.url": None,
    "spool.retry": (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR),
    "spool.give_up_after": 5 * DAY,
    "spool.unknown_retry": 30 * MINUTE,
    "journal.url": None,
    "journal.keep": 30 * DAY,
    "journal.max_size": 2 * 1024**3,
    "journal.addresses": JournalAddresses.FULL,
    "journal.keep_subject": False,
    "journal.keep_closed": None,
    "limits.message_size": 50 * 1024**2,
    "limits.header_size": 1024**2,
    "limits.recipients": 1000,
    "limits.connections": 2000,
    "limits.connections_per_client": 50,
    "limits.received": 50,
    "limits.junk_commands": 20,
    "limits.auth_failures": 5,
    "limits.command_timeout": 5 * MINUTE,
    "limits.data_rate": 500,
    "limits.bare_newlines": BareNewlines.REJECT,
    "milter.on_failure": OnFailure.ACCEPT,
    "milter.mixed": Mixed.STATUS_ONLY,
    "milter.socket_mode": 0o660,
    "milter.socket_group": None,
    "stamp.auto-closed.<field>": (("X-Ticket-Status", "auto-closed"),),
    "stamp.open.<field>": (),
    "stamp.preset": None,
    "stamp.reason": True,
    "stamp.link": False,
    "stamp.strip": (),
    "web.url": None,
    "web.key": None,
    "log.format": LogFormat.AUTO,
    "log.level": LogLevel.INFO,
    "drain": 30 * SECOND,
    "digest.from": None,
    "digest.at": time(7, 0),
    "digest.language": DigestLanguage.EN,
    "sandbox.keep": 1000,
}


def test_every_key_has_a_default_here_or_must_be_set() -> None:
    assert set(KEYS) == set(DEFAULTS) | MUST_BE_SET | BELOW_NOTHING | {"version"}


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_key_that_is_not_set_has_its_default(key: str) -> None:
    assert value_in(settings_of(LEAST), key) == DEFAULTS[key]


def test_nobody_is_a_user_by_default() -> None:
    assert settings_of(LEAST).users == ()


@pytest.mark.parametrize(
    ("listen", "smtp", "milter", "web"),
    [
        ("", 1, 0, True),
        ("listen:", 1, 0, True),
        ("listen: {}", 1, 0, True),
        ("listen: {smtp: [{}]}", 1, 0, False),
        ('listen: {web: "127.0.0.1:80"}', 0, 0, True),
        ('listen: {milter: ["inet:127.0.0.1:8891"]}', 0, 1, False),
        ("listen: {web: null}", 1, 0, False),
        ("listen: {smtp: []}", 0, 0, True),
        ("listen: {smtp: [], web: null}", 0, 0, False),
        ("listen: {smtp: [{}], web: null}", 1, 0, False),
        ('listen: {smtp: [{}], web: "127.0.0.1:80"}', 1, 0, True),
    ],
)
def test_a_listen_that_names_some_listeners_turns_the_others_off(
    listen: str, smtp: int, milter: int, web: bool
) -> None:
    found = settings_of(f"{LEAST}\n{listen}").listen
    assert (len(found.smtp), len(found.milter), found.web is not None) == (smtp, milter, web)
    assert found.smtp[:1] in ((), (SmtpListener(),))


@pytest.mark.parametrize(
    "key", ["domains", "channels.<name>.also", "trusted.unlimited", "spool", "users", "stamp.auto-closed"]
)
def test_a_list_or_group_with_nothing_behind_it_is_as_if_it_were_not_there(key: str) -> None:
    from tests.settings.documents import document

    assert settings_of(document(key, "")) == settings_of(LEAST)


def test_an_empty_list_replaces_a_default_that_is_not_empty() -> None:
    assert not settings_of(f"{LEAST}\ntrusted: {{unlimited: []}}").trusted.unlimited


def test_relative_paths_are_beside_the_file_and_state_keeps_to_itself() -> None:
    text = f"{LEAST}\nstate: ../var\ntls: {{certificate: tls/cert.pem, key: /etc/ssl/key.pem}}\ndeliver: {{tls: {{ca: ca.pem}}}}"
    found = settings_of(text)
    assert found.state == str(FOLDER.parent / "var")
    assert found.tls.certificate == str(FOLDER / "tls" / "cert.pem")
    assert found.tls.key == "/etc/ssl/key.pem"
    assert found.deliver.tls.ca == str(FOLDER / "ca.pem")


def test_the_working_directory_is_only_where_a_relative_name_of_the_file_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from relay.settings.parse import read_settings

    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "channels.yaml").write_text(LEAST)
    monkeypatch.chdir(tmp_path)
    assert read_settings(Path("etc/channels.yaml"), {}).state == str(tmp_path / "etc" / "var")
