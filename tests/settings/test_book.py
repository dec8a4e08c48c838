"""The book holds what a verdict depends on, and its digest changes with exactly that."""

import pytest

from relay.settings.dormant import DORMANT, inactive, value_of
from relay.settings.schema import KEYS
from tests.settings.documents import document, settings_of, value_in

VERDICT_RELEVANT = {
    "channels.<name>.address": "help@company.com",
    "channels.<name>.also": "[help@company.com]",
    "channels.<name>.inbound": "[in@relay.example]",
    "channels.<name>.auto_close": "observe",
    "channels.<name>.when_in_doubt": "open",
    "domains": "[desk.example]",
    "inside": "[company.com]",
    "rule.bcc_evidence": "[header]",
    "rule.when_in_doubt": "open",
    "rule.subaddress_separator": '"-"',
    "platform.networks": "[10.9.0.0/24]",
    "platform.users": "[platform]",
    "platform.dkim_domains": "[mail.desk.example]",
    "platform.authserv_ids": "[mx.company.com]",
    "trusted.trace": "[10.1.0.0/16]",
    "limits.header_size": "2MiB",
}
NOT_RELEVANT = {
    "hostname": "relay.company.com",
    "state": "/var/lib/helpdesk-relay",
    "channels.<name>.forward_to": "in@desk.example",
    "channels.<name>.forward_to.open": "a@desk.example, auto-closed: b@desk.example",
    "channels.<name>.forward_to.auto-closed": "b@desk.example, open: a@desk.example",
    "channels.<name>.helpdesk": '"lmtp://desk.internal"',
    "channels.<name>.digest_to": "lead@company.com",
    "postmaster": "support@company.com",
    "trusted.relay": "[192.168.0.0/16]",
    "trusted.unlimited": "[0.0.0.0/0]",
    "listen.smtp[].address": '"[::1]:25"',
    "listen.smtp[].tls": "none",
    "listen.smtp[].auth": "optional",
    "listen.smtp[].proxy": "[10.0.0.7]",
    "listen.smtp[].xclient": '["fd00::/8"]',
    "listen.smtp[].reuse_port": "yes",
    "listen.milter": '["unix:/run/relay/milter.sock"]',
    "listen.web": '"localhost:8026"',
    "tls.certificate": "cert.pem, key: key.pem",
    "tls.key": "key.pem, certificate: cert.pem",
    "users.<name>.password": '"$scrypt$ln=14,r=8,p=2$' + "b" * 22 + "$" + "b" * 43 + '"',
    "users.<name>.may": "[send, operate]",
    "deliver.helpdesk": "sandbox",
    "deliver.elsewhere": "mx",
    "deliver.reports": '"smtp://mail.company.com"',
    "deliver.mode": "spool",
    "deliver.timeouts.connect": "5s",
    "deliver.timeouts.reply": "0.5s",
    "deliver.timeouts.content": "1h",
    "deliver.timeouts.while_client_waits": "10s",
    "deliver.connections": "0",
    "deliver.tls.ca": "ca.pem",
    "deliver.xforward": "never",
    "deliver.srs_secret": "a long random text",
    "spool.url": '"postgresql://relay:secret@db/relay"',
    "spool.retry": "[1m, 1d]",
    "spool.give_up_after": "1d",
    "spool.unknown_retry": "1h",
    "journal.url": '"postgresql://relay:secret@db/relay"',
    "journal.keep": "0",
    "journal.max_size": "0",
    "journal.addresses": "hashed",
    "journal.keep_subject": "true",
    "journal.keep_closed": "7d",
    "limits.message_size": "10485760",
    "limits.recipients": "100",
    "limits.connections": "0",
    "limits.connections_per_client": "5",
    "limits.received": "30",
    "limits.junk_commands": "10",
    "limits.auth_failures": "3",
    "limits.command_timeout": "0",
    "limits.data_rate": "2KiB/s",
    "limits.bare_newlines": "normalize",
    "milter.on_failure": "tempfail",
    "milter.mixed": "none",
    "milter.socket_mode": "0600",
    "milter.socket_group": "postfix",
    "stamp.auto-closed.<field>": "X-Closed: 1",
    "stamp.open.<field>": "X-Closed: no",
    "stamp.preset": "rt",
    "stamp.reason": "off",
    "stamp.link": "on",
    "stamp.strip": '["X-Spam-*", Authentication-Results]',
    "web.url": '"https://relay.company.com/"',
    "web.key": "another long random text",
    "log.format": "json",
    "log.level": "warning",
    "drain": "0",
    "digest.from": "relay@company.com",
    "digest.at": "17:30",
    "digest.language": "de",
    "sandbox.keep": "10",
}
BEYOND = {
    "channels.<name>.digest_to": "deliver: {reports: mx}\n",
    "listen.smtp[].auth": document("users.<name>.may", "[send]").split("\n", 1)[1],
}
"""What some keys need to be right."""
PLAIN = settings_of(document("drain", "30s"))


