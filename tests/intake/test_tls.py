"""STARTTLS, implicit TLS, AUTH, over asyncio's loop and over uvloop's."""

import asyncio
import base64
import contextlib
import ssl
from pathlib import Path

import pytest
from intake_fakes import TAKEN, Caller, House, calling, running, terms_of, until

from relay.channels.networks import Networks
from relay.errors import BadSettingsError, UnreadableFileError
from relay.intake.authentication import Credentials
from relay.intake.events import AuthenticationFailed, Cause, SessionCut
from relay.intake.terms import AuthMode, IntakeLimits, ListenerSettings, Terms, TlsMode
from relay.intake.tls import server_context

IMPLICIT = ListenerSettings("127.0.0.1", 0, tls=TlsMode.IMPLICIT)
REQUIRED = ListenerSettings("127.0.0.1", 0, tls=TlsMode.REQUIRED)
OPTIONAL_AUTH = ListenerSettings("127.0.0.1", 0, auth=AuthMode.OPTIONAL)
REQUIRED_AUTH = ListenerSettings("127.0.0.1", 0, auth=AuthMode.REQUIRED)


@pytest.fixture
def tls_terms(house: House, tmp_path: Path, certificate: tuple[Path, Path]) -> Terms:
    return terms_of(house, tmp_path, tls=server_context(*certificate))


def plain(user: str, password: str, authzid: str = "") -> str:
    return base64.b64encode(f"{authzid}\0{user}\0{password}".encode()).decode()


