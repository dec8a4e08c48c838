"""Our milter behind OpenDKIM in a real Postfix: what OpenDKIM says of a signature is believed, what a client says is not."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.docs.pages import named
from tests.live import Got, Helpdesk
from tests.peers.milter import MilterProcess, arrived
from tests.peers.opendkim import verifying
from tests.peers.postfix import Postfix, open_folder, transmit
from tests.proof.signing import DOMAIN, KEY_NAME, MESSAGE, record, signed

pytestmark = pytest.mark.peers

(MILTERS,) = [
    block.text
    for block in named("docs/postfix-milter.md").blocks
    if block.text.startswith("smtpd_milters = inet:127.0.0.1:8890, unix:/helpdesk-relay/milter.sock")
]
"""The line of main.cf that the page has for a verifier beside us."""
AUTHSERV_ID = "mx.shop.example"
PLATFORM = f"platform: {{dkim_domains: [{DOMAIN}], authserv_ids: [{AUTHSERV_ID}]"
COPY = MESSAGE.replace(b"support@company.com", b"care@shop.example")
FORGED = f"Authentication-Results: {AUTHSERV_ID}; dkim=pass header.d={DOMAIN}\r\n".encode()


class Stand:
    def __init__(self, helpdesk: Helpdesk, postfix: Postfix, milter: MilterProcess) -> None:
        self.helpdesk, self.postfix, self.milter = helpdesk, postfix, milter

    def send(self, octets: bytes) -> tuple[Got, dict[str, Any]]:
        with self.postfix.client("198.51.100.7") as client:
            assert transmit(client, f"app@{DOMAIN}", ["in-1@desk.example"], octets)[0] == 250
        (got,) = arrived(self.helpdesk, 1)
        return got, self.milter.told()[-1]


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with (
        open_folder() as folder,
        Helpdesk().running() as helpdesk,
        verifying(folder, AUTHSERV_ID, {KEY_NAME: record()}) as verifier,
    ):
        ours = f"unix:{folder}/milter.sock"
        milter = MilterProcess(
            folder, ours, "milter: {socket_group: postfix}\n", replace=("platform: {", f"{PLATFORM}, ")
        )
        main_cf = MILTERS.replace("inet:127.0.0.1:8890", verifier)
        postfix = Postfix(folder, helpdesk.port, main_cf.replace("unix:/helpdesk-relay/milter.sock", ours))
        with milter.running(), postfix.running():
            yield Stand(helpdesk, postfix, milter)


def test_what_opendkim_found_valid_is_the_platforms(stand: Stand) -> None:
    got, told = stand.send(signed(COPY))
    assert (told["verdict"], told["reason"]) == ("open", "platform-sent")
    assert b"X-Ticket-Status" not in got.octets
    assert b"dkim=pass" in got.octets


def test_what_it_found_broken_or_did_not_find_is_not(stand: Stand) -> None:
    for octets in (signed(COPY).replace(b"Bye", b"bye"), COPY, signed(COPY, domain="other.example")):
        got, told = stand.send(octets)
        assert (told["verdict"], told["reason"]) == ("auto-closed", "outbound-copy")
        assert b"X-Ticket-Status: auto-closed" in got.octets


@pytest.mark.parametrize(
    "octets",
    [
        COPY.replace(b"From:", FORGED + b"From:"),
        FORGED + COPY,
        FORGED.replace(b":", b" :", 1) + COPY,
        FORGED.replace(AUTHSERV_ID.encode(), b"mx.bad.example") + COPY,
    ],
    ids=["below Received", "on top", "with a blank", "of somebody else"],
)
def test_what_a_client_wrote_proves_nothing(stand: Stand, octets: bytes) -> None:
    _, told = stand.send(octets)
    assert (told["verdict"], told["reason"]) == ("auto-closed", "outbound-copy")


def test_what_a_client_wrote_does_not_hide_what_opendkim_found(stand: Stand) -> None:
    _, told = stand.send(FORGED.replace(b"pass", b"fail") + signed(COPY))
    assert told["reason"] == "platform-sent"
