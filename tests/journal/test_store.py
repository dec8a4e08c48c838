"""The journal's rules; every one of them holds on both engines (tests/peers/test_journal_postgresql.py)."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from relay.channels import Channel
from relay.errors import UnavailableError
from relay.journal.entry import Entry, Later, PathEntry, PathState
from relay.journal.hashing import hashed
from relay.journal.query import OTHERS, Observed, Query
from relay.journal.store import Journal, JournalPlace
from relay.judge import Disposition, Doubt, Reason
from relay.mail.outcome import Failed, Outcome
from relay.mail.reply import Reply
from tests.journal.entries import NOON, copy, customer, entry
from tests.samples import BOOK, box

KEY = b"k" * 32
KEEP = timedelta(days=30)


async def keep(journal: Journal, *entries: Entry) -> None:
    await journal.add([(one, BOOK) for one in entries])


async def found(journal: Journal, most: int = 100, before: int | None = None, **query: object) -> list[str]:
    return ids(await journal.find(Query(**query), most=most, before=before))  # type: ignore[arg-type]


def ids(entries: Iterable[Entry]) -> list[str]:
    return [one.message_id.split("@")[0] for one in entries]


async def test_what_was_written_is_found_newest_first_and_has_numbers_that_count_up(journal: Journal) -> None:
    await keep(journal, copy(1), customer(2))
    await keep(journal, copy(3))
    entries = await journal.find(Query(), most=10)
    assert ids(entries) == ["copy-3", "ask-2", "copy-1"]
    assert [one.number for one in entries] == sorted((one.number for one in entries), reverse=True)
    assert entries[2].at == NOON + timedelta(minutes=1)
    assert entries[2].verdict.auto_closed


async def test_a_page_begins_below_the_number_that_is_given(journal: Journal) -> None:
    await keep(journal, *map(copy, range(5)))
    first = await journal.find(Query(), most=2)
    assert await found(journal, 2, first[-1].number) == ["copy-2", "copy-1"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"verdict": "auto-closed"}, ["copy-1"]),
        ({"verdict": "open"}, ["self-4", "observe-3", "ask-2"]),
        ({"reason": "self-addressed"}, ["self-4"]),
        ({"channel": "care"}, ["self-4", "copy-1"]),
        ({"channel": "nobody"}, []),
        ({"author": "bob2@mail.example"}, ["ask-2"]),
        ({"author": "BOB2@Mail.Example"}, ["ask-2"]),
        ({"author": "anna1@mail.example"}, []),
        ({"about": "anna1@mail.example"}, ["copy-1"]),
        ({"about": "bounce@crm.example", "verdict": "auto-closed"}, ["copy-1"]),
        ({"about": "no address"}, []),
        ({"since": NOON + timedelta(minutes=3)}, ["self-4", "observe-3"]),
        ({"until": NOON + timedelta(minutes=3)}, ["ask-2", "copy-1"]),
        ({"text": "copy-1@crm.example"}, ["copy-1"]),
        ({"text": "<copy-1@crm.example>"}, ["copy-1"]),
        ({"text": "anna1@mail.example"}, ["copy-1"]),
        ({"text": "ANNA1@mail"}, ["copy-1"]),
        ({"text": "%"}, []),
        ({"text": "_nna"}, []),
        ({"text": "mail.example", "verdict": "auto-closed"}, ["copy-1"]),
        ({"text": " "}, ["self-4", "observe-3", "ask-2", "copy-1"]),
        ({"text": "QUEUE-7"}, ["observe-3"]),
        ({"text": "REF-7"}, ["observe-3"]),
        ({"text": "order"}, []),
    ],
)
async def test_filters_and_what_a_person_types_find_what_is_meant(
    journal: Journal, query: dict[str, object], expected: list[str]
) -> None:
    await keep(
        journal,
        copy(1),
        customer(2),
        entry("From: zoe@mail.example", "Message-ID: <observe-3@x>", at=NOON + timedelta(minutes=3), queue_id="QUEUE-7", ref="REF-7"),
        entry("From: care@shop.example", "To: care@shop.example", "Message-ID: <self-4@x>", at=NOON + timedelta(minutes=4)),
    )  # fmt: skip
    assert await found(journal, **query) == expected
    oldest_first = [one async for one in journal.entries(Query(**query))]  # type: ignore[arg-type]
    assert ids(oldest_first) == expected[::-1]


async def test_a_subject_is_found_by_a_part_where_it_is_kept(journal: Journal) -> None:
    await keep(journal, copy(1, keep_subject=True), copy(2))
    assert await found(journal, text="your ORDER") == ["copy-1"]


@pytest.mark.parametrize(
    ("pasted", "expected"),
    [
        ("Message-ID: <copy-1@crm.example>", ["copy-1"]),
        (" Message-Id:\t<copy-1@crm.example>\r\n", ["copy-1"]),
        ('"Meyer, Anna" <Anna1@mail.example>', ["copy-1"]),
        ("To: Anna <anna1@mail.example>", ["copy-1"]),
        ("order <1>", []),
        ("<copy-1@crm.example> <copy-2@crm.example>", []),
    ],
)
async def test_a_field_that_is_pasted_as_a_whole_is_found_by_what_stands_in_brackets(
    journal: Journal, pasted: str, expected: list[str]
) -> None:
    await keep(journal, copy(1, keep_subject=True), copy(2, keep_subject=True))
    assert await found(journal, text=pasted) == expected


async def test_doubtful_closings_are_found(journal: Journal) -> None:
    await keep(
        journal, copy(1), entry("From: care@shop.example", "To: orders@shop.example", "Message-ID: <odd@x>")
    )
    assert await found(journal, doubtful=True) == ["odd"]


async def test_all_entries_pass_by_in_order_however_many(journal: Journal) -> None:
    await keep(journal, *map(copy, range(1201)))
    seen = [one.number async for one in journal.entries(Query())]
    assert len(seen) == 1201
    assert seen == sorted(seen)


@pytest.mark.parametrize("many", [1, 49, 50, 51, 130])
async def test_a_batch_of_any_length_is_kept_and_every_address_of_it_found(
    journal: Journal, many: int
) -> None:
    await keep(journal, *map(copy, range(many)))
    for number in range(many):
        assert await found(journal, about=f"anna{number}@mail.example") == [f"copy-{number}"]


async def test_an_entry_is_got_by_every_name_that_it_has(journal: Journal) -> None:
    nameless = entry("From: x@y.example")
    await keep(journal, copy(1, queue_id="4ABC", ref="R-1"), copy(2, queue_id="4DEF"), nameless)
    (one,) = await journal.get("R-1")
    for name in ("4ABC", str(one.number), "copy-1@crm.example", "<copy-1@crm.example>", " R-1 "):
        assert [entry.ref for entry in await journal.get(name)] == ["R-1"], name
    assert [entry.ref for entry in await journal.get("4DEF")] == ["4DEF"]
    for name in ("", "<>", "nobody", "9" * 40, "%", "\0", "\ud800"):
        assert await journal.get(name) == (), name


async def test_decisions_of_one_message_id_stand_together_oldest_first(journal: Journal) -> None:
    await keep(journal, copy(1, queue_id="A"), customer(2), copy(1, queue_id="B"), entry("From: x@y.example"))
    assert [one.queue_id for one in await journal.same_message("copy-1@crm.example")] == ["A", "B"]
    assert await journal.same_message("") == ()


async def test_what_becomes_of_a_forward_path_later_stands_in_its_entry(journal: Journal) -> None:
    await keep(journal, copy(1, queue_id="A", outcome=None), copy(2, queue_id="B", outcome=None))
    (waiting,) = (await journal.get("A"))[0].paths
    assert (waiting.state, waiting.at) == (PathState.WAITING, None)
    for minutes, state, words in ((1, PathState.DEFERRED, "451 later"), (2, PathState.DELIVERED, "250 ok")):
        at = NOON + timedelta(minutes=minutes)
        await journal.add_paths(
            [Later("A", (PathEntry("in-1@desk.example", state, words, "desk", at=at),))], BOOK
        )
    (path,) = (await journal.get("A"))[0].paths
    assert (path.path, path.state, path.words, path.hop) == (
        "in-1@desk.example",
        PathState.DELIVERED,
        "250 ok",
        "desk",
    )
    assert path.at == NOON + timedelta(minutes=2)
    assert (await journal.get("B"))[0].paths[0].state is PathState.WAITING


async def test_counts_add_up_over_batches_days_channels_and_kinds(journal: Journal) -> None:
    await keep(journal, copy(1), copy(2), customer(3))
    await keep(journal, copy(4), copy(1, at=NOON + timedelta(days=1)))
    today, tomorrow = (day.astimezone().date() for day in (NOON, NOON + timedelta(days=1)))
    counts = await journal.counts(today, tomorrow, 9)
    assert [
        (one.day, one.channel, one.verdict, one.reason, one.doubtful, one.messages) for one in counts
    ] == [
        (today, "", "open", "foreign-author", False, 1),
        (today, "care", "auto-closed", "outbound-copy", False, 3),
        (tomorrow, "care", "auto-closed", "outbound-copy", False, 1),
    ]
    assert sum(one.messages for one in await journal.counts(tomorrow, tomorrow, 9)) == 1


async def test_of_very_many_channels_the_busiest_are_counted_each_and_the_others_together(
    journal: Journal,
) -> None:
    busy = replace(
        copy(1), verdict=replace(copy(1).verdict, channel=Channel("busy", box("busy@shop.example")))
    )
    await keep(
        journal, copy(2), customer(3), customer(4), *(replace(busy, queue_id=f"B{n}") for n in range(3))
    )
    day = NOON.astimezone().date()
    for most, counted in (
        (0, [(OTHERS, 2), (OTHERS, 4)]),
        (1, [(OTHERS, 1), (OTHERS, 2), ("busy", 3)]),
        (2, [("", 2), (OTHERS, 1), ("busy", 3)]),
        (3, [("", 2), ("busy", 3), ("care", 1)]),
    ):
        assert sorted((one.channel, one.messages) for one in await journal.counts(day, day, most)) == counted


async def test_what_channels_would_have_closed_is_summed_up_the_most_first(journal: Journal) -> None:
    def seen(name: str, number: int, *doubts: Doubt) -> Entry:
        verdict = replace(
            copy(number).verdict,
            disposition=Disposition.OPEN,
            reason=Reason.OBSERVED,
            channel=Channel(name, box(f"{name}@shop.example")),
            doubts=doubts,
        )
        return replace(copy(number), verdict=verdict)

    await keep(journal, copy(1), seen("few", 2), seen("many", 3), seen("many", 4, Doubt.DELIVERY_REPORT))
    day = NOON.astimezone().date()
    assert await journal.observed(day, day) == (Observed("many", 2, 1), Observed("few", 1, 0))
    assert await journal.observed(day + timedelta(days=1), day + timedelta(days=2)) == ()


async def test_what_is_too_old_goes_with_all_that_was_kept_of_it(journal: Journal) -> None:
    await keep(journal, *map(copy, range(700)), copy(1000, at=NOON + KEEP))
    await journal.add_paths([Later("X", (PathEntry("a@x.example", PathState.FAILED, at=NOON),))], BOOK)
    await journal.look("X", "anna", NOON)
    assert await journal.prune(KEEP, 0, NOON + KEEP + timedelta(hours=12)) == 700
    assert await found(journal) == ["copy-1000"]
    assert await found(journal, about="anna5@mail.example") == []
    assert await journal.looks("X") == ()
    assert (await journal.size()).oldest_at == NOON + KEEP
    day = (NOON + KEEP).astimezone().date()
    assert [one.day for one in await journal.counts(NOON.date(), day, 9)] == [day]
    assert await journal.prune(KEEP, 0, NOON + KEEP + timedelta(hours=12)) == 0


async def test_nothing_is_too_old_where_there_is_no_limit(journal: Journal) -> None:
    await keep(journal, copy(1))
    assert await journal.prune(timedelta(0), 0, NOON + timedelta(days=10_000)) == 0
    assert await found(journal) == ["copy-1"]


async def test_an_address_is_forgotten_wherever_it_stands_and_nothing_else(journal: Journal) -> None:
    await keep(journal, *(copy(1, queue_id=f"A{number}") for number in range(600)), copy(2), customer(1))
    await journal.look("A1", "eva", NOON)
    await journal.add_paths(
        [Later("zzz", (PathEntry("anna1@mail.example", PathState.FAILED, at=NOON),))], BOOK
    )
    gone = await journal.forget(box("Anna1@MAIL.example"))
    assert sorted(gone) == sorted(f"A{number}" for number in range(600))
    assert sorted(await found(journal)) == ["ask-1", "copy-2"]
    assert await journal.looks("A1") == ()
    assert await journal.forget(box("anna1@mail.example")) == ()


@pytest.mark.parametrize(
    ("outcome", "states"),
    [
        (None, ()),
        (None, (PathState.DEFERRED, PathState.HELD)),
        (Failed(Reply(550, "5.1.1", "nobody"), "desk"), ()),  # the spool reports it, or holds it
    ],
)
async def test_what_waits_while_it_is_forgotten_is_not_noted_again(
    journal: Journal, outcome: Outcome | None, states: tuple[PathState, ...]
) -> None:
    await keep(journal, copy(1, queue_id="A", outcome=outcome), copy(2, queue_id="B", outcome=None))
    for state in states:
        await later(journal, "A", state)
    assert await journal.forget(box("anna1@mail.example")) == ("A",)
    await later(journal, "A", PathState.DELIVERED)
    await later(journal, "B", PathState.DELIVERED)
    await keep(journal, copy(3, queue_id="A", outcome=None))  # shows whatever is noted under its queue id
    states_left = [path.state for one in await journal.find(Query(), most=9) for path in one.paths]
    assert states_left == [PathState.WAITING, PathState.DELIVERED]


async def later(journal: Journal, queue_id: str, state: PathState, at: datetime = NOON) -> None:
    await journal.add_paths(
        [Later(queue_id, (PathEntry("in-1@desk.example", state, "words", "desk", at=at),))], BOOK
    )


async def test_what_became_of_the_oldest_and_who_looked_at_them_go_with_them(journal: Journal) -> None:
    await keep(journal, *(copy(number, queue_id=f"Q{number}", outcome=None) for number in range(40)))
    for number in range(40):
        at = NOON + timedelta(minutes=number)
        await later(journal, f"Q{number}", PathState.DEFERRED, at)
        await journal.look(f"Q{number}", "anna", at)
    await journal.add(
        [(copy(40, queue_id="Q1", outcome=None), BOOK), (copy(41, queue_id="Q39", outcome=None), BOOK)]
    )
    size = await journal.size()
    assert await journal.prune(timedelta(0), size.octets - 1, NOON) > 0
    left = await journal.find(Query(), most=99)
    shown = {one.queue_id: one.paths[0].state for one in left}
    assert (shown["Q1"], shown["Q39"]) == (PathState.WAITING, PathState.DEFERRED)
    assert await journal.looks("Q1") == ()
    assert len(await journal.looks("Q39")) == 1


async def test_who_looked_is_remembered(journal: Journal) -> None:
    await journal.look("A", "anna", NOON)
    await journal.look("A", "bo\0b\ud800", NOON + timedelta(minutes=1))
    await journal.look("B", "eva", NOON)
    assert [(look.who, look.at) for look in await journal.looks("A")] == [
        ("anna", NOON),
        ("bo\\x00b\\ud800", NOON + timedelta(minutes=1)),
    ]


async def test_an_entry_is_reopened_once_and_says_who_and_when(journal: Journal) -> None:
    await keep(journal, copy(1, queue_id="A", ref="R"))
    assert await asyncio.gather(*(journal.reopen("R", who, NOON) for who in ("anna", "bob"))) in (
        [True, False],
        [False, True],
    )
    assert not await journal.reopen("A", "eva", NOON)
    assert not await journal.reopen("nobody", "eva", NOON)
    (one,) = await journal.get("R")
    assert one.reopened is not None
    assert one.reopened.who in ("anna", "bob")
    assert one.reopened.at == NOON


async def test_a_digest_is_claimed_once_a_channel_and_day(journal: Journal) -> None:
    day = NOON.date()
    claims = [journal.claim_digest(channel, day) for channel in ("care", "care", "orders")]
    assert await asyncio.gather(*claims) == [True, False, True]
    assert await journal.claim_digest("care", day + timedelta(days=1))


async def test_a_claim_that_is_given_back_can_be_made_again_and_no_other_one(journal: Journal) -> None:
    day = NOON.date()
    for channel in ("care", "orders"):
        assert await journal.claim_digest(channel, day)
    assert await journal.claim_digest("care", day + timedelta(days=1))
    await journal.give_digest_back("care", day)
    assert await journal.claim_digest("care", day)
    assert not await journal.claim_digest("orders", day)
    assert not await journal.claim_digest("care", day + timedelta(days=1))


async def test_anything_that_a_client_may_say_can_be_kept_and_found_again(journal: Journal) -> None:
    wild = entry(
        b'From: "\xff\0" <care@shop.example>',
        b"Message-ID: <\xff\0'\"%;--@x>",
        b"Subject: \xff\0\x1b[31m",
        keep_subject=True,
    )
    await keep(journal, replace(wild, queue_id="'; DROP TABLE journal_entry; --", ref="\ud800\0"))
    (one,) = await journal.find(Query(), most=10)
    assert await journal.get(one.ref) == (one,)
    assert await journal.get(one.message_id) == (one,)
    assert one.message_id.isprintable()


async def test_outsiders_are_hashed_where_that_is_wanted_and_found_all_the_same(place: JournalPlace) -> None:
    journal = await Journal.open(replace(place, key=KEY, hashed=True))
    await keep(journal, copy(1, queue_id="A-77"), customer(2, outcome=None, queue_id="B"))
    await journal.add_paths(
        [
            Later(
                "B",
                (PathEntry("care@shop.example", PathState.DELIVERED, "250 for bob2@mail.example", at=NOON),),
            )
        ],
        BOOK,
    )
    for query in ({"about": "anna1@mail.example"}, {"text": "anna1@mail.example"}, {"text": "A-77"}):
        (one,) = await journal.find(Query(**query), most=10)  # type: ignore[arg-type]
        assert hashed(box("anna1@mail.example"), KEY) in [seen.mailbox for seen in one.view.recipients]
    (bobs,) = await journal.find(Query(author="bob2@mail.example"), most=10)
    assert "bob2" not in repr(bobs)
    assert bobs.paths[0].state is PathState.DELIVERED
    assert await found(journal, text="anna1") == []
    assert await found(journal, channel="care", text=str(hashed(box("anna1@mail.example"), KEY))) == [
        "copy-1"
    ]
    assert await journal.forget(box("anna1@mail.example")) == ("A-77",)
    await journal.close()


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("Anna1@MAIL.example", "anna1@mail.example"),
        ('"Anna1"@mail.example', "anna1@mail.example"),
        ("ÄNNA@Müller.example", "änna@xn--mller-kva.example"),
    ],
)
async def test_what_waits_is_forgotten_although_its_entry_is_gone(
    journal: Journal, written: str, address: str
) -> None:
    def later(state: PathState) -> Later:
        return Later("A", (PathEntry(written, state, "451 not now", at=NOON),))

    waiting = later(PathState.DEFERRED)
    await keep(
        journal,
        copy(1, queue_id="A", outcome=None, rcpt_to=(written,), at=NOON - timedelta(days=9)),
    )
    await journal.add_paths([waiting], BOOK)
    assert await journal.prune(timedelta(days=1), 0, NOON) == 1
    assert await journal.forget(box(address)) == ()
    await journal.add_paths([later(PathState.DELIVERED)], BOOK)
    await keep(journal, copy(1, queue_id="A", outcome=None, rcpt_to=(written,)))
    ((path,),) = [one.paths for one in await journal.get("A")]
    assert path.state is PathState.WAITING, "nothing was noted of it"


async def test_what_was_kept_in_the_clear_is_found_after_hashing_was_switched_on(place: JournalPlace) -> None:
    journal = await Journal.open(place)
    await keep(journal, copy(1))
    await journal.close()
    journal = await Journal.open(replace(place, key=KEY, hashed=True))
    assert await found(journal, about="anna1@mail.example") == ["copy-1"]
    await journal.close()


async def test_a_command_makes_no_journal(place: JournalPlace) -> None:
    if place.url is None:
        with pytest.raises(UnavailableError, match="there is no journal"):
            await Journal.open(place, may_upgrade=False)