class TestStartTls:
    """RFC 3207"""

    async def test_a_message_goes_over_tls(
        self, house: House, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        async with running(tls_terms) as intake, calling(intake) as caller:
            assert "250-STARTTLS" in (await caller.hello()).replace("250 ", "250-")
            assert (await caller.ask("STARTTLS"))[:9] == "220 2.0.0"
            await caller.start_tls(trusting)
            assert "STARTTLS" not in await caller.ask("EHLO client.example")
            assert await caller.send(b"x" * 500_000 + b"\r\n.\r\n") == str(TAKEN)
            assert (await caller.ask("QUIT"))[:3] == "221"
        assert len(house.delivered[0]) == 500_002
        assert house.transactions[0].client.tls is True

    async def test_what_was_injected_in_plain_is_void(
        self, house: House, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        async with running(tls_terms) as intake, calling(intake) as caller:
            await caller.hello()
            assert (await caller.ask("STARTTLS\r\nMAIL FROM:<evil@bad.example>\r\nRCPT TO:<b@y>"))[
                :3
            ] == "220"
            await caller.start_tls(trusting)
            assert (await caller.ask("NOOP"))[:3] == "250"
            assert (await caller.ask("RCPT TO:<b@y>"))[:9] == "503 5.5.1"
        assert house.transactions == []

    async def test_what_is_injected_while_we_are_busy_is_void_too(
        self, house: House, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        house.abandon_seconds = 0.1
        async with running(tls_terms) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            await caller.say(b"STARTTLS\r\n")
            await until(lambda: house.transactions[0].abandoned)
            await caller.say(b"EHLO evil.example\r\nMAIL FROM:<evil@bad.example>\r\n")
            assert (await caller.hear())[:3] == "220"
            await caller.start_tls(trusting)
            assert (await caller.ask("NOOP"))[:3] == "250"
            assert (await caller.ask("RCPT TO:<b@y>"))[:9] == "503 5.5.1"
        assert len(house.transactions) == 1

    async def test_it_forgets_who_the_client_said_it_was(
        self, house: House, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        async with running(tls_terms) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            await caller.ask("STARTTLS")
            await caller.start_tls(trusting)
            assert (await caller.ask("MAIL FROM:<a@x>"))[:9] == "503 5.5.1"
        assert house.transactions[0].abandoned == 1

    async def test_a_second_one_is_refused(self, tls_terms: Terms, trusting: ssl.SSLContext) -> None:
        async with running(tls_terms) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("STARTTLS")
            await caller.start_tls(trusting)
            await caller.ask("EHLO client.example")
            assert (await caller.ask("STARTTLS"))[:9] == "503 5.5.1"

    async def test_it_is_not_offered_without_a_certificate(self, terms: Terms) -> None:
        async with running(terms) as intake, calling(intake) as caller:
            assert "STARTTLS" not in await caller.hello()
            assert (await caller.ask("STARTTLS"))[:9] == "502 5.5.1"

    async def test_it_is_not_offered_where_the_listener_has_none(self, tls_terms: Terms) -> None:
        listener = ListenerSettings("127.0.0.1", 0, tls=TlsMode.NONE)
        async with running(tls_terms, listener) as intake, calling(intake) as caller:
            assert "STARTTLS" not in await caller.hello()
            assert (await caller.ask("STARTTLS"))[:9] == "502 5.5.1"

    async def test_required_lets_no_mail_begin_in_plain(
        self, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        async with running(tls_terms, REQUIRED) as intake, calling(intake) as caller:
            await caller.hello()
            for line in ("MAIL FROM:<a@x>", "RCPT TO:<a@x>", "DATA", "VRFY a", "AUTH PLAIN AAAA"):
                assert (await caller.ask(line))[:9] == "530 5.7.0"
            assert (await caller.ask("NOOP"))[:3] == "250"
            await caller.ask("STARTTLS")
            await caller.start_tls(trusting)
            await caller.ask("EHLO client.example")
            assert (await caller.ask("MAIL FROM:<a@x>"))[:3] == "250"

    async def test_a_failed_handshake_ends_the_session_and_nothing_else(
        self, house: House, tls_terms: Terms
    ) -> None:
        async with running(tls_terms) as intake:
            async with calling(intake) as caller:
                await caller.hello()
                await caller.ask("STARTTLS")
                await caller.say(b"this is no TLS\r\n" * 10)
                with contextlib.suppress(ConnectionError):
                    assert b"250" not in await caller.reader.read(), "an alert, a reset, or the end: no reply"
            await until(lambda: not intake.sessions)
            async with calling(intake) as caller:
                assert (await caller.hello())[:3] == "250"
        assert [e.cause for e in house.events if isinstance(e, SessionCut)] == [Cause.TLS_FAILED]


class TestImplicitTls:
    """RFC 8314"""

    async def test_a_message_goes_over_tls(
        self, house: House, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        async with running(tls_terms, IMPLICIT) as intake, calling(intake, tls=trusting) as caller:
            assert "STARTTLS" not in await caller.hello()
            assert await caller.send(b"x\r\n.\r\n") == str(TAKEN)
            assert (await caller.ask("STARTTLS"))[:9] == "503 5.5.1"
        assert house.transactions[0].client.tls is True

    async def test_a_disconnect_after_the_final_dot_does_not_cancel_either(
        self, house: House, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        go_on = asyncio.Event()

        async def slowly(transaction: object) -> object:
            await go_on.wait()
            return TAKEN

        house.answer_content = slowly  # type: ignore[assignment]
        async with running(tls_terms, IMPLICIT) as intake:
            async with calling(intake, tls=trusting) as caller:
                await caller.hello()
                for line in ("MAIL FROM:<a@x>", "RCPT TO:<b@y>", "DATA"):
                    await caller.ask(line)
                await caller.say(b"x\r\n.\r\n")
                await until(lambda: house.contents)
            await asyncio.sleep(0.02)
            go_on.set()
            await until(lambda: not intake.sessions)
        assert house.delivered == [b"x\r\n"]
        assert house.events == []

    async def test_plain_text_gets_no_session(self, house: House, tls_terms: Terms) -> None:
        async with running(tls_terms, IMPLICIT) as intake:
            async with calling(intake) as caller:
                await caller.say(b"EHLO client.example\r\n")
                assert b"250" not in await caller.reader.read()
            await until(lambda: not intake.sessions)
        assert [e.cause for e in house.events if isinstance(e, SessionCut)] == [Cause.TLS_FAILED]


async def test_a_new_certificate_is_shown_and_no_session_is_dropped(
    house: House,
    tls_terms: Terms,
    other_certificate: tuple[Path, Path],
    trusting: ssl.SSLContext,
    tmp_path: Path,
) -> None:
    def shown(caller: Caller) -> bytes | None:
        return caller.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)

    async with (
        running(tls_terms, IMPLICIT, ListenerSettings("127.0.0.1", 0)) as intake,
        calling(intake, tls=trusting) as old,
        calling(intake, number=1) as waiting,
    ):
        await old.hello()
        await waiting.hello()
        intake.reload(terms_of(house, tmp_path, tls=server_context(*other_certificate)))
        async with calling(intake, tls=trusting) as new:
            await new.hello()
            assert shown(new) != shown(old)
            await waiting.ask("STARTTLS")
            await waiting.start_tls(trusting)
            assert waiting.writer.get_extra_info("ssl_object").getpeercert(binary_form=True) == shown(new)
        assert await old.send(b"x\r\n.\r\n") == str(TAKEN)


def test_a_missing_certificate_is_named(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    with pytest.raises(UnreadableFileError, match="No such file"):
        server_context(tmp_path / "none.pem", certificate[1])


def test_a_certificate_and_a_foreign_key_are_bad_settings(
    certificate: tuple[Path, Path], other_certificate: tuple[Path, Path]
) -> None:
    with pytest.raises(BadSettingsError, match="no certificate and its private key"):
        server_context(certificate[0], other_certificate[1])


class TestAuth:
    """RFC 4954: over TLS, or from loopback"""

    @pytest.mark.parametrize(
        "lines",
        [
            [f"AUTH PLAIN {plain('anna', 'secret')}"],
            [f"auth plain {plain('anna', 'secret', 'anna')}"],
            ["AUTH PLAIN", plain("anna", "secret")],
            ["AUTH LOGIN", "YW5uYQ==", "c2VjcmV0"],
            ["AUTH LOGIN YW5uYQ==", "c2VjcmV0"],
        ],
    )
    async def test_the_right_password_names_the_user(
        self, house: House, terms: Terms, lines: list[str]
    ) -> None:
        async with running(terms, OPTIONAL_AUTH) as intake, calling(intake) as caller:
            assert "AUTH PLAIN LOGIN" in await caller.hello()
            for line in lines[:-1]:
                assert (await caller.ask(line))[:4] == "334 "
            assert (await caller.ask(lines[-1]))[:9] == "235 2.7.0"
            assert "AUTH" not in await caller.ask("EHLO client.example")
            assert (await caller.ask("AUTH PLAIN AAAA"))[:9] == "503 5.5.1"
            assert (await caller.send(b"bare\nnewline\r\n.\r\n"))[:3] == "250", "users are normalised"
        assert house.transactions[0].client.user == "anna"

    async def test_a_name_outside_ascii_goes(self, house: House, terms: Terms) -> None:
        async with running(terms, OPTIONAL_AUTH) as intake, calling(intake) as caller:
            await caller.hello()
            assert (await caller.ask(f"AUTH PLAIN {plain('jörg', 'größer')}"))[:3] == "235"

    @pytest.mark.parametrize(
        ("lines", "reply"),
        [
            ([f"AUTH PLAIN {plain('anna', 'wrong')}"], "535 5.7.8"),
            ([f"AUTH PLAIN {plain('anna', 'secret', 'root')}"], "535 5.7.8"),
            ([f"AUTH PLAIN {plain('', '')}"], "535 5.7.8"),
            (["AUTH PLAIN ="], "535 5.7.8"),
            (["AUTH PLAIN gPiA"], "535 5.7.8"),
            (["AUTH PLAIN ???"], "501 5.5.2"),
            (["AUTH PLAIN", "*"], "501 5.7.0"),
            (["AUTH LOGIN", "*"], "501 5.7.0"),
            (["AUTH LOGIN", "YW5uYQ==", "*"], "501 5.7.0"),
            (["AUTH LOGIN", "YW5uYQ==", "%%%"], "501 5.5.2"),
            (["AUTH LOGIN", "/w==", "/w=="], "535 5.7.8"),
            (["AUTH"], "501 5.5.4"),
            (["AUTH CRAM-MD5"], "504 5.5.4"),
            ([f"AUTH PLAIN {plain('boom', 'x')}"], "454 4.7.0"),
            (["AUTH PLAIN " + "A" * 20_000], "500 5.5.2"),
        ],
    )
    async def test_everything_else_does_not(
        self, house: House, terms: Terms, lines: list[str], reply: str
    ) -> None:
        async with running(terms, REQUIRED_AUTH) as intake, calling(intake) as caller:
            await caller.hello()
            for line in lines[:-1]:
                assert (await caller.ask(line))[:4] == "334 "
            assert (await caller.ask(lines[-1]))[:9] == reply
            assert (await caller.ask("MAIL FROM:<a@x>"))[:9] == "530 5.7.0"
        assert "secret" not in repr([e for e in house.events if isinstance(e, AuthenticationFailed)])

    async def test_a_long_password_fits(self, terms: Terms) -> None:
        async with running(terms, OPTIONAL_AUTH) as intake, calling(intake) as caller:
            await caller.hello()
            assert (await caller.ask(f"AUTH PLAIN {plain('anna', 'x' * 8000)}"))[:3] == "535"

    async def test_too_many_failures_end_the_session(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(auth_failures=3, auth_delay=0.01)
        async with (
            running(terms_of(house, tmp_path, limits=limits), OPTIONAL_AUTH) as intake,
            calling(intake) as caller,
        ):
            await caller.hello()
            replies = [(await caller.ask(f"AUTH PLAIN {plain('anna', 'wrong')}"))[:9] for _ in range(3)]
            assert replies == ["535 5.7.8", "535 5.7.8", "421 4.7.0"]
            assert await caller.hear() == ""
        assert [e.user for e in house.events if isinstance(e, AuthenticationFailed)] == ["anna"] * 3

    async def test_it_is_not_offered_where_the_listener_has_none(self, terms: Terms) -> None:
        async with running(terms) as intake, calling(intake) as caller:
            assert "AUTH" not in await caller.hello()
            assert (await caller.ask(f"AUTH PLAIN {plain('anna', 'secret')}"))[:9] == "502 5.5.1"

    async def test_not_in_plain_from_elsewhere(
        self, house: House, tls_terms: Terms, trusting: ssl.SSLContext
    ) -> None:
        from ipaddress import ip_network

        proxies = Networks([ip_network("127.0.0.0/8")])
        listener = ListenerSettings("127.0.0.1", 0, auth=AuthMode.OPTIONAL, proxy=proxies)
        async with running(tls_terms, listener) as intake, calling(intake) as caller:
            await caller.say(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n")
            assert "AUTH" not in await caller.hello()
            assert (await caller.ask(f"AUTH PLAIN {plain('anna', 'secret')}"))[:10] == "538 5.7.11"
            await caller.ask("STARTTLS")
            await caller.start_tls(trusting)
            assert "AUTH PLAIN LOGIN" in await caller.ask("EHLO client.example")
            assert (await caller.ask(f"AUTH PLAIN {plain('anna', 'secret')}"))[:3] == "235"

    def test_credentials_do_not_show_their_password(self) -> None:
        assert "secret" not in repr(Credentials("anna", "secret"))

    async def test_not_during_a_transaction_nor_before_ehlo(self, terms: Terms) -> None:
        async with running(terms, OPTIONAL_AUTH) as intake, calling(intake) as caller:
            await caller.hear()
            assert (await caller.ask(f"AUTH PLAIN {plain('anna', 'secret')}"))[:9] == "503 5.5.1"
            await caller.ask("EHLO client.example")
            await caller.ask("MAIL FROM:<a@x>")
            assert (await caller.ask(f"AUTH PLAIN {plain('anna', 'secret')}"))[:9] == "503 5.5.1"
