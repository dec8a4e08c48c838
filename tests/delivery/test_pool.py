import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from relay.delivery.client import Connection
from relay.delivery.faults import AllBusyError, NoConnectionError, StaleConnectionError
from relay.delivery.handshake import Dialer
from relay.delivery.pool import Pool
from relay.errors import PeerError
from relay.mail.address import parse_mailbox
from relay.mail.envelope import ForwardPath, ReversePath
from relay.mail.hop import NextHop, Scheme, parse_hop
from tests.delivery.scripted import HANG, ScriptedHop

ANN = ForwardPath("ann@desk.example", parse_mailbox("ann@desk.example"))  # type: ignore[arg-type]
FROM = ReversePath("")
NOWHERE = parse_hop("lmtp+unix:///nonexistent/lmtp")


@asynccontextmanager
async def pool_of(dialer: Dialer, connections: int = 2, **options: float) -> AsyncIterator[Pool]:
    pool = Pool(dialer, connections, **options)  # type: ignore[arg-type]
    try:
        yield pool
    finally:
        await pool.close()


async def deliver(pool: Pool, hop: NextHop, patience: float = 5) -> None:
    connection = await pool.acquire(hop, patience)
    try:
        (reply,) = await connection.transaction(FROM, (ANN,), [b"a: b\r\n\r\n"])
        assert reply.code == 250
    finally:
        pool.release(connection)


async def test_a_connection_is_kept_and_used_again(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer) as pool:
        for _ in range(5):
            await deliver(pool, server.hop)
        assert len(server.sessions) == 1
        assert len(server.session.contents) == 5


async def test_there_are_never_more_connections_to_a_hop_than_allowed(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 3) as pool:
        await asyncio.gather(*(deliver(pool, server.hop) for _ in range(30)))
        assert len(server.sessions) <= 3
        assert sum(len(session.contents) for session in server.sessions) == 30


async def test_hops_have_connections_of_their_own(dialer: Dialer) -> None:
    async with ScriptedHop() as one, ScriptedHop() as two, pool_of(dialer, 1) as pool:
        first = await pool.acquire(one.hop, 1)
        second = await pool.acquire(two.hop, 1)
        pool.release(first)
        pool.release(second)


async def test_no_limit_means_any_number(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 0) as pool:
        lent = await asyncio.gather(*(pool.acquire(server.hop, None) for _ in range(10)))
        for connection in lent:
            pool.release(connection)
        assert len(server.sessions) == 10


async def test_who_waits_longer_than_their_patience_is_told_that_all_are_busy(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1) as pool:
        held = await pool.acquire(server.hop, 5)
        with pytest.raises(AllBusyError, match="all 1 connections"):
            await pool.acquire(server.hop, 0.05)
        assert not pool.recently_failed(server.hop)
        pool.release(held)
        await deliver(pool, server.hop)


async def test_those_who_wait_are_served_in_the_order_of_their_coming(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1) as pool:
        held = await pool.acquire(server.hop, 5)
        order: list[int] = []

        async def wait(number: int) -> None:
            connection = await pool.acquire(server.hop, 5)
            order.append(number)
            pool.release(connection)

        tasks = []
        for number in range(5):
            tasks.append(asyncio.create_task(wait(number)))
            await asyncio.sleep(0)
        pool.release(held)
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3, 4]


async def test_a_cancelled_waiter_takes_no_place_with_it(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1) as pool:
        held = await pool.acquire(server.hop, 5)
        waiters = [asyncio.create_task(pool.acquire(server.hop, 5)) for _ in range(3)]
        await asyncio.sleep(0.01)
        for waiter in waiters[:2]:
            waiter.cancel()
        pool.release(held)
        pool.release(await waiters[2])
        await deliver(pool, server.hop)
        late = [asyncio.create_task(pool.acquire(server.hop, 5)) for _ in range(2)]
        await asyncio.sleep(0.01)
        late[1].cancel()
        pool.release(late[0].result())
        await asyncio.gather(*late, return_exceptions=True)
        await deliver(pool, server.hop)


