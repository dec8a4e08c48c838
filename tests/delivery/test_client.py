import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from relay.delivery.client import Connection
from relay.delivery.faults import DroppedError, StaleConnectionError, UnknownOutcomeError
from relay.delivery.handshake import Dialer
from relay.errors import LocalProtocolError, PeerError
from relay.mail.address import Mailbox, parse_mailbox
from relay.mail.envelope import Client, ForwardPath, ReversePath
from tests.delivery.scripted import DROP, FULL, HANG, ScriptedHop

STEP_BY_STEP = tuple(extension for extension in FULL if extension != "PIPELINING")
MESSAGE = b"Subject: hello\r\n\r\n.a line with a dot\r\n"
FROM = ReversePath("crm@shop.example", parse_mailbox("crm@shop.example"))


def to(text: str) -> ForwardPath:
    return ForwardPath(text, parse_mailbox(text) or Mailbox(text, ""))


ANN, BOB, CIS = to("ann@desk.example"), to("bob@desk.example"), to("cis@desk.example")


@asynccontextmanager
async def connected(dialer: Dialer, hop: ScriptedHop) -> AsyncIterator[Connection]:
    async with hop:
        connection = await dialer(hop.hop)
        try:
            yield connection
        finally:
            connection.quit()
            await connection.closed(2)


async def hand_over(connection: Connection, *paths: ForwardPath) -> tuple[int, ...]:
    await connection.envelope(FROM, paths or (ANN,))
    return tuple(reply.code for reply in await connection.data([MESSAGE]))


@pytest.mark.parametrize("extensions", [FULL, STEP_BY_STEP, ()])
async def test_a_message_arrives_octet_for_octet_and_dot_stuffed(
    dialer: Dialer, extensions: tuple[str, ...]
) -> None:
    hop = ScriptedHop(extensions=extensions)
    async with connected(dialer, hop) as connection:
        mail, rcpt = await connection.mail_and_rcpt(FROM, ANN)
        assert (mail.code, rcpt.code, (await connection.rcpt(BOB)).code) == (250, 250, 250)
        replies = await connection.data([MESSAGE[:3], b"", MESSAGE[3:18], MESSAGE[18:]])
        assert [str(reply) for reply in replies] == ["250 2.0.0 taken as 1"] * 2
    assert hop.session.contents == [b"Subject: hello\r\n\r\n..a line with a dot\r\n"]


async def test_mail_and_the_first_rcpt_go_in_one_segment_where_pipelining_is_announced(
    dialer: Dialer,
) -> None:
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
    assert b"MAIL FROM:<crm@shop.example>\r\nRCPT TO:<ann@desk.example>\r\n" in hop.session.segments


async def test_a_whole_transaction_goes_up_to_data_in_one_segment(dialer: Dialer) -> None:
    hop = ScriptedHop({"RCPT": [b"250 ok\r\n", b"550 5.1.1 no Bob here\r\n", b"250 ok\r\n"]})
    async with connected(dialer, hop) as connection:
        replies = await connection.transaction(FROM, (ANN, BOB, CIS), [MESSAGE])
        assert [str(reply) for reply in replies] == [
            "250 2.0.0 taken as 1",
            "550 5.1.1 no Bob here",
            "250 2.0.0 taken as 1",
        ]
        assert connection.usable
    segment = hop.session.segments[1]
    assert [line.split(b":")[0] for line in segment.split(b"\r\n")] == [
        b"MAIL FROM",
        b"RCPT TO",
        b"RCPT TO",
        b"RCPT TO",
        b"DATA",
        b"",
    ]
    assert len(hop.session.contents) == 1


async def test_without_pipelining_nothing_is_said_before_the_last_reply_is_there(dialer: Dialer) -> None:
    hop = ScriptedHop(extensions=STEP_BY_STEP)
    async with connected(dialer, hop) as connection:
        replies = await connection.transaction(FROM, (ANN, BOB), [MESSAGE], Client(helo="crm"))
        assert [reply.code for reply in replies] == [250, 250]
        await connection.mail_and_rcpt(FROM, ANN)
        await connection.mail_and_rcpt(FROM, BOB)
    lines = [segment for segment in hop.session.segments if not segment.startswith(b"Subject")]
    assert [line[:4] for line in lines[1:-1]] == [
        *(b"XFOR", b"MAIL", b"RCPT", b"RCPT", b"DATA", b"MAIL", b"RCPT", b"RSET", b"MAIL", b"RCPT")
    ]
    assert all(line.count(b"\r\n") == 1 for line in lines)


