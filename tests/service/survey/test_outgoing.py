"""From which addresses our mail leaves: seen on a socket, or only assumed, and that is said."""

from ipaddress import ip_address

import pytest

from relay.delivery.wire import Link
from relay.service.survey.outgoing import outgoing
from relay.service.survey.servers import on_the_internet

NAMED = (ip_address("192.0.2.7"), ip_address("10.0.0.5"))
PUBLIC = Link("192.0.2.8", "198.51.100.25", encrypted=True)
PUBLIC_SIX = Link("2001:db8::8", "2001:db8:1::25", encrypted=True)
TRANSLATED = Link("10.0.0.5", "198.51.100.25", encrypted=True)
NEAR = Link("10.0.0.5", "10.0.0.9", encrypted=True)


def test_the_address_of_a_socket_that_reached_the_internet_is_known() -> None:
    leaving = outgoing([NEAR, PUBLIC, PUBLIC, PUBLIC_SIX], NAMED)
    assert leaving.addresses == (ip_address("192.0.2.8"), ip_address("2001:db8::8"))
    assert not leaving.doubt


@pytest.mark.parametrize(
    ("links", "doubt"),
    [
        ([TRANSLATED], "mail leaves this machine from 10.0.0.5, and a gateway gives it another address"),
        ([NEAR], "no server on the Internet was reached"),
        ([], "no server was reached"),
    ],
)
def test_else_those_of_our_name_are_assumed_and_how_to_tell_is_said(links: list[Link], doubt: str) -> None:
    leaving = outgoing(links, NAMED)
    assert leaving.addresses == (ip_address("192.0.2.7"),)
    assert leaving.doubt.startswith(doubt)
    assert "Received" in leaving.doubt
    assert outgoing(links, ()).addresses == ()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("192.0.2.7", True),
        ("2001:db8::7", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("172.32.0.1", True),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.1.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("", False),
        ("desk.example", False),
    ],
)
def test_private_addresses_are_not_on_the_internet(address: str, public: bool) -> None:
    assert on_the_internet(address) == public