async def test_a_waiter_that_is_cancelled_when_its_turn_comes_takes_no_place_with_it(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1) as pool:
        held = await pool.acquire(server.hop, 5)
        waiter = asyncio.create_task(pool.acquire(server.hop, 5))
        await asyncio.sleep(0.01)
        pool.release(held)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        await deliver(pool, server.hop, 1)


async def test_a_cancelled_dial_takes_no_place_with_it(dialer: Dialer) -> None:
    async with ScriptedHop({"EHLO": [HANG, b"250 desk.example\r\n"]}) as server, pool_of(dialer, 1) as pool:
        dial = asyncio.create_task(pool.acquire(server.hop, 5))
        await asyncio.sleep(0.05)
        dial.cancel()
        await asyncio.gather(dial, return_exceptions=True)
        await deliver(pool, server.hop)


async def test_a_cancelled_transaction_takes_no_place_and_no_connection_with_it(dialer: Dialer) -> None:
    async with ScriptedHop({"RCPT": [HANG, b"250 ok\r\n"]}) as server, pool_of(dialer, 1) as pool:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(deliver(pool, server.hop), 0.1)
        await deliver(pool, server.hop)
        assert len(server.sessions) == 2


async def test_a_connection_with_trouble_is_not_kept(dialer: Dialer) -> None:
    async with ScriptedHop({".": [b"what?\r\n", b"250 ok\r\n"]}) as server, pool_of(dialer, 1) as pool:
        with pytest.raises(PeerError):
            await deliver(pool, server.hop)
        await deliver(pool, server.hop)
        assert len(server.sessions) == 2


async def test_a_connection_that_the_hop_closed_is_not_handed_out(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1) as pool:
        for trouble in (b"", b"421 4.4.2 idle\r\n", b"250 hm\r\n"):
            await deliver(pool, server.hop)
            if trouble:
                await server.say(trouble)
            else:
                server.hang_up()
            await asyncio.sleep(0.05)
        await deliver(pool, server.hop)
        assert len(server.sessions) == 4


async def test_a_helpdesk_that_restarts_costs_one_more_try_and_no_mail(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 2) as pool:
        kept = [await pool.acquire(server.hop, 5) for _ in range(2)]
        for connection in kept:
            await connection.transaction(FROM, (ANN,), [b"a: b\r\n\r\n"])
            pool.release(connection)
        server.hang_up()
        connection = await pool.acquire(server.hop, 5)
        assert connection in kept
        with pytest.raises(StaleConnectionError):
            await connection.mail_and_rcpt(FROM, ANN)
        pool.release(connection)
        connection = await pool.acquire(server.hop, 5, fresh=True)
        assert connection not in kept
        assert (await connection.mail_and_rcpt(FROM, ANN))[1].code == 250
        pool.release(connection)


async def test_a_fresh_connection_takes_the_place_of_the_kept_ones(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 2) as pool:
        kept = [await pool.acquire(server.hop, 5) for _ in range(2)]
        for connection in kept:
            pool.release(connection)
        fresh = await pool.acquire(server.hop, 5, fresh=True)
        assert fresh not in kept
        await asyncio.gather(*(connection.closed(2) for connection in kept))
        pool.release(fresh)


async def test_an_open_transaction_is_reset_when_its_connection_comes_back(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1) as pool:
        connection = await pool.acquire(server.hop, 5)
        await connection.mail_and_rcpt(FROM, ANN)
        pool.release(connection)
        await deliver(pool, server.hop)
        assert len(server.sessions) == 1
        assert [line[:4] for line in server.session.lines[1:]] == [
            "MAIL",
            "RCPT",
            "RSET",
            "MAIL",
            "RCPT",
            "DATA",
        ]


async def test_giving_back_twice_is_harmless(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1) as pool:
        connection = await pool.acquire(server.hop, 5)
        pool.release(connection)
        pool.release(connection)
        held = await pool.acquire(server.hop, 5)
        with pytest.raises(AllBusyError):
            await pool.acquire(server.hop, 0.05)
        pool.release(held)


