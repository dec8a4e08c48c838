"""``explain`` and ``replay`` with a signature of the platform: who is asked, and what is said; DNS is a real server on loopback."""

import io
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.rcode
import pytest

from tests.cli.conftest import CHANNELS, Run
from tests.delivery.dns_server import DnsServer, of_this_machine
from tests.proof.signing import DOMAIN, KEY_NAME, MESSAGE, in_strings, record, signed

ARRIVED = ("--rcpt-to", "in@relay.company.net", "--client-ip", "198.51.100.7")


@pytest.fixture(autouse=True)
def names(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    text = CHANNELS.replace("users: [desk]", f"users: [desk], dkim_domains: [{DOMAIN}]")
    (folder / "channels.yaml").write_text(text)
    (folder / "signed.eml").write_bytes(signed())
    (folder / "changed.eml").write_bytes(signed().replace(b"Bye", b"bye"))
    (folder / "unsigned.eml").write_bytes(MESSAGE)
    with of_this_machine({(KEY_NAME, "TXT"): in_strings(record())}, monkeypatch) as server:
        yield server


def explained(relay: Run, *arguments: str) -> list[dict]:
    code, out, err = relay("explain", "--json", *ARRIVED, *arguments)
    assert (code, err) == (0, "")
    return [json.loads(line) for line in out.splitlines()]


def from_outside(told: dict) -> str:
    return told["findings"][5]["because"]


def test_a_signature_that_is_valid_opens_the_ticket_and_its_domain_is_told(relay: Run, names: DnsServer):
    (told,) = explained(relay, "signed.eml")
    assert (told["verdict"], told["reason"], told["depends"]) == ("open", "platform-sent", None)
    assert from_outside(told) == f"a valid signature of the helpdesk platform's domain {DOMAIN} covers From"
    assert names.asked.total() == 1


def test_one_that_is_not_is_told_with_the_reason_in_both_languages(relay: Run):
    (told,) = explained(relay, "changed.eml")
    assert (told["verdict"], told["depends"]) == ("auto-closed", None)
    assert from_outside(told).endswith(f"{DOMAIN}: the body is not as it was signed")
    (told,) = explained(relay, "--lang", "de", "changed.eml")
    assert from_outside(told).endswith(f"{DOMAIN}: der Text ist nicht, wie er signiert wurde")
    _, out, _ = relay("explain", *ARRIVED, "changed.eml")
    assert f"{DOMAIN}: the body is not as it was signed" in out


def test_a_key_is_asked_for_once_for_many_files(relay: Run, names: DnsServer):
    told = explained(relay, "signed.eml", "changed.eml", "unsigned.eml", "signed.eml")
    assert [each["verdict"] for each in told] == ["open", "auto-closed", "auto-closed", "open"]
    assert names.asked.total() == 1


def test_offline_nobody_is_asked_and_the_answer_says_what_it_depends_on(relay: Run, names: DnsServer):
    signed_one, unsigned = explained(relay, "--offline", "signed.eml", "unsigned.eml")
    assert signed_one["verdict"] == "auto-closed"
    assert signed_one["depends"] == (
        "open if a signature of the platform is valid, which was not verified here; "
        "give the whole message to explain, without --offline"
    )
    assert unsigned["depends"] is None
    assert not names.asked


def test_where_it_could_change_nothing_nobody_is_asked(relay: Run, folder: Path, names: DnsServer):
    (folder / "itself.eml").write_bytes(signed(MESSAGE.replace(b"anna@customer", b"support@company")))
    explained(relay, "unsigned.eml", "customer.eml")
    explained(relay, "--rcpt-to", "support@company.com", "signed.eml")
    explained(relay, "--auth-user", "desk", "signed.eml")
    assert not names.asked


def test_dns_trouble_is_no_proof_and_no_error(relay: Run, names: DnsServer):
    names.zone = {(KEY_NAME, "TXT"): dns.rcode.SERVFAIL}
    (told,) = explained(relay, "signed.eml")
    assert told["verdict"] == "auto-closed"
    assert from_outside(told).endswith("DNS does not say its key")


def test_a_message_from_stdin_is_read_whole_where_it_matters(
    relay: Run, names: DnsServer, monkeypatch: pytest.MonkeyPatch
):
    octets = signed(MESSAGE + b"A line of the body\r\n" * 20_000)
    for arguments, verdict in (((), "open"), (("--offline",), "auto-closed")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(octets)))
        (told,) = explained(relay, *arguments, "-")
        assert told["verdict"] == verdict


def test_a_message_from_a_pipe_is_read_once(relay: Run, folder: Path):
    os.mkfifo(folder / "pipe")
    octets = signed(MESSAGE + b"A line of the body\r\n" * 20_000)
    writing = threading.Thread(target=(folder / "pipe").write_bytes, args=(octets,))
    writing.start()
    assert explained(relay, "pipe")[0]["verdict"] == "open"
    writing.join()


def test_a_large_file_is_verified_piece_by_piece(relay: Run, folder: Path):
    (folder / "large.eml").write_bytes(signed(MESSAGE + b"A line of the body\r\n" * 20_000))
    assert explained(relay, "large.eml")[0]["verdict"] == "open"


def test_replay_asks_nobody_and_says_what_it_depends_on(relay: Run, names: DnsServer):
    _, out, _ = relay("replay", "--json", "--rcpt-to", "in@relay.company.net", "signed.eml", "unsigned.eml")
    signed_one, unsigned = [json.loads(line) for line in out.splitlines()]
    assert "a signature of the platform" in signed_one["depends"]
    assert "a signature of the platform" not in (unsigned["depends"] or "")
    assert not names.asked