@pytest.mark.parametrize("extensions", [FULL, STEP_BY_STEP])
async def test_a_transaction_that_is_refused_for_all_sends_no_content_and_the_next_one_goes_through(
    dialer: Dialer, extensions: tuple[str, ...]
) -> None:
    hop = ScriptedHop(
        {"RCPT": [b"550 5.1.1 no\r\n", b"450 4.2.0 later\r\n", b"250 ok\r\n"]}, extensions=extensions
    )
    async with connected(dialer, hop) as connection:
        assert [reply.code for reply in await connection.transaction(FROM, (ANN, BOB), [MESSAGE])] == [
            550,
            450,
        ]
        assert [reply.code for reply in await connection.transaction(FROM, (CIS,), [MESSAGE])] == [250]
    assert len(hop.session.said("RSET")) == len(hop.session.contents) == len(hop.sessions) == 1


@pytest.mark.parametrize("extensions", [FULL, STEP_BY_STEP])
async def test_a_refused_mail_answers_for_every_forward_path(
    dialer: Dialer, extensions: tuple[str, ...]
) -> None:
    hop = ScriptedHop(
        {"MAIL": b"552 5.3.4 too big\r\n", "RCPT": b"503 5.5.1 MAIL first\r\n"}, extensions=extensions
    )
    async with connected(dialer, hop) as connection:
        mail, rcpts = await connection.envelope(FROM, (ANN, BOB))
        assert [reply.code for reply in (mail, *rcpts)] == [552, 552, 552]
        with pytest.raises(LocalProtocolError):
            await connection.data([MESSAGE])


async def test_a_hop_that_wants_the_content_of_a_message_for_nobody_gets_none(dialer: Dialer) -> None:
    hop = ScriptedHop({"RCPT": b"550 5.1.1 no\r\n", "DATA": b"354 go\r\n"})
    async with connected(dialer, hop) as connection:
        assert [reply.code for reply in await connection.transaction(FROM, (ANN,), [MESSAGE])] == [550]
        assert not connection.usable
    assert hop.session.contents == []


@pytest.mark.parametrize("code", [451, 554])
async def test_a_refused_data_answers_for_every_accepted_forward_path(dialer: Dialer, code: int) -> None:
    hop = ScriptedHop({"DATA": [b"%d no\r\n" % code, b"354 go\r\n"]})
    async with connected(dialer, hop) as connection:
        assert await hand_over(connection, ANN, BOB) == (code, code)
        assert await hand_over(connection) == (250,)


@pytest.mark.parametrize("code", [421, 451, 552])
async def test_a_content_may_be_refused(dialer: Dialer, code: int) -> None:
    hop = ScriptedHop({".": b"%d no\r\n" % code})
    async with connected(dialer, hop) as connection:
        assert await hand_over(connection) == (code,)
        assert connection.usable is (code != 421)


async def test_an_lmtp_hop_answers_for_each_accepted_forward_path(dialer: Dialer) -> None:
    script = {
        "RCPT": [b"250 ok\r\n", b"550 no\r\n", b"250 ok\r\n"],
        ".": [b"250 ok\r\n", b"452 4.2.2 full\r\n"],
    }
    for whole in (True, False):
        hop = ScriptedHop(dict(script), lmtp=True)
        async with connected(dialer, hop) as connection:
            if whole:
                assert [
                    reply.code for reply in await connection.transaction(FROM, (ANN, BOB, CIS), [MESSAGE])
                ] == [250, 550, 452]
            else:
                assert await hand_over(connection, ANN, BOB, CIS) == (250, 452)
            assert connection.usable
        assert hop.session.said("LHLO") == ["LHLO relay.example"]


@pytest.mark.parametrize(
    "step", [HANG, DROP, b"what a nice day\r\n", b"250-a\r\n251 b\r\n", b"199 hm\r\n", b"\r\n", b"354 go\r\n"]
)
@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
@pytest.mark.parametrize("extensions", [FULL, STEP_BY_STEP])
async def test_silence_rubbish_and_the_end_at_a_verb_are_a_fault_of_the_peer(
    hasty_dialer: Dialer, verb: str, step: bytes, extensions: tuple[str, ...]
) -> None:
    async with connected(hasty_dialer, ScriptedHop({verb: step}, extensions=extensions)) as connection:
        with pytest.raises(PeerError) as raised:
            await connection.transaction(FROM, (ANN,), [MESSAGE])
        assert not isinstance(raised.value, UnknownOutcomeError | StaleConnectionError)
        assert not connection.usable
        with pytest.raises(PeerError):
            await connection.mail_and_rcpt(FROM, ANN)


