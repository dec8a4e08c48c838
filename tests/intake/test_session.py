"""Sessions over real sockets: transactions, content, what is kept of it."""

import asyncio
import os
import socket
from pathlib import Path

import pytest
from intake_fakes import TAKEN, FakeTransaction, House, calling, running, terms_of, until

from relay.intake.events import Cause, ContentRefused, SessionCut, SessionFaulted
from relay.intake.limits import MEMORY
from relay.intake.terms import IntakeLimits, Terms
from relay.mail.reply import Reply


async def test_a_message_arrives_with_its_envelope_and_its_octets(house: House, terms: Terms) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        mail = "FROM:<Anna@x.example> SIZE=20 BODY=8BITMIME RET=HDRS ENVID=e+2B1"
        assert await caller.send(
            b"A: b\r\n\r\n..x\r\n\xff\x00\r\n.\r\n", "b@y.example", "c@y.example", mail=mail
        ) == str(TAKEN)
    [seen] = house.transactions
    assert seen.octets == b"A: b\r\n\r\n.x\r\n\xff\x00\r\n"
    assert seen.abandoned == 0
    assert [path.text for path in seen.forward_paths] == ["b@y.example", "c@y.example"]
    assert (seen.reverse_path.text, seen.reverse_path.envid, seen.reverse_path.ret) == (
        "Anna@x.example",
        "e+2B1",
        "HDRS",
    )
    assert (str(seen.client.address), seen.client.helo, seen.client.esmtp) == (
        "127.0.9.1",
        "client.example",
        True,
    )


