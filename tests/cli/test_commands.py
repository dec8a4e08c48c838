"""``check``, ``hash-password`` and what every command does with errors."""

import io
import sys
from pathlib import Path

import pytest

from relay.cli import app
from relay.cli.sandbox import _as_sandbox
from relay.mail.hop import Way
from relay.passwords import verify
from relay.settings.parse import parse_settings
from tests.cli.conftest import CHANNELS, Run


def test_check_prints_channels_routes_listeners_and_what_can_be_closed(relay: Run):
    code, out, _ = relay("check")
    assert code == 0
    for words in (
        "support@company.com",
        "smtp://127.0.0.1:2526",
        "127.0.0.1:2525",
        "What can be closed",
        "sha256:",
    ):
        assert words in out


def test_check_says_what_a_channel_without_inbound_address_can_close(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(
        CHANNELS.replace("    inbound: [in@relay.company.net]\n", "  sales: {address: sales@company.com}\n")
    )
    code, out, _ = relay("check")
    assert code == 0
    assert (
        "support has no inbound address: only copies that reach another channel can be closed; "
        "name the address your copies arrive at, or set bcc_evidence: [header]"
    ) in out


def test_check_names_what_is_not_active_yet(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(CHANNELS.replace("pass-through}", "pass-through, elsewhere: mx}"))
    _, out, _ = relay("check")
    assert "deliver.elsewhere: mx is not active yet" in out


def test_check_warns_where_a_platform_network_may_also_say_who_the_client_is(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(
        CHANNELS + 'listen: {smtp: [{address: "127.0.0.1:2525", xclient: [192.0.2.0/29]}]}\n'
    )
    _, out, _ = relay("check")
    assert "xclient" in out.split("Good to know")[1]


def platform(proofs: str) -> str:
    return CHANNELS.replace("users: [desk]", f"users: [desk], {proofs}")


def test_check_prints_what_proves_that_the_platform_sent_a_message(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(
        platform("dkim_domains: [b.example, a.example], authserv_ids: [mx.example]")
    )
    _, out, _ = relay("check")
    rows = [" ".join(line.split()) for line in out.split("Platform")[1].split("Stamp")[0].splitlines()]
    assert [row for row in rows if row][2:] == [
        "client in 192.0.2.0/28",
        "login desk",
        "DKIM signature of a.example, b.example",
        "by milter, said by mx.example",
    ]
    (folder / "channels.yaml").write_text(
        CHANNELS.replace("platform: {networks: [192.0.2.0/28], users: [desk]}", "")
    )
    assert "Platform" not in relay("check")[1]


@pytest.mark.parametrize(
    ("proofs", "listen", "warned"),
    [
        ("dkim_domains: [a.example]", "milter", "by milter platform.dkim_domains proves nothing"),
        ("dkim_domains: [a.example], authserv_ids: [x]", "milter", ""),
        ("dkim_domains: [a.example]", "smtp", ""),
        ("authserv_ids: [x]", "milter", "platform.authserv_ids proves nothing"),
    ],
)
def test_check_warns_where_half_of_what_a_proof_needs_is_missing(
    relay: Run, folder: Path, proofs: str, listen: str, warned: str
):
    listener = {
        "milter": '{milter: ["inet:127.0.0.1:8891"]}',
        "smtp": '{smtp: [{address: "127.0.0.1:2525"}]}',
    }
    (folder / "channels.yaml").write_text(platform(proofs) + f"listen: {listener[listen]}\n")
    _, out, _ = relay("check")
    assert "proves nothing" in out if warned else "proves nothing" not in out
    assert warned in out


def test_check_warns_where_the_domain_of_a_channel_counts_as_the_platforms(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(platform("dkim_domains: [Company.com]"))
    assert "platform.dkim_domains holds company.com, a domain of channels" in relay("check")[1]
    (folder / "channels.yaml").write_text(platform("dkim_domains: [mail.company.com, company.net]"))
    assert "a domain of channels" not in relay("check")[1]


def test_check_prints_what_is_set_on_which_tickets_and_what_is_removed(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(CHANNELS + "stamp: {preset: zammad, open: {X-Desk: new}}\n")
    code, out, _ = relay("check")
    assert code == 0
    lines = [tuple(line.split(maxsplit=1)) for line in out.splitlines()]
    told = [(line[0], line[1].strip()) for line in lines if len(line) == 2]
    assert ("auto-closed", "X-Ticket-Status: auto-closed") in told
    assert ("auto-closed", "X-Zammad-Ticket-State: closed") in told
    assert ("open", "X-Desk: new") in told
    assert "X-Desk, X-Zammad-*" in out


def test_check_warns_where_open_tickets_would_be_closed(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(
        CHANNELS + "stamp: {preset: zammad, open: {X-Zammad-Ticket-State: closed}}\n"
    )
    code, out, _ = relay("check")
    assert code == 0
    assert "stamp.open sets X-Zammad-Ticket-State: closed" in out.split("Good to know")[1]


def test_check_names_a_contradiction_between_a_preset_and_what_is_stripped(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text(CHANNELS + "stamp: {preset: rt, strip: [X-RT-*]}\n")
    code, _, err = relay("check")
    assert code == 78
    assert "X-RT-Loop-Prevention" in err


def test_check_needs_a_helpdesk_and_explain_does_not(relay: Run, folder: Path):
    (folder / "channels.yaml").write_text("version: 1\nchannels: {support: {address: support@company.com}}\n")
    assert relay("check")[0] == 78
    assert relay("explain", "copy.eml")[0] == 0


def test_hash_password_reads_one_line_and_prints_what_verifies(relay: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    code, out, _ = relay("hash-password")
    assert code == 0
    assert out.startswith("$scrypt$")
    assert verify("correct horse", out.strip())
    assert not verify("wrong horse", out.strip())


def test_an_empty_password_is_refused(relay: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert relay("hash-password")[0] == 64


def test_a_bug_of_ours_is_one_sentence_and_70(relay: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(app.COMMANDS, "json", "")
    code, out, err = relay("json")
    assert (code, out) == (70, "")
    assert len(err.splitlines()) == 1


def test_help_lists_every_command(relay: Run):
    code, out, _ = relay("--help")
    assert code == 0
    for command in app.COMMANDS:
        assert command in out
        assert relay(command, "--help")[0] == 0


def test_version_is_printed(relay: Run):
    code, out, _ = relay("--version")
    assert code == 0
    assert out.startswith("helpdesk-relay ")


@pytest.mark.parametrize("option", ["--older-than", "--newer-than"])
def test_queue_refuses_a_time_that_it_cannot_read(relay: Run, option: str):
    code, _, err = relay("queue", "delete", "--hop", "helpdesk", option, "yesterday")
    assert code == 64
    assert "yesterday is no time" in err


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (["journal", "list", "--since", "yesterday"], "journal list"),
        (["queue", "delete", "--hop", "helpdesk", "--older-than", "yesterday"], "queue delete"),
        (["replay"], "replay"),
    ],
)
def test_a_wrong_command_line_is_told_which_help_to_read(relay: Run, line: list[str], command: str):
    code, _, err = relay(*line)
    assert code == 64
    assert f"(see 'helpdesk-relay {command} --help')" in err


def test_the_sandbox_forwards_nothing_not_even_digests(folder: Path) -> None:
    text = """
version: 1
channels: {support: {address: support@company.com, digest_to: lead@company.com}}
deliver: {helpdesk: "smtp://desk.example", elsewhere: mx, reports: mx}
"""
    settings = parse_settings(text, "channels.yaml", folder, {})
    alone = _as_sandbox(settings, settings.listen, str(folder))
    assert [channel.digest_to for channel in alone.channels] == [None]
    assert (alone.deliver.elsewhere, alone.deliver.reports) == (Way.REFUSE, Way.HOLD)