@pytest.mark.parametrize("step", [HANG, DROP, b"oops\r\n", b"250 ok\r\n"])
async def test_trouble_at_data_is_no_unknown_outcome(hasty_dialer: Dialer, step: bytes) -> None:
    async with connected(hasty_dialer, ScriptedHop({"DATA": step})) as connection:
        with pytest.raises(PeerError) as raised:
            await connection.transaction(FROM, (ANN,), [MESSAGE])
        assert not isinstance(raised.value, UnknownOutcomeError)


@pytest.mark.parametrize("step", [HANG, DROP, b"oops\r\n", b"354 more\r\n", b"250-ok\r\n" + b"DROP"])
@pytest.mark.parametrize("lmtp", [False, True])
async def test_the_outcome_is_unknown_where_no_reply_comes_to_the_final_dot(
    hasty_dialer: Dialer, step: bytes, lmtp: bool
) -> None:
    script = {
        "RCPT": [b"250 ok\r\n", b"550 no\r\n", b"250 ok\r\n"],
        ".": [b"250 ok\r\n", step] if lmtp else step,
    }
    async with connected(hasty_dialer, ScriptedHop(script, lmtp=lmtp)) as connection:
        with pytest.raises(UnknownOutcomeError) as raised:
            await connection.transaction(FROM, (ANN, BOB, CIS), [MESSAGE])
        codes = [reply and reply.code for reply in raised.value.replies]
        assert codes == [250 if lmtp else None, 550, None]
        assert not connection.usable


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
async def test_a_reply_of_20000_octets_is_read_and_cut(dialer: Dialer, verb: str) -> None:
    reply = b"".join(b"552-5.3.4 " + b"x" * 990 + b"\r\n" for _ in range(20)) + b"552 5.3.4 end\r\n"
    async with connected(dialer, ScriptedHop({verb: reply})) as connection:
        (answer,) = await connection.transaction(FROM, (ANN,), [MESSAGE])
        assert (answer.code, answer.enhanced) == (552, "5.3.4")
        assert len(answer.text) < 9000
        assert connection.usable


async def test_a_reply_that_never_ends_is_rubbish(dialer: Dialer) -> None:
    async with connected(dialer, ScriptedHop({"MAIL": b"250-" + b"x" * 70_000})) as connection:
        with pytest.raises(PeerError, match="longer than"):
            await connection.mail_and_rcpt(FROM, ANN)


async def test_octets_outside_ascii_in_a_reply_are_made_harmless(dialer: Dialer) -> None:
    async with connected(
        dialer, ScriptedHop({"RCPT": "550 5.1.1 unbekannter Empfänger\r\n".encode()})
    ) as connection:
        _, rcpt = await connection.mail_and_rcpt(FROM, ANN)
        assert str(rcpt) == "550 5.1.1 unbekannter Empf?nger"


@pytest.mark.parametrize("reply", [b"250 ok\r\n250 surprise\r\n", b"250 ok\r\nand more\r\n"])
async def test_a_reply_that_nobody_asked_for_ends_the_connection(dialer: Dialer, reply: bytes) -> None:
    async with connected(dialer, ScriptedHop({".": reply})) as connection:
        assert await hand_over(connection) == (250,)
        await asyncio.sleep(0.05)
        assert not connection.usable


async def test_a_farewell_answers_everything_that_is_still_due(dialer: Dialer) -> None:
    hop = ScriptedHop({"MAIL": b"421 4.3.2 going down\r\nDROP"})
    async with connected(dialer, hop) as connection:
        mail, rcpts = await connection.envelope(FROM, (ANN, BOB))
        assert [reply.code for reply in (mail, *rcpts)] == [421, 421, 421]
        assert not connection.usable
    hop = ScriptedHop({"RCPT": [b"250 ok\r\n", b"421 4.3.2 going down\r\nDROP"]})
    async with connected(dialer, hop) as connection:
        assert [reply.code for reply in await connection.transaction(FROM, (ANN, BOB), [MESSAGE])] == [
            421,
            421,
        ]


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("farewell", [b"", b"421 4.4.2 idle for too long\r\n"])
async def test_a_kept_connection_that_the_hop_closed_is_told_apart(
    dialer: Dialer, noticed: bool, farewell: bytes
) -> None:
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        assert await hand_over(connection) == (250,)
        if farewell:
            await hop.say(farewell)
        hop.hang_up()
        if noticed:
            await asyncio.sleep(0.05)
            assert not connection.usable
        with pytest.raises(StaleConnectionError):
            await connection.mail_and_rcpt(FROM, ANN)