async def test_a_pipelined_session_is_answered_in_one_go(house: House, terms: Terms) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        await caller.say(b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<refused@y>\r\nDATA\r\n")
        assert [(await caller.hear())[:3] for _ in range(4)] == ["250", "250", "550", "354"]
        await caller.say(b"x\r\n.\r\nMAIL FROM:<c@x>\r\nRCPT TO:<d@y>\r\nDATA\r\n")
        assert [(await caller.hear())[:3] for _ in range(4)] == ["250", "250", "250", "354"]
        await caller.say(b"y\r\n.\r\nQUIT\r\n")
        assert [(await caller.hear())[:3] for _ in range(3)] == ["250", "221", ""]
    assert house.delivered == [b"x\r\n", b"y\r\n"]


async def test_a_conversation_byte_by_byte_gives_the_same(house: House, terms: Terms) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        for octet in b"MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\nx\r\n..\r\n.\r\nQUIT\r\n":
            await caller.say(bytes([octet]))
            await asyncio.sleep(0)
        assert [(await caller.hear())[:3] for _ in range(5)] == ["250", "250", "354", "250", "221"]
    assert house.delivered == [b"x\r\n.\r\n"]


@pytest.mark.parametrize(
    "ending", [b"RSET\r\n", b"EHLO again.example\r\n", b"HELO again.example\r\n", b"QUIT\r\n", b""]
)
async def test_what_ends_a_transaction_without_content_abandons_it_once(
    house: House, terms: Terms, ending: bytes
) -> None:
    async with running(terms) as intake:
        async with calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            await caller.ask("RCPT TO:<b@y>")
            await caller.say(ending)
            if ending:
                await caller.hear()
        await until(lambda: not intake.sessions)
    assert [t.abandoned for t in house.transactions] == [1]


async def test_a_disconnect_in_the_midst_of_data_delivers_nothing(house: House, terms: Terms) -> None:
    async with running(terms) as intake:
        async with calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            await caller.ask("RCPT TO:<b@y>")
            await caller.ask("DATA")
            await caller.say(b"half a message\r\n.\r")
        await until(lambda: not intake.sessions)
    assert house.delivered == []
    assert [t.abandoned for t in house.transactions] == [1]


async def test_who_only_looks_whether_somebody_listens_is_no_fault_of_ours(
    house: House, terms: Terms
) -> None:
    async with running(terms) as intake:
        for _ in range(5):
            socket.create_connection(intake.addresses[0]).close()
            await asyncio.sleep(0.005)
        await until(lambda: not intake.sessions)
    assert [event for event in house.events if isinstance(event, SessionFaulted)] == []


@pytest.mark.parametrize("half", [True, False], ids=["half-close", "close"])
async def test_a_disconnect_after_the_final_dot_never_cancels_a_delivery(tmp_path: Path, half: bool) -> None:
    at_work, go_on = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def slowly(transaction: FakeTransaction) -> Reply:
        at_work.set()
        await go_on.wait()
        done.append("delivered")
        return TAKEN

    house = House(answer_content=slowly)
    async with running(terms_of(house, tmp_path)) as intake, calling(intake) as caller:
        await caller.hello()
        await caller.ask("MAIL FROM:<a@x>")
        await caller.ask("RCPT TO:<b@y>")
        await caller.ask("DATA")
        await caller.say(b"x\r\n.\r\n")
        await at_work.wait()
        if half:
            caller.writer.write_eof()
        else:
            await caller.close()
        await asyncio.sleep(0.05)
        go_on.set()
        if half:
            assert await caller.hear() == str(TAKEN)
        await until(lambda: not intake.sessions)
    assert done == ["delivered"]
    assert [t.abandoned for t in house.transactions] == [0]


async def test_a_bug_behind_the_seam_is_a_temporary_failure_of_this_transaction_alone(
    house: House, terms: Terms
) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        fault = "451 4.3.0 Something went wrong here, please try again later"
        assert await caller.ask("MAIL FROM:<boom@x.example>") == fault
        assert (await caller.ask("MAIL FROM:<a@x>"))[:3] == "250"
        assert (await caller.ask("RCPT TO:<b@y>"))[:3] == "250"
        assert await caller.ask("RCPT TO:<boom@y>") == fault
        assert await caller.ask("RCPT TO:<c@y>") == fault, "no permanent reply for a bug of ours"
        assert await caller.ask("DATA") == fault
        assert (await caller.ask("RSET"))[:3] == "250"
        assert await caller.send(b"x\r\n.\r\n", mail="FROM:<boom-content@x.example>") == fault
        assert (await caller.ask("MAIL FROM:<boom-abandon@x.example>"))[:3] == "250"
        assert (await caller.ask("RSET"))[:3] == "250"
        assert await caller.send(b"x\r\n.\r\n") == str(TAKEN)
    assert [str(e.error) for e in house.events if isinstance(e, SessionFaulted)] == ["the secret inside"] * 4
    assert [t.abandoned for t in house.transactions] == [1, 0, 1, 0]


async def test_a_bug_in_the_midst_of_data_ends_the_session_lest_data_be_taken_for_commands(
    house: House, tmp_path: Path
) -> None:
    limits = IntakeLimits(data_rate="a bug")  # type: ignore[arg-type]
    async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
        await caller.hello()
        assert (await caller.send(b"x\r\nMAIL FROM:<evil@bad.example>\r\n"))[:9] == "451 4.3.0"
        assert await caller.hear() == ""
    assert [t.reverse_path.text for t in house.transactions] == ["a@x.example"]
    assert [t.abandoned for t in house.transactions] == [1]


async def test_a_421_from_behind_the_seam_ends_the_session(house: House, terms: Terms) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        await caller.ask("MAIL FROM:<a@x>")
        assert await caller.ask("RCPT TO:<leave@y>") == "421 4.3.2 Leave"
        assert await caller.hear() == ""


class TestRecipients:
    """limits.recipients"""

    async def test_beyond_the_limit_is_452_and_still_evidence(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(recipients=3)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            codes = [(await caller.ask(f"RCPT TO:<r{n}@y>"))[:9] for n in range(5)]
            assert codes == ["250 2.1.5"] * 3 + ["452 4.5.3"] * 2
            assert (await caller.ask("DATA"))[:3] == "354"
            await caller.say(b"x\r\n.\r\n")
            assert await caller.hear() == str(TAKEN)
        [seen] = house.transactions
        assert [p.text for p in seen.forward_paths] == ["r0@y", "r1@y", "r2@y"]
        assert [p.text for p in seen.noted] == ["r3@y", "r4@y"]

    async def test_refused_ones_do_not_use_the_limit_up(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(recipients=2)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            for _ in range(5):
                assert (await caller.ask("RCPT TO:<refused@y>"))[:3] == "550"
            assert (await caller.ask("RCPT TO:<b@y>"))[:3] == "250"

    async def test_ten_times_the_limit_ends_the_session(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(recipients=2)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            await caller.say(b"".join(b"RCPT TO:<r%d@y>\r\n" % n for n in range(30)))
            codes = [(await caller.hear())[:3] for _ in range(22)]
            assert codes == ["250"] * 2 + ["452"] * 18 + ["421", ""]
        [seen] = house.transactions
        assert len(seen.forward_paths) + len(seen.noted) == 21
        assert house.events[-1] == SessionCut(seen.client, Cause.RECIPIENTS)

    async def test_a_forward_path_with_a_bad_parameter_is_still_evidence(
        self, house: House, terms: Terms
    ) -> None:
        async with running(terms) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.ask("MAIL FROM:<a@x>")
            assert (await caller.ask("RCPT TO:<b@y> X=1"))[:9] == "555 5.5.4"
        assert [p.text for p in house.transactions[0].noted] == ["b@y"]


class TestContentLimits:
    """limits.message_size, header_size and received"""

    async def test_a_declared_size_over_the_limit_is_refused_at_mail(
        self, house: House, tmp_path: Path
    ) -> None:
        limits = IntakeLimits(message_size=1000)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            assert "250-SIZE 1000" in await caller.hello()
            assert (await caller.ask("MAIL FROM:<a@x> SIZE=1001"))[:9] == "552 5.3.4"
            assert (await caller.ask("MAIL FROM:<a@x> SIZE=1000"))[:3] == "250"

    async def test_a_content_over_the_limit_is_read_to_its_end_and_refused(
        self, house: House, tmp_path: Path
    ) -> None:
        limits = IntakeLimits(message_size=1000)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            assert (await caller.send(b"x" * 3_000_000 + b"\r\n.\r\n"))[:9] == "552 5.3.4"
            assert await caller.send(b"x" * 998 + b"\r\n.\r\n") == str(TAKEN)
            assert (await caller.send(b"x" * 999 + b"\r\n.\r\n"))[:9] == "552 5.3.4"
        assert [len(octets) for octets in house.delivered] == [1000]
        assert [t.abandoned for t in house.transactions] == [1, 0, 1]
        assert [e.cause for e in house.events if isinstance(e, ContentRefused)] == [Cause.MESSAGE_SIZE] * 2

    async def test_no_limit_means_none(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(
            message_size=0, recipients=0, received=0, junk_commands=0, command_timeout=0, data_rate=0
        )
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            assert "250-SIZE\n" in await caller.hello()
            data = b"Received: x\r\n" * 1000 + b"\r\n" + b"y" * 2_000_000 + b"\r\n.\r\n"
            assert await caller.send(data, mail="FROM:<a@x> SIZE=99999999999") == str(TAKEN)

    async def test_too_many_received_fields_are_a_loop(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(received=3)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            assert await caller.send(b"Received: a\r\n" * 3 + b"\r\nReceived: b\r\n.\r\n") == str(TAKEN)
            assert (await caller.send(b"Received: a\r\n" * 4 + b"\r\n.\r\n"))[:9] == "554 5.4.6"
        assert [e.cause for e in house.events if isinstance(e, ContentRefused)] == [Cause.RECEIVED]
        assert [t.abandoned for t in house.transactions] == [0, 1]


class TestBigContent:
    """Over 2 MiB the octets are in a file that has no name."""

    @pytest.mark.parametrize(
        ("size", "kind"), [(2 * 1024 * 1024, "HeldContent"), (2 * 1024 * 1024 + 1, "StoredContent")]
    )
    async def test_a_content_over_two_mebibytes_goes_to_a_file(
        self, house: House, terms: Terms, tmp_path: Path, size: int, kind: str
    ) -> None:
        octets = b"Subject: x\r\n\r\n" + b"0123456789abcd\r\n" * 140_000
        octets = octets[: size - 2] + b"\r\n"
        async with running(terms) as intake, calling(intake) as caller:
            await caller.hello()
            assert await caller.send(octets + b".\r\n") == str(TAKEN)
        assert house.delivered == [octets]
        assert house.transactions[0].kind == kind
        assert os.listdir(tmp_path) == []  # noqa: PTH208

    async def test_where_much_is_held_only_small_contents_stay_in_memory(
        self, house: House, terms: Terms
    ) -> None:
        async with running(terms) as intake, calling(intake) as caller:
            memory = intake._reception.memory
            memory.held = MEMORY
            await caller.hello()
            for size in (200_000, 300_000):
                await caller.send(b"x" * (size - 2) + b"\r\n.\r\n")
            assert [t.kind for t in house.transactions] == ["HeldContent", "StoredContent"]
            await caller.ask("RSET")
            assert memory.held == MEMORY

    @pytest.mark.parametrize(
        "end", [b".\r\n", b"x\n\r\n.\r\n", b"\n" * 3_000_000, b""], ids=lambda end: repr(end[:9])
    )
    async def test_what_is_held_is_given_back_however_it_ends(
        self, house: House, terms: Terms, end: bytes
    ) -> None:
        async with running(terms) as intake:
            for piece in (b"x" * 1000, b"x" * 300_000, b"Received: x\r\n" * 200_000):
                async with calling(intake) as caller:
                    await caller.hello()
                    for line in ("MAIL FROM:<a@x.example>", "RCPT TO:<b@y.example>", "DATA"):
                        await caller.ask(line)
                    await caller.say(piece + b"\r\n" + end)
                    if end.endswith(b".\r\n"):
                        await caller.hear()
            memory = intake._reception.memory
        assert memory.held == 0

    async def test_a_big_header_section_is_cut_at_its_limit(self, house: House, tmp_path: Path) -> None:
        limits = IntakeLimits(header_size=100_000)
        async with running(terms_of(house, tmp_path, limits=limits)) as intake, calling(intake) as caller:
            await caller.hello()
            await caller.send(b"A: " + b"b" * 2_000_000 + b"\r\n\r\nbody\r\n.\r\n")
            await caller.send(b"A: " + b"b" * 200_000 + b"\r\n\r\nbody\r\n.\r\n")
            await caller.send(b"A: b\r\n\r\nbody" * 300_000 + b"\r\n.\r\n")
        assert [t.head_is_whole for t in house.transactions] == [False, False, True]

    async def test_a_full_disk_is_a_temporary_failure(self, house: House, tmp_path: Path) -> None:
        async with running(terms_of(house, tmp_path / "gone")) as intake, calling(intake) as caller:
            await caller.hello()
            assert (await caller.send(b"x" * 3_000_000 + b"\r\n.\r\n"))[:9] == "452 4.3.1"
            assert await caller.send(b"x\r\n.\r\n") == str(TAKEN)
        assert [e.cause for e in house.events if isinstance(e, ContentRefused)] == [Cause.NO_ROOM]


async def test_a_line_that_is_far_too_long_is_refused_and_the_session_goes_on(
    house: House, terms: Terms
) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        assert (await caller.ask("NOOP " + "x" * 3000))[:9] == "500 5.5.2"
        assert (await caller.ask("NOOP " + "x" * 3_000_000))[:9] == "500 5.5.2"
        assert (await caller.ask("NOOP"))[:3] == "250"


async def test_one_clients_connect_does_not_shrink_anothers_limits(house: House, terms: Terms) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        async with calling(intake) as other:
            await other.hear()
        path = "a" * 400 + "@x.example"
        assert (await caller.ask(f"MAIL FROM:<{path}> SIZE=1 BODY=8BITMIME SMTPUTF8 ENVID={'x' * 100}"))[
            :3
        ] == "250"


async def test_a_path_keeps_its_case_and_its_quotes(house: House, terms: Terms) -> None:
    async with running(terms) as intake, calling(intake) as caller:
        await caller.hello()
        await caller.ask('MAIL FROM:<"Anna M"@X.Example>')
        await caller.ask("RCPT TO:<B+t@Y.Example> NOTIFY=never ORCPT=rfc822;B+2Bt@Y.Example")
    [seen] = house.transactions
    assert seen.reverse_path.text == '"Anna M"@X.Example'
    assert seen.forward_paths[0].text == "B+t@Y.Example"
    assert (seen.forward_paths[0].notify, seen.forward_paths[0].orcpt) == ("NEVER", "rfc822;B+2Bt@Y.Example")