async def test_a_connection_is_not_kept_for_longer_than_its_time(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 3, idle_seconds=0.2) as pool:
        first, second = await pool.acquire(server.hop, 5), await pool.acquire(server.hop, 5)
        pool.release(first)
        await asyncio.sleep(0.12)
        pool.release(second)
        await first.closed(2)
        assert second.usable
        await second.closed(2)
        assert [session.lines[-1] for session in server.sessions] == ["QUIT", "QUIT"]
        await deliver(pool, server.hop)


async def test_a_connection_that_is_lent_is_left_alone_when_its_time_is_over(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1, idle_seconds=0.05) as pool:
        await deliver(pool, server.hop)
        lent = await pool.acquire(server.hop, 5)
        await asyncio.sleep(0.1)
        assert lent.usable
        pool.release(lent)
        await lent.closed(2)


async def test_a_connection_is_not_used_for_more_transactions_than_allowed(dialer: Dialer) -> None:
    async with ScriptedHop() as server, pool_of(dialer, 1, most_transactions=2) as pool:
        for _ in range(4):
            await deliver(pool, server.hop)
        assert [len(session.contents) for session in server.sessions] == [2, 2]


async def test_a_hop_that_cannot_be_reached_counts_as_failed_until_it_is_reached(dialer: Dialer) -> None:
    async with pool_of(dialer, 1) as pool:
        assert not pool.recently_failed(NOWHERE)
        with pytest.raises(NoConnectionError):
            await pool.acquire(NOWHERE, 1)
        assert pool.recently_failed(NOWHERE)
        async with ScriptedHop() as server:
            pool.note_failure(server.hop, "it was silent")
            assert pool.recently_failed(server.hop)
            await deliver(pool, server.hop)
            assert not pool.recently_failed(server.hop)


async def test_a_hop_that_is_too_slow_counts_as_failed(dialer: Dialer) -> None:
    async with ScriptedHop({"GREETING": HANG}) as server, pool_of(dialer, 1) as pool:
        with pytest.raises(NoConnectionError, match="within") as raised:
            await pool.acquire(server.hop, 0.1)
        assert not isinstance(raised.value, AllBusyError)
        assert pool.recently_failed(server.hop)


async def test_the_memory_of_failures_is_bounded(dialer: Dialer) -> None:
    async with pool_of(dialer, 1) as pool:
        for number in range(10_001):
            pool.note_failure(NextHop(Scheme.SMTP, f"mx{number}.example", 25), "")
        assert not pool.recently_failed(NextHop(Scheme.SMTP, "mx0.example", 25))
        assert pool.recently_failed(NextHop(Scheme.SMTP, "mx10000.example", 25))


async def test_closing_ends_everything_and_nothing_is_handed_out_any_more(dialer: Dialer) -> None:
    async with ScriptedHop({"RCPT": HANG}) as server:
        pool = Pool(dialer, 2)
        idle, busy = await pool.acquire(server.hop, 5), await pool.acquire(server.hop, 5)
        transaction = asyncio.create_task(busy.mail_and_rcpt(FROM, ANN))
        waiter = asyncio.create_task(pool.acquire(server.hop, 5))
        await asyncio.sleep(0.02)
        pool.release(idle)
        pool.release(await waiter)
        waiter = asyncio.create_task(pool.acquire(parse_hop(str(server.hop)), 5))
        pool.release(await waiter)
        await pool.close()
        with pytest.raises(PeerError):
            await transaction
        pool.release(busy)
        with pytest.raises(NoConnectionError, match="stopping"):
            await pool.acquire(server.hop, 5)


async def test_closing_reaches_those_who_wait_and_those_who_dial(dialer: Dialer) -> None:
    arrived = asyncio.Event()
    go_on = asyncio.Event()

    async def slow(hop: NextHop) -> Connection:
        arrived.set()
        await go_on.wait()
        return await dialer(hop)

    async with ScriptedHop() as server:
        pool = Pool(slow, 1)
        dialling = asyncio.create_task(pool.acquire(server.hop, 5))
        await arrived.wait()
        waiting = asyncio.create_task(pool.acquire(server.hop, 5))
        await asyncio.sleep(0)
        await pool.close()
        go_on.set()
        for task in (dialling, waiting):
            with pytest.raises(NoConnectionError, match="stopping"):
                await task
        await asyncio.sleep(0.02)
