"""The resolver and the way by MX against a DNS server that others wrote (dnsmasq, Debian)."""

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import count
from pathlib import Path

import pytest

from relay.delivery.answers import Addresses, Mx, MxRecords, NoData, NoSuchName
from relay.delivery.resolver import Resolver
from relay.delivery.wayfinder import Wayfinder
from relay.mail.hop import Scheme
from relay.mail.outcome import Failed

pytestmark = pytest.mark.peers

ZONE = """\
no-resolv
no-hosts
no-daemon
local=/example/
host-record=mx1.shop.example,192.0.2.1,2001:db8::1
host-record=mx2.shop.example,192.0.2.2
host-record=plain.example,192.0.2.3
mx-host=shop.example,mx1.shop.example,10
mx-host=shop.example,mx2.shop.example,20
mx-host=null.example,.,0
cname=alias.example,plain.example
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def dnsmasq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder: Path = tmp_path_factory.mktemp("dns")
    port = free_port()
    configuration = folder / "dnsmasq.conf"
    many = "".join(f"mx-host=many.example,mx-{n}-{'x' * 40}.shop.example,{n}\n" for n in range(30))
    configuration.write_text(
        f"{ZONE}{many}port={port}\nlisten-address=127.0.0.1\nbind-interfaces\npid-file={folder}/pid\nuser=root\n"
    )
    server = subprocess.Popen(["/usr/sbin/dnsmasq", "-C", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        yield port
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
async def resolver(dnsmasq: int) -> Resolver:
    resolver = Resolver(["127.0.0.1"], port=dnsmasq, query=0.5)
    for _ in range(50):  # until it listens
        if await resolver.addresses("plain.example") == Addresses((ip_address("192.0.2.3"),)):
            break
        await asyncio.sleep(0.1)
        resolver = Resolver(["127.0.0.1"], port=dnsmasq, query=0.5)
    return resolver


async def test_every_kind_of_answer_is_read(resolver: Resolver) -> None:
    assert await resolver.mx("shop.example") == MxRecords(
        (Mx(10, "mx1.shop.example"), Mx(20, "mx2.shop.example"))
    )
    assert await resolver.mx("plain.example") == NoData()
    assert await resolver.mx("nowhere.example") == NoSuchName()
    both = Addresses((ip_address("192.0.2.1"), ip_address("2001:db8::1")))
    assert await resolver.addresses("mx1.shop.example") == both
    assert await resolver.addresses("alias.example") == Addresses((ip_address("192.0.2.3"),))


async def test_an_answer_too_long_for_udp_is_read(resolver: Resolver) -> None:
    answer = await resolver.mx("many.example")
    assert isinstance(answer, MxRecords)
    assert len(answer.records) == 30


async def test_the_way_is_found(resolver: Resolver) -> None:
    wayfinder = Wayfinder(resolver, is_ours=lambda _: False, draw=count().__next__)
    hops = await wayfinder.hops_to("shop.example", Scheme.SMTP)
    assert isinstance(hops, tuple)
    assert [hop.host for hop in hops] == ["2001:db8::1", "192.0.2.1", "192.0.2.2"]
    plain = await wayfinder.hops_to("alias.example", Scheme.SMTP)
    assert isinstance(plain, tuple)
    assert [hop.host for hop in plain] == ["192.0.2.3"]
    missing = await wayfinder.hops_to("nowhere.example", Scheme.SMTP)
    assert isinstance(missing, Failed)
    assert missing.reply.enhanced == "5.1.2"