@pytest.mark.parametrize("script", [{"MAIL": DROP}, {"RCPT": DROP}])
async def test_a_new_connection_is_never_stale(dialer: Dialer, script: dict[str, str]) -> None:
    async with connected(dialer, ScriptedHop(script)) as connection:
        with pytest.raises(DroppedError) as raised:
            await connection.mail_and_rcpt(FROM, ANN)
        assert not isinstance(raised.value, StaleConnectionError)


async def test_a_kept_connection_that_breaks_after_a_reply_is_not_stale(dialer: Dialer) -> None:
    async with connected(dialer, ScriptedHop({"RCPT": [b"250 ok\r\n", DROP]})) as connection:
        assert await hand_over(connection) == (250,)
        with pytest.raises(DroppedError) as raised:
            await connection.mail_and_rcpt(FROM, ANN)
        assert not isinstance(raised.value, StaleConnectionError)


async def test_a_transaction_can_be_left_and_another_begun_without_a_round_trip(dialer: Dialer) -> None:
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        connection.settle()
        connection.settle()
        assert await hand_over(connection, BOB) == (250,)
        await connection.mail_and_rcpt(FROM, ANN)
        await connection.rset()
        with pytest.raises(LocalProtocolError):
            await connection.rcpt(BOB)
    assert [line.split(":")[0] for line in hop.session.lines[1:]] == [
        *("MAIL FROM", "RCPT TO", "RSET", "MAIL FROM", "RCPT TO", "DATA", "MAIL FROM", "RCPT TO", "RSET")
    ]


async def test_a_hop_that_refuses_rset_is_left(dialer: Dialer) -> None:
    async with connected(dialer, ScriptedHop({"RSET": b"500 5.5.1 what?\r\n"})) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        with pytest.raises(PeerError, match="RSET"):
            await connection.rset()
        assert not connection.usable


async def test_a_cancelled_call_closes_the_connection(dialer: Dialer) -> None:
    async with connected(dialer, ScriptedHop({"RCPT": HANG})) as connection:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.mail_and_rcpt(FROM, ANN), 0.05)
        assert not connection.usable


async def test_a_large_content_is_streamed_with_flow_control(dialer: Dialer) -> None:
    lines = [b"%07d " % number + b"." * 90 + b"\r\n" for number in range(80_000)]
    octets = b"." + b"".join(lines)
    hop = ScriptedHop(hesitant=True)
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        assert (await connection.data(octets[at : at + 262_144] for at in range(0, len(octets), 262_144)))[
            0
        ].code == 250
    assert hop.session.contents == [b"." + octets]


async def test_a_hop_that_stops_reading_is_given_up_before_the_final_dot(hasty_dialer: Dialer) -> None:
    async with connected(hasty_dialer, ScriptedHop(deaf=True)) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        with pytest.raises(PeerError, match="no answer within") as raised:
            await connection.data(b"x" * 65_534 + b"\r\n" for _ in range(1000))
        assert not isinstance(raised.value, UnknownOutcomeError)


async def test_a_hop_that_speaks_in_the_middle_of_the_content_does_not_get_the_rest(dialer: Dialer) -> None:
    hop = ScriptedHop({"DATA": b"354 go\r\n552 5.3.4 that is enough\r\n"})
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        with pytest.raises(PeerError, match="enough") as raised:
            await connection.data([MESSAGE])
        assert not isinstance(raised.value, UnknownOutcomeError)
    assert hop.session.contents == []


