import asyncio
from collections.abc import Iterator
from ipaddress import ip_address

import pytest

from relay.delivery.client import Timeouts
from relay.delivery.courier import NO_TIME
from relay.delivery.handshake import Dialer
from relay.errors import LocalProtocolError
from relay.mail.envelope import Client, ReversePath
from relay.mail.hop import NextHop, Scheme
from relay.mail.outcome import Deferred, Delivered, Failed, Unknown
from tests.delivery.couriers import ANN, BOB, EVE, FROM, delivered, desk, kinds, to, told
from tests.delivery.scripted import DROP, FULL, HANG, ScriptedHop

HERE = "127.0.0.1"
BEFORE_THE_DOT = ("MAIL", "RCPT", "DATA")
RUBBISH = b"what is this?\r\n"


async def test_a_message_is_delivered_in_one_segment_with_one_outcome_for_each_forward_path() -> None:
    async with ScriptedHop() as server, desk() as at:
        outcomes = await at.deliver(server.hop, ANN, BOB, EVE)
        assert [told(outcome) for outcome in outcomes] == [("delivered", 250, HERE)] * 3
        assert server.session.contents == [b"Subject: x\r\n\r\n..dot\r\n"]
        assert server.session.segments[1].startswith(b"MAIL FROM:<tool@shop.example>")
        assert server.session.segments[1].endswith(b"DATA\r\n")


async def test_each_forward_path_has_the_hops_own_answer() -> None:
    script = {"RCPT": [b"250 2.1.5 ok\r\n", b"550 5.1.1 who?\r\n", b"452 4.5.3 too many\r\n"]}
    async with ScriptedHop(script) as server, desk() as at:
        outcomes = await at.deliver(server.hop, ANN, BOB, EVE)
        assert [told(outcome) for outcome in outcomes] == [
            ("delivered", 250, HERE),
            ("failed", 550, HERE),
            ("deferred", 452, HERE),
        ]
        assert server.session.contents
        assert not at.pool.recently_failed(server.hop)


@pytest.mark.parametrize("extensions", [FULL, ()])
@pytest.mark.parametrize("verb", [*BEFORE_THE_DOT, "."])
@pytest.mark.parametrize(
    ("reply", "kind"), [(b"450 4.2.0 not now\r\n", Deferred), (b"554 5.7.0 never\r\n", Failed)]
)
async def test_a_refusal_at_any_verb_is_the_outcome_in_the_hops_own_words(
    verb: str, reply: bytes, kind: type[Deferred | Failed], extensions: tuple[str, ...]
) -> None:
    async with ScriptedHop({verb: reply}, extensions=extensions) as server, desk() as at:
        outcomes = await at.deliver(server.hop, ANN, BOB)
        assert len(set(outcomes)) == 1
        assert isinstance(outcomes[0], kind)
        assert f"{outcomes[0].reply}\r\n".encode() == reply
        assert outcomes[0].hop == HERE
        assert not at.pool.recently_failed(server.hop)


@pytest.mark.parametrize("extensions", [FULL, ()])
@pytest.mark.parametrize("verb", ["GREETING", "EHLO", *BEFORE_THE_DOT])
@pytest.mark.parametrize("step", [HANG, DROP, RUBBISH])
async def test_a_hop_that_breaks_off_before_the_final_dot_defers_and_is_remembered(
    verb: str, step: bytes | str, extensions: tuple[str, ...], hasty_dialer: Dialer
) -> None:
    async with ScriptedHop({verb: step}, extensions=extensions) as server, desk(hasty_dialer) as at:
        outcomes = await at.deliver(server.hop, ANN, BOB)
        assert [told(outcome) for outcome in outcomes] == [("deferred", 451, "")] * 2
        assert at.pool.recently_failed(server.hop)
        assert not server.session.contents


@pytest.mark.parametrize("step", [HANG, DROP, RUBBISH])
async def test_silence_behind_the_final_dot_is_unknown(step: bytes | str, hasty_dialer: Dialer) -> None:
    script = {"RCPT": [b"250 2.1.5 ok\r\n", b"550 5.1.1 who?\r\n", b"250 2.1.5 ok\r\n"], ".": step}
    async with ScriptedHop(script) as server, desk(hasty_dialer) as at:
        outcomes = await at.deliver(server.hop, ANN, BOB, EVE)
        assert [told(outcome) for outcome in outcomes] == [
            ("unknown", None, HERE),
            ("failed", 550, HERE),
            ("unknown", None, HERE),
        ]
        assert at.pool.recently_failed(server.hop)
        assert len(server.sessions) == 1