def book_with(key: str, value: str) -> str:
    return settings_of(document(key, value) + BEYOND.get(key, "")).book().digest


def test_every_key_is_known_to_change_the_digest_or_not() -> None:
    assert set(KEYS) == set(VERDICT_RELEVANT) | set(NOT_RELEVANT) | {"version"}


@pytest.mark.parametrize(("key", "value"), VERDICT_RELEVANT.items())
def test_the_digest_changes_with_what_a_verdict_depends_on(key: str, value: str) -> None:
    assert book_with(key, value) != PLAIN.book().digest


@pytest.mark.parametrize(("key", "value"), NOT_RELEVANT.items())
def test_the_digest_does_not_change_with_anything_else(key: str, value: str) -> None:
    assert book_with(key, value) == PLAIN.book().digest


@pytest.mark.parametrize(("key", "value"), (VERDICT_RELEVANT | NOT_RELEVANT).items())
def test_every_key_is_read(key: str, value: str) -> None:
    found = settings_of(document(key, value) + BEYOND.get(key, ""))
    without = document("users.<name>.may", "[read]") if key.startswith("users.") else document("drain", "30s")
    if "forward_to" in key:
        assert found.channels[0].forward_to is not None
    else:
        assert value_in(found, key) != value_in(settings_of(without), key)


def test_the_order_of_channels_and_lists_does_not_change_the_digest() -> None:
    one = "channels: {a: {address: a@x.example, also: [b@x.example, c@x.example]}, d: {address: d@x.example}}"
    other = (
        "channels: {d: {address: D@x.example}, a: {address: a@X.example, also: [c@x.example, b@x.example]}}"
    )
    assert settings_of(one).book().digest == settings_of(other).book().digest


def test_a_key_of_a_feature_that_is_not_active_is_said_in_one_line() -> None:
    assert inactive(PLAIN) == ()
    for row in DORMANT:
        if row.key in ("deliver.helpdesk", "deliver.elsewhere", "channels.<name>.helpdesk"):
            continue
        lines = inactive(
            settings_of(
                document(row.key, NOT_RELEVANT.get(row.key) or VERDICT_RELEVANT[row.key])
                + BEYOND.get(row.key, "")
            )
        )
        assert any(line.startswith((f"{row.key} ", f"{row.key}: ")) for line in lines), row.key


def test_a_helpdesk_that_is_found_by_mx_is_not_active() -> None:
    text = "channels: {a: {address: a@x.example, helpdesk: mx+starttls}}\ndeliver: {helpdesk: mx, elsewhere: mx, mode: pass-through}"
    assert [line.split(" is ")[0] for line in inactive(settings_of(text))] == [
        "channels.<name>.helpdesk",
        "deliver.helpdesk: mx",
        "deliver.elsewhere: mx",
    ]
    assert inactive(settings_of(text.replace("pass-through", "spool"))) == ()


def test_rows_of_features_that_are_not_active_name_keys_that_exist() -> None:
    assert {row.key for row in DORMANT} <= set(KEYS)
    assert value_of("digest.from", PLAIN) is None


def test_the_addresses_of_a_channel_are_in_normal_form_and_those_written_to_as_written() -> None:
    found = settings_of(
        "channels: {a: {address: Support@Müller.Example, forward_to: In+X@Desk.Example}}"
    ).channels[0]
    assert str(found.channel.address) == "support@xn--mller-kva.example"
    assert found.forward_to is not None
    assert found.forward_to.open.text == "In+X@desk.example"
    assert str(found.forward_to.open.mailbox) == "in+x@desk.example"
    assert not found.forward_to.depends_on_the_verdict


def test_an_address_may_be_a_subaddress_of_another_channel() -> None:
    text = "channels: {a: {address: a@x.example}, b: {address: a+shop@x.example}}"
    assert len(settings_of(text).book().channels) == 2


def test_a_domain_of_the_helpdesk_may_hold_a_channel() -> None:
    assert settings_of(document("domains", "[company.com]")).domains == {"company.com"}
