"""Sets of networks."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.channels import Networks
from tests.samples import networks


@pytest.mark.parametrize(
    ("texts", "address", "expected"),
    [
        (["192.0.2.0/28"], "192.0.2.0", True),
        (["192.0.2.0/28"], "192.0.2.15", True),
        (["192.0.2.0/28"], "192.0.2.16", False),
        (["192.0.2.0/28"], "191.255.255.255", False),
        (["192.0.2.1"], "192.0.2.1", True),
        (["0.0.0.0/0"], "192.0.2.1", True),
        (["0.0.0.0/0"], "2001:db8::1", False),
        (["2001:db8::/32"], "2001:db8:ffff::1", True),
        (["2001:db8::/32"], "2001:db9::1", False),
        (["::/0"], "192.0.2.1", False),
        (["::ffff:192.0.2.0/124"], "192.0.2.5", True),
        (["::ffff:192.0.2.0/124"], "192.0.2.16", False),
        (["::ffff:0:0/96"], "192.0.2.1", True),
        (["10.0.0.0/8", "192.0.2.0/28", "192.0.2.0/24"], "192.0.2.200", True),
        ([], "192.0.2.1", False),
    ],
)
def test_an_address_is_in_the_set_if_it_is_in_any_network(
    texts: list[str], address: str, expected: bool
) -> None:
    assert (ip_address(address) in networks(*texts)) is expected


def test_an_unknown_address_is_in_no_network() -> None:
    assert None not in networks("0.0.0.0/0", "::/0")


def test_an_empty_set_is_false() -> None:
    assert not networks()
    assert networks("192.0.2.0/28")


def test_the_order_and_repetition_of_networks_mean_nothing() -> None:
    one, other = networks("10.0.0.0/8", "::1"), networks("::1", "10.0.0.0/8", "10.0.0.0/8")
    assert one.all == other.all


@given(st.lists(st.ip_addresses(v=4)), st.integers(0, 32), st.ip_addresses(v=4))
def test_membership_is_that_of_the_networks_one_by_one(
    addresses: list[IPv4Address], length: int, asked: IPv4Address
) -> None:
    found = [ip_network(f"{address}/{length}", strict=False) for address in addresses]
    assert (asked in Networks(found)) is any(asked in network for network in found)


@given(st.ip_addresses(v=6), st.integers(0, 128), st.ip_addresses(v=6))
def test_ipv6_membership_is_that_of_the_network(base: IPv6Address, length: int, asked: IPv6Address) -> None:
    network = ip_network(f"{base}/{length}", strict=False)
    if network.network_address.ipv4_mapped is None:
        assert (asked in Networks([network])) is (asked in network)


def test_sets_of_the_same_networks_are_equal() -> None:
    one, other = networks("10.0.0.0/8", "192.0.2.0/28"), networks("192.0.2.0/28", "10.0.0.0/8")
    assert (one == other, hash(one) == hash(other)) == (True, True)
    assert one != networks("10.0.0.0/8")
    assert one != "10.0.0.0/8"