async def test_by_lmtp_each_forward_path_has_its_own_reply_to_the_content() -> None:
    script = {".": [b"250 2.0.0 in\r\n", b"452 4.2.2 full\r\n", b"554 5.6.0 no\r\n"]}
    async with ScriptedHop(script, lmtp=True) as server, desk() as at:
        outcomes = await at.deliver(server.hop, ANN, BOB, EVE)
        assert kinds(outcomes) == ["delivered", "deferred", "failed"]
        assert isinstance(outcomes[0], Delivered)
        assert outcomes[0].final


async def test_by_lmtp_only_what_was_not_answered_is_unknown(hasty_dialer: Dialer) -> None:
    script = {".": [b"250 2.0.0 in\r\n", HANG]}
    async with ScriptedHop(script, lmtp=True) as server, desk(hasty_dialer) as at:
        assert kinds(await at.deliver(server.hop, ANN, BOB)) == ["delivered", "unknown"]


async def test_a_kept_connection_that_is_gone_costs_nothing() -> None:
    async with ScriptedHop() as server, desk() as at:
        assert delivered(await at.deliver(server.hop))
        server.hang_up()
        assert delivered(await at.deliver(server.hop))
        assert len(server.sessions) == 2
        assert not at.pool.recently_failed(server.hop)


async def test_a_kept_connection_is_replaced_once_and_not_for_ever() -> None:
    async with ScriptedHop({"MAIL": [b"250 2.1.0 ok\r\n", DROP]}) as server, desk() as at:
        assert delivered(await at.deliver(server.hop))
        assert kinds(await at.deliver(server.hop)) == ["deferred"]
        assert len(server.sessions) == 2


async def test_a_hop_that_failed_a_moment_ago_is_left_alone(hasty_dialer: Dialer) -> None:
    async with ScriptedHop({"MAIL": [HANG, b"250 2.1.0 ok\r\n"]}) as server, desk(hasty_dialer) as at:
        await at.deliver(server.hop)
        (outcome,) = await at.deliver(server.hop)
        assert "left alone" in str(outcome)
        assert len(server.sessions) == 1
        assert delivered(await at.deliver(server.hop, skip_failed=False))
        assert delivered(await at.deliver(server.hop))


async def test_where_nobody_listens_mail_waits() -> None:
    async with ScriptedHop() as server, desk() as at:
        await server.stop()
        (outcome,) = await at.deliver(server.hop)
        assert told(outcome) == ("deferred", 451, "")
        assert "Connection refused" in str(outcome)
        assert at.pool.recently_failed(server.hop)


@pytest.mark.parametrize(
    ("greeting", "expected"),
    [
        (b"421 4.3.2 too busy\r\nDROP", ("deferred", 421, HERE)),
        (b"450 4.3.2 not now\r\n", ("deferred", 450, HERE)),
        (b"554 5.7.1 no mail here\r\n", ("deferred", 451, "")),
    ],
)
async def test_a_greeting_that_refuses_defers_even_for_good(
    greeting: bytes, expected: tuple[str, int, str]
) -> None:
    async with ScriptedHop({"GREETING": greeting}) as server, desk() as at:
        (outcome,) = await at.deliver(server.hop)
        assert told(outcome) == expected


async def test_no_outcome_gives_a_login_away() -> None:
    async with ScriptedHop({"AUTH": b"535 5.7.8 no\r\n"}, extensions=("AUTH PLAIN",)) as server, desk() as at:
        (outcome,) = await at.deliver(server.hop_by(Scheme.SMTP, user="anna", password="secret"))
        assert isinstance(outcome, Deferred)
        assert "5.7.8 no" in outcome.reply.text
        assert "anna" not in str(outcome)


async def test_a_hop_that_is_leaving_defers_what_it_had_not_answered() -> None:
    script = {"RCPT": [b"550 5.1.1 who?\r\n", b"421 4.3.2 leaving\r\nDROP"]}
    async with ScriptedHop(script) as server, desk() as at:
        outcomes = await at.deliver(server.hop, ANN, BOB, EVE)
        assert [told(outcome)[:2] for outcome in outcomes] == [
            ("failed", 550),
            ("deferred", 421),
            ("deferred", 421),
        ]


