import asyncio
import contextlib
import hashlib
import hmac
import socket
import ssl
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.delivery.client import Connection, Timeouts
from relay.delivery.commands import Announced
from relay.delivery.faults import NoConnectionError, NoTlsError, UnreachableError
from relay.delivery.handshake import Dialer
from relay.delivery.wire import Link
from relay.errors import UnreadableFileError
from relay.mail.address import parse_mailbox
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.hop import NextHop, Scheme, parse_hop
from tests.delivery.scripted import DROP, FULL, HANG, ScriptedHop

ANN = ForwardPath("ann@desk.example", parse_mailbox("ann@desk.example"))  # type: ignore[arg-type]
LIMITS = Timeouts(5, 5, 5)


@contextlib.asynccontextmanager
async def dialled(dialer: Dialer, hop: NextHop) -> AsyncIterator[Connection]:
    connection = await dialer(hop)
    try:
        yield connection
    finally:
        connection.quit()
        await connection.closed(2)


async def deliver(dialer: Dialer, hop: NextHop) -> None:
    async with dialled(dialer, hop) as connection:
        for _ in range(2):
            replies = await connection.transaction(
                ReversePath(""), (ANN,), [b"a: b\r\n\r\n" + b"." * 200_000 + b"\r\n"]
            )
            assert [reply.code for reply in replies] == [250]


def tls_dialer(certificate: Path | None) -> Dialer:
    return Dialer("relay.example", LIMITS, certificate)


async def test_smtp_says_ehlo_and_knows_what_was_offered(dialer: Dialer) -> None:
    async with ScriptedHop() as server:
        async with dialled(dialer, server.hop) as connection:
            assert connection.announced == Announced(
                pipelining=True,
                size=True,
                most_octets=1_000_000,
                eight_bit_mime=True,
                smtputf8=True,
                dsn=True,
                xforward=frozenset({"NAME", "ADDR", "PROTO", "HELO"}),
            )
        assert server.session.lines == ["EHLO relay.example", "QUIT"]


async def test_an_old_server_is_spoken_to_with_helo(dialer: Dialer) -> None:
    async with ScriptedHop({"EHLO": b"500 what?\r\n"}) as server:
        await deliver(dialer, server.hop)
        assert server.session.lines[:2] == ["EHLO relay.example", "HELO relay.example"]