@pytest.mark.parametrize("content", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\nb\r\n", b"a\n.\r\nb\r\n", b"a\r"])
async def test_a_bare_cr_or_lf_is_never_followed_by_the_final_dot(dialer: Dialer, content: bytes) -> None:
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        with pytest.raises(LocalProtocolError):
            await connection.data([content])
    assert hop.session.contents == []


async def test_a_last_line_without_an_end_gets_one(dialer: Dialer) -> None:
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        await connection.data([b"a\r\n", b"b"])
    assert hop.session.contents == [b"a\r\nb\r\n"]


async def test_a_content_that_cannot_be_read_is_not_handed_over_in_part(dialer: Dialer) -> None:
    def broken() -> object:
        yield MESSAGE
        raise OSError(5, "Input/output error")

    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(FROM, ANN)
        with pytest.raises(OSError, match="Input/output"):
            await connection.data(broken())  # type: ignore[arg-type]
        assert not connection.usable
    assert hop.session.contents == []


async def test_nothing_that_could_end_a_line_or_a_path_is_sent(dialer: Dialer) -> None:
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        evil = dataclasses.replace(ANN, text="ann@desk.example>\r\nRSET\r\n")
        with pytest.raises(LocalProtocolError):
            await connection.mail_and_rcpt(FROM, evil)
    assert not hop.session.said("MAIL")


async def test_a_hop_learns_what_it_has_announced(dialer: Dialer) -> None:
    reverse = ReversePath(
        "crm@shop.example", size=1234, body="8BITMIME", ret="HDRS", envid="QQ314159", auth="<>"
    )
    forward = dataclasses.replace(ANN, notify="SUCCESS,DELAY", orcpt="rfc822;ann@desk.example")
    client = Client(ip_address("2001:db8::1"), "crm.shop.example")
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(reverse, forward, client)
    assert hop.session.lines[1:4] == [
        "XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1 PROTO=ESMTP HELO=crm.shop.example",
        "MAIL FROM:<crm@shop.example> SIZE=1234 BODY=8BITMIME RET=HDRS ENVID=QQ314159",
        "RCPT TO:<ann@desk.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;ann@desk.example",
    ]
    hop = ScriptedHop(extensions=())
    async with connected(dialer, hop) as connection:
        await connection.mail_and_rcpt(reverse, forward, client)
    assert hop.session.lines[1:3] == ["MAIL FROM:<crm@shop.example>", "RCPT TO:<ann@desk.example>"]


@pytest.mark.parametrize("extensions", [FULL, STEP_BY_STEP])
async def test_a_refused_xforward_costs_no_mail_and_is_not_said_again(
    dialer: Dialer, extensions: tuple[str, ...]
) -> None:
    hop = ScriptedHop({"XFORWARD": b"550 5.7.0 not you\r\n"}, extensions=extensions)
    async with connected(dialer, hop) as connection:
        for _ in range(2):
            mail, rcpt = await connection.mail_and_rcpt(FROM, ANN, Client())
            assert (mail.code, rcpt.code) == (250, 250)
    assert len(hop.session.said("XFORWARD")) == 1


JOSE = to("josé@desk.example")


@pytest.mark.parametrize("pipelining", [(), ("PIPELINING",)])
async def test_an_address_that_needs_smtputf8_is_refused_unsent_where_the_hop_has_none(
    dialer: Dialer, pipelining: tuple[str, ...]
) -> None:
    hop = ScriptedHop(extensions=pipelining)
    async with connected(dialer, hop) as connection:
        mail, rcpts = await connection.envelope(FROM, (ANN, JOSE))
        assert [str(reply)[:9] for reply in rcpts] == ["250 2.1.5", "553 5.6.7"]
        assert (await connection.rcpt(JOSE)).code == 553
        assert len(await connection.data([MESSAGE])) == 1
        mail, rcpt = await connection.mail_and_rcpt(
            ReversePath("josé@x.example", parse_mailbox("josé@x.example")), ANN
        )
        assert (mail.code, rcpt.code) == (553, 553)
        assert [reply.code for reply in await connection.transaction(FROM, (JOSE,), [MESSAGE])] == [553]
        replies = await connection.transaction(FROM, (JOSE, ANN), [MESSAGE])
        assert [reply.code for reply in replies] == [553, 250]
    assert not any("jos" in line for line in hop.session.lines)


async def test_a_hop_with_smtputf8_is_told_addresses_outside_ascii(dialer: Dialer) -> None:
    hop = ScriptedHop()
    async with connected(dialer, hop) as connection:
        assert (await connection.mail_and_rcpt(FROM, JOSE))[1].code == 250
    assert hop.session.lines[1:3] == ["MAIL FROM:<crm@shop.example> SMTPUTF8", "RCPT TO:<josé@desk.example>"]