async def test_all_connections_in_use_is_no_failure_of_the_hop() -> None:
    async with ScriptedHop() as server, desk(connections=1) as at:
        held = await at.pool.acquire(server.hop, 1)
        (outcome,) = await at.deliver(server.hop, patience=0.05)
        assert told(outcome) == ("deferred", 451, "")
        assert "busy" in str(outcome)
        assert not at.pool.recently_failed(server.hop)
        at.pool.release(held)


async def test_an_address_that_the_hop_cannot_be_told_fails_and_the_others_go() -> None:
    (utf8,) = to("jürgen@desk.example")
    async with ScriptedHop(extensions=("PIPELINING",)) as server, desk() as at:
        outcomes = await at.deliver(server.hop, utf8, ANN)
        assert [told(outcome) for outcome in outcomes] == [("failed", 553, ""), ("delivered", 250, HERE)]


@pytest.mark.parametrize("extensions", [FULL, ("PIPELINING",)])
async def test_what_the_hop_announces_is_said_and_nothing_else(extensions: tuple[str, ...]) -> None:
    reverse_path = ReversePath(
        FROM.text, FROM.mailbox, size=20, body="8BITMIME", ret="HDRS", envid="QQ314159"
    )
    (path,) = to("ann@desk.example", notify="SUCCESS", orcpt="rfc822;ann@shop.example")
    async with ScriptedHop(extensions=extensions) as server, desk() as at:
        client = Client(ip_address("192.0.2.1"), "shop.example")
        (outcome,) = await at.deliver(server.hop, path, reverse_path=reverse_path, client=client)
        mail, rcpt = server.session.said("MAIL")[0], server.session.said("RCPT")[0]
        if extensions == FULL:
            assert mail.endswith(" SIZE=20 BODY=8BITMIME RET=HDRS ENVID=QQ314159")
            assert rcpt.endswith(" NOTIFY=SUCCESS ORCPT=rfc822;ann@shop.example")
            assert "ADDR=192.0.2.1" in server.session.said("XFORWARD")[0]
        else:
            assert (mail[-1], rcpt[-1]) == (">", ">")
        assert isinstance(outcome, Delivered)
        assert outcome.reports is (extensions == FULL)
        assert not outcome.final


@pytest.mark.parametrize("verb", ["GREETING", *BEFORE_THE_DOT])
async def test_patience_ends_before_the_final_dot(verb: str) -> None:
    async with ScriptedHop({verb: HANG}) as server, desk() as at:
        async with asyncio.timeout(2):
            assert kinds(await at.deliver(server.hop, ANN, BOB, patience=0.1)) == ["deferred"] * 2
        assert not server.session.contents


async def test_patience_also_ends_while_the_content_is_not_taken() -> None:
    async with ScriptedHop(deaf=True) as server, desk() as at:
        (outcome,) = await at.deliver(
            server.hop, chunks=lambda: [b"x" * 998 + b"\r\n"] * 30_000, patience=0.2
        )
        assert outcome == NO_TIME
        assert not at.pool.recently_failed(server.hop)


async def test_behind_the_final_dot_patience_counts_no_more() -> None:
    async with ScriptedHop({".": HANG}) as server, desk() as at:
        delivery = asyncio.create_task(at.deliver(server.hop, patience=0.1))
        await asyncio.sleep(0.4)
        assert not delivery.done()
        await server.say(b"250 2.0.0 taken after all\r\n")
        assert delivered(await delivery)


async def test_without_any_patience_nobody_is_asked() -> None:
    async with ScriptedHop() as server, desk() as at:
        assert await at.deliver(server.hop, patience=0) == (NO_TIME,)
        assert not server.sessions
        assert not at.pool.recently_failed(server.hop)


async def test_a_delivery_that_is_cancelled_leaves_no_connection_in_use() -> None:
    async with ScriptedHop({"RCPT": [HANG, b"250 ok\r\n"]}) as server, desk(connections=1) as at:
        delivery = asyncio.create_task(at.deliver(server.hop))
        await asyncio.sleep(0.1)
        delivery.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivery
        assert delivered(await at.deliver(server.hop, patience=2))


async def test_bare_line_ends_are_a_fault_of_ours_and_never_sent_whole() -> None:
    async with ScriptedHop() as server, desk() as at:
        with pytest.raises(LocalProtocolError):
            await at.deliver(server.hop, chunks=lambda: [b"a: b\n\r\nx"])
        assert not server.session.contents


