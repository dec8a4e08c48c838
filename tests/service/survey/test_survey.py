"""What ``check --dns`` says of DNS and of servers that are there: ways, servers, TLS, and that it ends."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import dns.rcode
import pytest

from relay.service.survey.point import About, Answer
from tests.certificates import self_signed
from tests.delivery.dns_server import HANG as SILENT
from tests.delivery.dns_server import Said
from tests.delivery.scripted import FULL, HANG, ScriptedHop, Step
from tests.hosted import POSTMASTER
from tests.service.survey.surveys import HOSTED, NAME, Zone, surveyed

MX = ("mx1.desk.example", "mx2.desk.example")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls") / "cert.pem", *MX)


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@asynccontextmanager
async def two_hosts(script: dict[str, Step] | None = None, **options: object) -> AsyncIterator[int]:
    """The two MX hosts of desk.example on one port; the script is that of both."""
    async with ScriptedHop(script, address="127.0.0.2", **options) as one:  # type: ignore[arg-type]
        two = ScriptedHop(script, address="127.0.0.3", **options)  # type: ignore[arg-type]
        two.port = one.port
        async with two:
            yield one.port


def by_name(text: str = HOSTED, port: int = 1) -> str:
    """The helpdesk is one named server, and nothing else is looked up."""
    hop = f'"smtp://127.0.0.1:{port}"'
    return text.replace("mx+starttls", hop).replace("reports: mx", "reports: hold").replace(
        POSTMASTER, ""
    )  # fmt: skip


async def test_where_everything_is_right_nothing_is_a_no(certificate: Path) -> None:
    async with two_hosts(tls=tls_of(certificate)) as port:
        found = await surveyed(port=port, ca=certificate, changes={("mail.company.com", "A"): ["127.0.0.2"]})
    assert [(point.of, point.because) for point in found.about(About.WAY, "desk")] == [
        ("desk.example (channel support)", "MX 10 mx1.desk.example, 20 mx2.desk.example")
    ]
    assert [point.answer for point in found.about(About.SERVER)] == [Answer.YES] * 3
    assert [point.because for point in found.about(About.TLS, "mx1")] == [
        "its certificate holds for mx1.desk.example"
    ]
    assert found.one(About.SPF, NAME).answer is Answer.YES
    assert found.wrong() == []
    assert not any(point.publish for point in found.points if point.answer is Answer.YES)


@pytest.mark.parametrize(
    ("changes", "answer", "words"),
    [
        ({("desk.example", "MX"): ["0 ."]}, Answer.NO, "takes no mail (null MX)"),
        ({("desk.example", "MX"): dns.rcode.NXDOMAIN}, Answer.NO, "There is no domain desk.example"),
        ({("desk.example", "MX"): dns.rcode.SERVFAIL}, Answer.NO, "its name servers have no answer"),
        ({("desk.example", "MX"): ["10 no.example."]}, Answer.NO, "None of the mail servers"),
        (
            {("desk.example", "MX"): [f"10 {NAME}."]},
            Answer.NO,
            "comes back to this server; write where the helpdesk takes it",
        ),
        (
            {("desk.example", "MX"): [], ("desk.example", "A"): ["127.0.0.2"]},
            Answer.YES,
            "no MX record, so its own addresses (implicit MX): 127.0.0.2",
        ),
        (
            {("desk.example", "MX"): ["10 alias.example."], ("alias.example", "CNAME"): [f"{MX[0]}."]},
            Answer.YES,
            "MX 10 alias.example",
        ),
    ],
)
async def test_a_way_is_found_or_it_is_said_why_not(changes: Zone, answer: Answer, words: str) -> None:
    if any(said == dns.rcode.NXDOMAIN for said in changes.values()):
        changes = {**changes, ("desk.example", "A"): dns.rcode.NXDOMAIN}
    point = (await surveyed(changes=changes)).one(About.WAY, "desk.example (")
    assert point.answer is answer
    assert words in point.because


async def test_mx_hosts_that_mail_cannot_go_to_are_named() -> None:
    changes: Zone = {
        ("desk.example", "MX"): [f"10 {MX[0]}.", "15 gone.example.", f"20 {NAME}.", f"30 {MX[1]}."]
    }
    found = await surveyed(changes=changes)
    assert found.one(About.WAY, "gone.example").answer is Answer.WARNING
    assert [point.of for point in found.about(About.WAY) if point.answer is Answer.HINT] == [MX[1], NAME]
    assert not found.about(About.SERVER, MX[1])


async def test_a_named_server_is_looked_up_and_an_address_is_not() -> None:
    text = HOSTED.replace("mx+starttls", "smtp://no-such-host.invalid:25")
    point = (await surveyed(text)).one(About.WAY, "no-such-host.invalid")
    assert point.answer is Answer.NO
    assert not (await surveyed(by_name())).about(About.WAY)


async def test_postmasters_mail_that_would_come_back_is_told_with_what_to_set() -> None:
    point = (await surveyed(HOSTED.replace(POSTMASTER, ""))).one(About.WAY, f"{NAME} (")
    assert point.answer is Answer.NO
    assert "set postmaster" in point.because


async def test_a_server_that_nobody_reaches_is_unreachable_and_no_no() -> None:
    found = await surveyed()
    points = found.about(About.SERVER, "desk.example")
    assert [point.answer for point in points] == [Answer.UNREACHABLE] * 2
    assert all(point.because.startswith("not reachable from here: ") for point in points)
    assert not found.wrong()


@pytest.mark.parametrize(
    ("greeting", "answer"),
    [
        (b"554 5.7.1 we do not take mail from you\r\n", Answer.NO),
        (b"421 4.7.0 too busy\r\n", Answer.WARNING),
        (b"SSH-2.0-what\r\n", Answer.NO),
        (HANG, Answer.NO),
    ],
)
async def test_a_server_that_does_not_let_us_in_says_so_in_its_own_words(
    greeting: Step, answer: Answer
) -> None:
    async with ScriptedHop({"GREETING": greeting}) as server:
        point = (await surveyed(by_name(port=server.port))).one(About.SERVER)
    assert point.answer is answer
    if isinstance(greeting, bytes) and greeting[:1].isdigit():
        assert greeting.decode().strip()[10:] in point.because


async def test_a_login_that_is_refused_is_a_no() -> None:
    async with ScriptedHop({"AUTH": b"535 5.7.8 who?\r\n"}, extensions=[*FULL, "AUTH PLAIN"]) as server:
        text = by_name(port=server.port).replace("smtp://", "smtp://relay:secret@")
        point = (await surveyed(text)).one(About.SERVER)
    assert point.answer is Answer.NO
    assert "who?" in point.because
    assert "secret" not in point.because + point.of


# TLS


async def test_a_host_without_starttls_is_a_no_where_tls_is_required(certificate: Path) -> None:
    async with two_hosts() as port:
        points = (await surveyed(port=port, ca=certificate)).about(About.TLS, "desk.example")
    assert [point.answer for point in points] == [Answer.NO] * 2
    assert "announces no STARTTLS" in points[0].because
    assert "write mx to use TLS where it is offered" in points[0].because


@pytest.mark.parametrize(
    ("names", "days", "trusted", "words"),
    [
        (("other.example",), 1.0, True, "not valid for 'mx1.desk.example'"),
        (MX, -1.0, True, "expired"),
        (MX, 1.0, False, "self-signed"),
    ],
)
async def test_a_certificate_that_does_not_hold_is_a_no(
    names: tuple[str, ...], days: float, trusted: bool, words: str, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path / "cert.pem", *names, days=days)
    async with two_hosts(tls=tls_of(certificate)) as port:
        found = await surveyed(port=port, ca=certificate if trusted else None)
    point = found.one(About.TLS, MX[0])
    assert point.answer is Answer.NO
    assert words in point.because.replace("self signed", "self-signed")


async def test_where_nobody_asked_for_it_a_certificate_may_be_any(certificate: Path) -> None:
    async with two_hosts(tls=tls_of(certificate)) as port:
        found = await surveyed(HOSTED.replace("mx+starttls", "mx"), port=port)
    point = found.one(About.TLS, MX[0])
    assert (point.answer, point.because) == (
        Answer.YES,
        "TLS is used; nobody asked to have its certificate checked",
    )


async def test_no_tls_on_this_machine_is_a_hint() -> None:
    async with ScriptedHop() as server:
        assert (await surveyed(by_name(port=server.port))).one(About.TLS).answer is Answer.HINT


# what a server takes


@pytest.mark.parametrize(
    ("extensions", "limit", "words"),
    [
        (["SIZE 999999"], "1000000B", "takes 999999 octets at most, and limits.message_size is 1000000"),
        (["SIZE 999999"], "0", "takes 999999 octets at most, and limits.message_size is no limit"),
        (["SIZE 1000000"], "1000000B", ""),
        (["SIZE 0"], "1000000B", ""),
        (["SIZE"], "1000000B", ""),
        ([], "0", ""),
    ],
)
async def test_a_server_that_takes_less_than_we_do_is_a_warning(
    extensions: list[str], limit: str, words: str
) -> None:
    async with ScriptedHop(extensions=extensions) as server:
        found = await surveyed(by_name(port=server.port).replace("1000000B", limit))
    if not words:
        assert not found.about(About.SIZE)
        return
    point = found.one(About.SIZE)
    assert point.answer is Answer.WARNING
    assert point.because.startswith(words)
    assert "write limits.message_size: 999999B" in point.because


@pytest.mark.parametrize(
    ("address", "answer"), [("copies@desk.example", Answer.WARNING), ("kopien-für@desk.example", Answer.NO)]
)
async def test_no_smtputf8_is_a_no_only_where_an_address_needs_it(address: str, answer: Answer) -> None:
    async with ScriptedHop(extensions=["8BITMIME"]) as server:
        found = await surveyed(by_name(port=server.port).replace("copies@desk.example", address))
    assert found.one(About.UTF8).answer is answer
    assert found.one(About.SERVER).because == "answers and offers 8BITMIME"


# it ends


async def test_silence_everywhere_is_an_answer_in_bounded_time(certificate: Path) -> None:
    zone: Zone = dict.fromkeys(
        [("desk.example", "MX"), (NAME, "A"), (NAME, "TXT"), ("company.com", "MX")], SILENT
    )  # type: ignore[arg-type]
    found = await asyncio.wait_for(surveyed(changes=zone, stage=0.1), 20)
    assert found.wrong() == [
        (About.WAY, "desk.example (channel support)"),
        (About.WAY, "company.com (postmaster)"),
    ]
    assert {point.because for point in found.points if point.answer is Answer.NO} == {
        "there was no time left to look"
    }


async def test_a_server_that_is_slow_at_every_step_does_not_hold_it_up() -> None:
    async with ScriptedHop({"EHLO": HANG}) as server:
        found = await asyncio.wait_for(surveyed(by_name(port=server.port), stage=0.2), 20)
    assert found.one(About.SERVER).answer is Answer.UNREACHABLE


@pytest.mark.parametrize("said", [dns.rcode.SERVFAIL, dns.rcode.REFUSED])
async def test_trouble_with_dns_is_an_answer(said: Said) -> None:
    names = [("desk.example", "MX"), (NAME, "A"), (NAME, "AAAA"), (NAME, "MX"), (NAME, "TXT")]
    names += [("company.com", "MX"), ("company.com", "TXT")]
    found = await surveyed(changes=dict.fromkeys(names, said))
    assert {about for about, _ in found.wrong()} == {About.WAY}
    assert found.one(About.HOSTNAME).answer is Answer.WARNING
    assert found.one(About.SPF, NAME).answer is Answer.WARNING