async def test_smtp_uses_starttls_where_it_is_announced_and_believes_any_certificate(
    dialer: Dialer, server_tls: ssl.SSLContext
) -> None:
    async with ScriptedHop(tls=server_tls) as server:
        await deliver(dialer, server.hop)
        assert server.session.lines[:3] == ["EHLO relay.example", "STARTTLS", "EHLO relay.example"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_starttls_that_is_required_checks_the_certificate(
    certificate: Path, server_tls: ssl.SSLContext, host: str
) -> None:
    async with ScriptedHop(tls=server_tls) as server:
        hop = server.hop_by(Scheme.SMTP_STARTTLS, host)
        await deliver(tls_dialer(certificate), hop)
        with pytest.raises(NoConnectionError, match="certificate"):
            await tls_dialer(None)(hop)


async def test_smtps_checks_the_certificate(certificate: Path, server_tls: ssl.SSLContext) -> None:
    async with ScriptedHop(tls=server_tls, implicit=True) as server:
        await deliver(tls_dialer(certificate), server.hop_by(Scheme.SMTPS, "localhost"))
        assert server.session.lines[0] == "EHLO relay.example"
        with pytest.raises(NoConnectionError, match="certificate"):
            await tls_dialer(None)(server.hop_by(Scheme.SMTPS, "localhost"))


async def test_a_certificate_for_another_name_does_not_hold(
    certificate: Path, server_tls: ssl.SSLContext
) -> None:
    async with ScriptedHop(tls=server_tls, address="127.0.0.2") as server:
        with pytest.raises(NoConnectionError, match=r"certificate.*127\.0\.0\.2"):
            await tls_dialer(certificate)(server.hop_by(Scheme.SMTP_STARTTLS))


async def test_starttls_that_is_required_and_not_announced_is_no_connection(dialer: Dialer) -> None:
    async with ScriptedHop() as server:
        with pytest.raises(NoConnectionError, match="announces no STARTTLS"):
            await dialer(server.hop_by(Scheme.SMTP_STARTTLS))
        assert not server.session.said("MAIL")


@pytest.mark.parametrize(
    "step", [b"454 4.7.0 not now\r\n", b"220 go\r\nDROP", b"220 go\r\n220 no TLS at all\r\n", DROP, HANG]
)
async def test_starttls_that_is_announced_and_fails_is_not_done_without(
    server_tls: ssl.SSLContext, step: bytes
) -> None:
    dialer = Dialer("relay.example", Timeouts(1, 1, 1))
    async with ScriptedHop({"STARTTLS": step}, tls=server_tls) as server:
        with pytest.raises(NoConnectionError):
            await dialer(server.hop)
        assert server.session.lines == ["EHLO relay.example", "STARTTLS"]


async def test_lmtp_says_lhlo_also_behind_starttls_and_on_a_unix_socket(
    dialer: Dialer, server_tls: ssl.SSLContext, tmp_path: Path
) -> None:
    async with ScriptedHop(lmtp=True, tls=server_tls) as server:
        await deliver(dialer, server.hop)
        assert server.session.lines[:3] == ["LHLO relay.example", "STARTTLS", "LHLO relay.example"]
    async with ScriptedHop(lmtp=True, path=tmp_path / "lmtp") as server:
        await deliver(dialer, server.hop)
    async with ScriptedHop() as server:
        with pytest.raises(NoConnectionError, match="500"):
            await dialer(server.hop_by(Scheme.LMTP))


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
async def test_a_login_is_used(dialer: Dialer, mechanism: str) -> None:
    steps: dict[str, list[bytes] | bytes] = {"AUTH": b"235 2.7.0 hello\r\n"}
    if mechanism == "LOGIN":
        steps = {
            "AUTH": b"334 UGFzc3dvcmQ6\r\n",
            "SECRET": b"235 2.7.0 hello\r\n",
            "C2VJCMV0": b"235 2.7.0 hello\r\n",
        }
    if mechanism == "CRAM-MD5":
        answer = b64encode(
            b"anna " + hmac.new(b"secret", b"challenge", hashlib.md5).hexdigest().encode()
        ).decode()
        steps = {"AUTH": b"334 " + b64encode(b"challenge") + b"\r\n", answer.upper(): b"235 2.7.0 hello\r\n"}
    async with ScriptedHop(steps, extensions=[*FULL, f"AUTH {mechanism}"]) as server:
        await deliver(dialer, server.hop_by(Scheme.SMTP, user="anna", password="secret"))
        assert server.session.lines[1].startswith(f"AUTH {mechanism}")
        if mechanism == "PLAIN":
            assert b64decode(server.session.lines[1].split()[2]) == b"\0anna\0secret"


async def test_a_refused_login_is_no_connection_and_does_not_tell_the_password(dialer: Dialer) -> None:
    async with ScriptedHop({"AUTH": b"535 5.7.8 wrong\r\n"}, extensions=["AUTH PLAIN"]) as server:
        with pytest.raises(NoConnectionError, match=r"535 5\.7\.8 wrong") as raised:
            await dialer(server.hop_by(Scheme.SMTP, user="anna", password="hunter2"))
        assert raised.value.reply is not None
        assert raised.value.reply.code == 535
        assert "hunter2" not in str(raised.value)


async def test_a_login_where_none_is_offered_is_no_connection(dialer: Dialer) -> None:
    async with ScriptedHop() as server:
        with pytest.raises(NoConnectionError, match="AUTH"):
            await dialer(server.hop_by(Scheme.SMTP, user="anna", password="hunter2"))


@pytest.fixture
def other_machine(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name of this machine that does not look like it."""
    real = socket.getaddrinfo

    def lookup(host: str, *arguments: object, **options: object) -> object:
        return real("127.0.0.1" if host == "desk.example" else host, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return "desk.example"


@pytest.mark.asyncio(loop_factories=["asyncio"])
@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "PLAIN CRAM-MD5"])
async def test_a_password_is_never_sent_in_the_clear_to_another_machine(
    dialer: Dialer, other_machine: str, mechanisms: str
) -> None:
    challenge = {"AUTH": b"334 " + b64encode(b"challenge") + b"\r\n"}
    async with ScriptedHop(challenge, extensions=[f"AUTH {mechanisms}"]) as server:
        with pytest.raises(NoConnectionError):
            await dialer(server.hop_by(Scheme.SMTP, other_machine, user="anna", password="hunter2"))
        said = " ".join(server.session.lines)
        assert "PLAIN" not in said
        assert ("CRAM-MD5" in said) is ("CRAM-MD5" in mechanisms)


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_password_is_sent_to_another_machine_inside_tls(
    dialer: Dialer, other_machine: str, server_tls: ssl.SSLContext
) -> None:
    async with ScriptedHop(extensions=["AUTH PLAIN"], tls=server_tls) as server:
        await deliver(dialer, server.hop_by(Scheme.SMTP, other_machine, user="anna", password="secret"))


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"GREETING": b"554 5.7.1 go away\r\n"}, "554 5.7.1 go away"),
        ({"GREETING": b"421 4.3.2 busy\r\n"}, "421 4.3.2 busy"),
        ({"GREETING": b"SSH-2.0-OpenSSH_9.2\r\n"}, "no SMTP"),
        ({"GREETING": DROP}, "no connection"),
        ({"GREETING": HANG}, "no answer in time"),
        ({"EHLO": b"421 4.3.2 busy\r\n"}, "421"),
        ({"EHLO": b"500 no\r\n", "HELO": b"550 5.7.1 no\r\n"}, "550"),
        ({"EHLO": DROP}, "no connection"),
        ({"EHLO": HANG}, "no answer in time"),
        ({"EHLO": b"\xff\xfe rubbish\r\n"}, "no SMTP"),
        ({"EHLO": b"250-" + b"x" * 70_000}, "no SMTP"),
    ],
)
async def test_a_handshake_that_fails_says_why(
    hasty_dialer: Dialer, script: dict[str, bytes], words: str
) -> None:
    async with ScriptedHop(script) as server:
        with pytest.raises(NoConnectionError, match=words):
            await hasty_dialer(server.hop)


async def test_a_port_where_nobody_listens_is_no_connection(dialer: Dialer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoConnectionError, match="refused"):
            await dialer(parse_hop(f"smtp://127.0.0.1:{taken.getsockname()[1]}"))


@pytest.mark.parametrize("url", ["lmtp+unix:///nonexistent/lmtp", "smtp://nobody.invalid"])
async def test_a_place_that_does_not_exist_is_no_connection(dialer: Dialer, url: str) -> None:
    with pytest.raises(NoConnectionError, match="no connection to"):
        await dialer(parse_hop(url))


async def test_a_connection_that_does_not_come_about_is_given_up_in_time() -> None:
    """The queue of a listener that accepts nobody is full: further attempts get no answer."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(listener.getsockname())
        await asyncio.sleep(0.05)
        with pytest.raises(NoConnectionError, match="no answer in time"):
            await Dialer("relay.example", Timeouts(0.2, 0.2, 0.2))(
                parse_hop(f"smtp://127.0.0.1:{listener.getsockname()[1]}")
            )


async def test_a_cancelled_dial_leaves_nothing_open(dialer: Dialer) -> None:
    async with ScriptedHop({"EHLO": HANG}) as server:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(dialer(server.hop), 0.1)
        for _ in range(200):
            if server.session.ended:
                break
            await asyncio.sleep(0.01)
        assert server.session.ended


def test_a_file_that_holds_no_certificates_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for name in ("ca.pem", "missing.pem"):
        with pytest.raises(UnreadableFileError, match=name):
            tls_dialer(tmp_path / name)


def test_without_a_limit_there_is_none() -> None:
    assert Timeouts(0, 0, 0) == Timeouts(connect=0, reply=0, content=0)


async def test_small_pieces_are_sent_at_once(dialer: Dialer) -> None:
    async with ScriptedHop() as server, dialled(dialer, server.hop) as connection:
        sock = connection._wire._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_the_certificate_must_be_for_the_name_of_an_address(
    certificate: Path, server_tls: ssl.SSLContext
) -> None:
    async with ScriptedHop(tls=server_tls) as server:
        hop = NextHop(Scheme.SMTP_STARTTLS, "127.0.0.1", server.port, name="localhost")
        await deliver(tls_dialer(certificate), hop)
        other = NextHop(Scheme.SMTP_STARTTLS, "127.0.0.1", server.port, name="mx.example")
        with pytest.raises(NoConnectionError, match="certificate does not hold"):
            await tls_dialer(certificate)(other)


async def test_where_nobody_answers_the_hop_is_unreachable_and_else_it_is_not(
    certificate: Path, server_tls: ssl.SSLContext, hasty_dialer: Dialer
) -> None:
    async with ScriptedHop() as server:
        gone = server.hop
        with pytest.raises(NoTlsError):
            await hasty_dialer(server.hop_by(Scheme.SMTP_STARTTLS))
    with pytest.raises(UnreachableError):
        await hasty_dialer(gone)
    with pytest.raises(UnreachableError):
        await hasty_dialer(parse_hop("smtp://no-such-host.invalid"))
    async with ScriptedHop({"GREETING": b"554 5.7.1 not you\r\n"}) as server:
        with pytest.raises(NoConnectionError) as refused:
            await hasty_dialer(server.hop)
        assert type(refused.value) is NoConnectionError
    for implicit, scheme in ((False, Scheme.SMTP_STARTTLS), (True, Scheme.SMTPS)):
        async with ScriptedHop(tls=server_tls, implicit=implicit) as server:
            with pytest.raises(NoTlsError, match="certificate"):
                await tls_dialer(None)(server.hop_by(scheme, "localhost"))


async def test_a_connection_knows_its_ends_and_whether_it_is_encrypted(
    dialer: Dialer, server_tls: ssl.SSLContext, tmp_path: Path
) -> None:
    async with ScriptedHop(address="127.0.0.2") as server, dialled(dialer, server.hop) as connection:
        assert connection.link == Link("127.0.0.1", "127.0.0.2", encrypted=False)
    async with ScriptedHop(tls=server_tls) as server, dialled(dialer, server.hop) as connection:
        assert connection.link.encrypted
    async with (
        ScriptedHop(lmtp=True, path=tmp_path / "s") as server,
        dialled(dialer, server.hop) as connection,
    ):
        assert connection.link == Link("", "", encrypted=False)