async def test_a_content_that_cannot_be_read_is_never_sent_in_part() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"Subject: x\r\n"
        raise OSError("the disk is gone")

    async with ScriptedHop() as server, desk() as at:
        with pytest.raises(OSError, match="disk"):
            await at.deliver(server.hop, chunks=chunks)
        await asyncio.sleep(0.05)
        assert not server.session.contents
        assert server.session.ended


async def test_thirty_deliveries_at_once_share_the_connections() -> None:
    async with ScriptedHop() as server, desk(connections=3) as at:
        everything = await asyncio.gather(*(at.deliver(server.hop, ANN, BOB) for _ in range(30)))
        assert all(map(delivered, everything))
        assert len(server.sessions) <= 3


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({}, ("delivered", 250, HERE)),
        ({"RCPT": b"550 5.1.1 who?\r\n"}, ("failed", 550, HERE)),
        ({"RCPT": b"450 4.2.1 greylisted\r\n"}, ("deferred", 450, HERE)),
        ({"MAIL": b"450 4.2.1 not now\r\n"}, ("deferred", 451, "")),
        ({"MAIL": b"550 5.7.1 nothing from <>\r\n"}, ("deferred", 451, "")),
        ({"RCPT": DROP}, ("deferred", 451, "")),
        ({"RCPT": HANG}, ("deferred", 451, "")),
    ],
)
async def test_an_address_is_verified_without_sending_anything(
    script: dict[str, bytes | str], expected: tuple[str, int, str], hasty_dialer: Dialer
) -> None:
    async with ScriptedHop(script) as server, desk(hasty_dialer) as at:
        assert told(await at.courier.verify(server.hop, ANN)) == expected
        assert server.session.said("MAIL") == ["MAIL FROM:<>"]
        assert not server.session.said("DATA")


async def test_verifying_has_an_end_and_leaves_a_failing_hop_alone() -> None:
    async with ScriptedHop({"RCPT": HANG}) as server, desk() as at:
        assert await at.courier.verify(server.hop, ANN, patience=0.1) == NO_TIME
        at.pool.note_failure(server.hop, "it was rude")
        assert "left alone" in str(await at.courier.verify(server.hop, ANN))
        assert len(server.sessions) == 1


async def test_mail_is_sent_behind_a_verification_on_the_same_connection() -> None:
    async with ScriptedHop() as server, desk() as at:
        await at.courier.verify(server.hop, ANN)
        assert delivered(await at.deliver(server.hop, BOB))
        assert len(server.sessions) == 1
        assert len(server.session.said("RSET")) == 1


async def test_a_big_content_is_streamed_and_read_anew_for_the_second_try() -> None:
    began = 0

    def chunks() -> Iterator[bytes]:
        nonlocal began
        began += 1
        yield from [b"x" * 998 + b"\r\n"] * 5000

    async with ScriptedHop() as server, desk() as at:
        assert delivered(await at.deliver(server.hop))
        server.hang_up()
        assert delivered(await at.deliver(server.hop, chunks=chunks))
        assert began == 1
        assert len(server.sessions[-1].contents[0]) == 5_000_000


async def test_the_timeout_of_the_final_reply_is_the_connections_own() -> None:
    dialer = Dialer("relay.example", Timeouts(connect=5, reply=5, content=0.2))
    async with ScriptedHop({".": HANG}) as server, desk(dialer) as at:
        (outcome,) = await at.deliver(server.hop, patience=30)
        assert isinstance(outcome, Unknown)
        assert "0.2 seconds" in outcome.words


async def test_a_unix_socket_is_a_hop_like_any_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("hop") / "lmtp"
    async with ScriptedHop(lmtp=True, path=path) as server, desk() as at:
        (outcome,) = await at.deliver(server.hop)
        assert told(outcome) == ("delivered", 250, str(path))


def test_a_hop_with_a_name_says_whose_address_it_is() -> None:
    assert str(NextHop(Scheme.SMTP, "192.0.2.1", 25, name="mx.example")) == "smtp://mx.example[192.0.2.1]:25"
    assert str(NextHop(Scheme.SMTP, "2001:db8::1", 25)) == "smtp://[2001:db8::1]:25"
    assert NextHop(Scheme.SMTP, "192.0.2.1", 25, name="mx.example").server == "mx.example"
