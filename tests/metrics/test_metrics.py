"""Every event changes the number that it should, and whatever clients say, label values stay few."""

import ast
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from relay.events import (
    BookTaken,
    ClosedNotKept,
    DigestSent,
    DigestTrouble,
    Fault,
    HopTrouble,
    JournalLost,
    JournalTrouble,
    ReloadRefused,
    SpoolTrouble,
)
from relay.intake.events import (
    AuthenticationFailed,
    BareNewlinesNormalised,
    Cause,
    ContentRefused,
    SessionBegun,
    SessionCut,
    SessionEnded,
    SessionFaulted,
    SessionRefused,
)
from relay.journal.query import Size
from relay.mail.envelope import ReversePath
from relay.mail.outcome import Deferred, Failed, Outcome, Unknown
from relay.mail.proof import DKIM, Proof, ProofFault, Unproved
from relay.mail.reply import Reply
from relay.metrics import Metrics
from relay.metrics.busiest import MOST, REST
from relay.metrics.catalogue import FAMILIES, Kind
from relay.metrics.counting import WHERE
from relay.milter.terms import MilterCut, MilterFaulted, MilterRefused
from relay.spool.events import AttemptEnded, ItemHeld, RunnerTrouble
from relay.spool.item import Depth, Item, State
from tests.metrics.happenings import (
    CLIENT,
    NOW,
    OK,
    PREFIX,
    TAKEN,
    Clock,
    copies_of,
    ended,
    judged,
    metrics,
    number,
    numbers,
    path,
    refused,
)
from tests.samples import BOOK, book

LATER = Deferred(Reply(451, "4.4.1", "later"), "desk.example")
NEVER = Failed(Reply(550, "5.1.1", "unknown"), "desk.example")
SILENT = Unknown("silence", "desk.example")


def item(destination: str = "helpdesk") -> Item:
    return Item(
        id=1, queue_id="1", destination=destination, reverse_path=ReversePath(""),
        forward_paths=(path(),), originals=(), client=CLIENT, body_from=0, channel=None, reason="",
        accepted_at=NOW, next_attempt_at=NOW, attempts=0, unknowns=0, crashes=0, state=State.WAITING,
        in_hand=True, bounced=False, warned=False, last_reply="", size=1,
    )  # fmt: skip


def counted(*events: object) -> Metrics:
    found = metrics()
    for event in events:
        found.observe(event)
    return found


# messages


def test_a_judged_message_counts_by_verdict_reason_and_channel():
    closed = judged("From: care@shop.example", "To: anna@mail.example", by=BOOK)
    stranger = judged("From: anna@mail.example", "To: care@shop.example", by=BOOK)
    found = counted(ended(closed), ended(closed), ended(stranger), ended(None))
    labels = {"verdict": "auto-closed", "reason": "outbound-copy", "channel": "care"}
    assert number(found, "messages_total", **labels) == 2
    labels = {"verdict": "open", "reason": "foreign-author", "channel": ""}
    assert number(found, "messages_total", **labels) == 1
    assert number(found, "transactions_total", entrance="smtp", reply="2yz") == 4
    assert number(found, "received_bytes_total", entrance="smtp") == 400


def test_a_doubtful_closing_counts_once_and_each_of_its_doubts():
    fields = ("From: care@shop.example", "To: orders@shop.example", "Content-Type: multipart/report")
    found = counted(ended(judged(*fields, by=BOOK)))
    assert number(found, "doubtful_closings_total", reason="outbound-copy", channel="care") == 1
    assert number(found, "doubts_total", doubt="no-outside-recipient") == 1
    assert number(found, "doubts_total", doubt="delivery-report") == 1
    assert number(found, "doubts_total", doubt="reply-to-outsider") == 0


def test_a_doubt_that_opened_the_ticket_is_no_doubtful_closing():
    by = book(rule=BOOK.rule.__class__(when_in_doubt=BOOK.rule.when_in_doubt.__class__("open")))
    fields = ("From: care@shop.example", "To: orders@shop.example")
    found = counted(ended(judged(*fields, by=by)))
    assert number(found, "doubts_total", doubt="no-outside-recipient") == 1
    assert number(found, "doubtful_closings_total", reason="in-doubt", channel="care") is None


def test_a_signature_of_the_platform_counts_by_what_it_came_to():
    proof, domain = Proof(DKIM, "d.example"), "d.example"
    seen = [
        {"proofs": (proof,)},
        {"unproved": (Unproved(domain, ProofFault.BODY_CHANGED),)},
        {"unproved": (Unproved(domain, ProofFault.PARTIAL), Unproved(domain, ProofFault.NO_ANSWER))},
        {"unproved": (Unproved(domain, ProofFault.OUT_OF_TIME),)},
        {"signers": frozenset({domain})},
        {},
    ]
    copy = judged("From: care@shop.example", "To: anna@mail.example", by=BOOK)
    found = counted(*[ended(replace(copy, view=replace(copy.view, **each))) for each in seen])
    results = ("valid", "invalid", "unanswered")
    assert [number(found, "platform_signatures_total", result=result) for result in results] == [1, 1, 2]


def test_a_thousand_channels_give_at_most_51_label_values():
    found = counted(*copies_of(1000) * 3)
    values = {dict(labels)["channel"] for name, labels in numbers(found) if "channel" in dict(labels)}
    assert len(values) == MOST + 1
    assert REST in values


def test_no_series_of_a_channel_ever_goes_backwards_and_none_is_lost():
    found, highest, went = metrics(), {}, set()
    copies, sent = copies_of(300), 0
    for era in (0, 100, 200, 0):
        for _ in range(8):
            for copy in copies[era : era + 40] * 20 + copies:
                found.observe(copy)
                sent += 1
            now = {series: value for series, value in numbers(found).items() if "channel" in dict(series[1])}
            assert len({dict(labels)["channel"] for _, labels in now}) <= MOST + 1
            assert all(value >= highest.get(series, 0) for series, value in now.items())
            went |= highest.keys() - now.keys()
            highest |= now
    assert went & now.keys(), "some lost their label value and got it again"
    assert went - now.keys()
    assert sum(highest.values()) == sent


@pytest.mark.parametrize(
    ("outcomes", "reply", "expected"),
    [
        ((TAKEN,), OK, "next-hop"),
        ((NEVER,), NEVER.reply, "next-hop"),
        ((LATER,), LATER.reply, "next-hop"),
        ((None,), OK, "spool"),
        ((LATER,), OK, "spool"),
        ((SILENT,), OK, "spool"),
        ((TAKEN, NEVER), OK, "spool"),
    ],
)
def test_what_a_client_waited_for_is_told_apart(
    outcomes: tuple[Outcome | None, ...], reply: Reply, expected: str
):
    found = counted(ended(None, *outcomes, reply=reply, waited=0.3))
    series = {"way": expected, "hop": "smtp"}
    assert number(found, "client_wait_seconds_count", **series) == 1
    assert number(found, "client_wait_seconds_sum", **series) == pytest.approx(0.3)
    assert number(found, "client_wait_seconds_bucket", le="0.25", **series) == 0
    assert number(found, "client_wait_seconds_bucket", le="0.5", **series) == 1


def test_a_duration_on_a_bound_counts_below_it_and_a_very_long_one_only_in_the_last_bucket():
    found = counted(ended(waited=0.5), ended(waited=1e6))
    series = {"way": "next-hop", "hop": "smtp"}
    assert number(found, "client_wait_seconds_bucket", le="0.5", **series) == 1
    assert number(found, "client_wait_seconds_bucket", le="60.0", **series) == 1
    assert number(found, "client_wait_seconds_bucket", le="+Inf", **series) == 2


def test_what_was_refused_at_rcpt_does_not_make_a_message_kept():
    found = counted(ended(None, TAKEN, LATER, accepted=1))
    assert number(found, "client_wait_seconds_count", way="next-hop", hop="smtp") == 1


def test_outcomes_count_by_forward_path():
    found = counted(ended(None, TAKEN, TAKEN, LATER, NEVER, SILENT, None))
    wanted = {"delivered": 2, "deferred": 1, "failed": 1, "unknown": 1, "waiting": 1, "left": 0}
    for outcome, times in wanted.items():
        assert number(found, "forward_paths_total", outcome=outcome) == times


def test_by_milter_the_waiting_is_the_mtas():
    found = counted(ended(None, None, next_hop="milter", waited=None))
    assert number(found, "transactions_total", entrance="milter", reply="2yz") == 1
    assert number(found, "forward_paths_total", outcome="left") == 1
    assert not [name for name, _ in numbers(found) if "client_wait" in name]


@pytest.mark.parametrize(
    ("next_hop", "kind"),
    [
        ("smtp://desk.example:25", "smtp"),
        ("smtp+starttls://user@desk.example:587", "smtp+starttls"),
        ("lmtp+unix:///run/lmtp", "lmtp+unix"),
        ("mx", "mx"),
        ("sandbox", "sandbox"),
        ("smtp://a:25, smtp://b:25", "smtp"),
        ("smtp://a:25, mx", "several"),
        ("anything a next hop may be called", "other"),
        ("", "other"),
    ],
)
def test_a_next_hop_is_counted_by_how_it_is_reached(next_hop: str, kind: str):
    found = counted(HopTrouble(next_hop, "1", "gone"))
    assert number(found, "next_hop_troubles_total", hop=kind) == 1


# refusals


@pytest.mark.parametrize(
    ("enhanced", "code", "kind", "told"),
    [
        ("5.7.1", 550, "permanent", "5.7"),
        ("4.5.3", 452, "temporary", "4.5"),
        ("5.777.1", 550, "permanent", "other"),
        ("2.0.0", 550, "permanent", "other"),
        ("", 450, "temporary", "none"),
        ('5.1"} 1', 550, "permanent", "other"),
    ],
)
def test_a_refused_forward_path_counts_by_class_and_subject(enhanced: str, code: int, kind: str, told: str):
    found = counted(refused(enhanced, code))
    assert number(found, "forward_paths_refused_total", kind=kind, enhanced=told) == 1


def test_next_hops_that_say_anything_make_few_series():
    found = counted(
        *[refused(f"5.{n}.{n}") for n in range(1000)],
        *[HopTrouble(f"scheme{n}://h", "1", "x") for n in range(1000)],
        *[ended(reply=Reply(n, "", "odd")) for n in range(1000)],
    )
    assert len(found.exposed().splitlines()) < 300


# one event, one number

ONE_EACH: list[tuple[object, str, dict[str, str], float]] = [
    (SessionBegun(CLIENT), "sessions_total", {}, 1),
    (SessionBegun(CLIENT), "open_sessions", {}, 1),
    (SessionRefused(CLIENT, Cause.CONNECTIONS), "clients_refused_total", {"cause": "connections"}, 1),
    (SessionCut(CLIENT, Cause.DATA_RATE), "sessions_cut_total", {"cause": "data-rate"}, 1),
    (ContentRefused(CLIENT, "a", Cause.RECEIVED), "contents_refused_total", {"cause": "received"}, 1),
    (AuthenticationFailed(CLIENT, "anna"), "logins_failed_total", {}, 1),
    (BareNewlinesNormalised(CLIENT, "a"), "contents_normalised_total", {}, 1),
    (MilterRefused("unix:/x"), "milter_connections_refused_total", {}, 1),
    (MilterCut("unix:/x", CLIENT, "slow"), "milter_connections_cut_total", {}, 1),
    (ItemHeld(item(), "why"), "spool_held_total", {}, 1),
    (RunnerTrouble("away"), "spool_troubles_total", {"trouble": "not-working"}, 1),
    (ClosedNotKept("1", "full"), "spool_troubles_total", {"trouble": "closed-not-kept"}, 1),
    (SpoolTrouble("1", "full"), "spool_troubles_total", {"trouble": "not-kept"}, 1),
    (JournalTrouble("away"), "journal_up", {}, 0),
    (JournalLost(3, "full"), "journal_entries_lost_total", {}, 3),
    (DigestSent("care", 3), "digests_total", {"result": "sent"}, 1),
    (DigestTrouble("care", "full"), "digests_total", {"result": "failed"}, 1),
    (Fault("judging", ValueError()), "faults_total", {"where": "judging"}, 1),
    (SessionFaulted(CLIENT, ValueError()), "faults_total", {"where": "in a session"}, 1),
    (MilterFaulted("unix:/x", CLIENT, ValueError()), "faults_total", {"where": "in the milter"}, 1),
    (ReloadRefused(NOW), "reloads_total", {"result": "refused"}, 1),
    (ReloadRefused(NOW), "last_reload_successful", {}, 0),
    (ReloadRefused(NOW), "last_reload_timestamp_seconds", {"result": "refused"}, NOW.timestamp()),
]


@pytest.mark.parametrize(
    ("event", "name", "labels", "value"), ONE_EACH, ids=lambda value: type(value).__name__
)
def test_an_event_is_counted(event: object, name: str, labels: dict[str, str], value: float):
    assert number(counted(event), name, **labels) == value


@pytest.mark.parametrize(
    ("event", "name", "labels"),
    [(event, name, labels) for event, name, labels, _ in ONE_EACH if name.endswith("_total")],
    ids=lambda value: type(value).__name__,
)
def test_a_counter_is_there_before_its_first_event_so_that_increase_sees_it(
    event: object, name: str, labels: dict[str, str]
):
    assert number(metrics(), name, **labels) == 0


def test_sessions_that_ended_are_not_open_any_more():
    found = counted(SessionBegun(CLIENT), SessionBegun(CLIENT), SessionEnded(CLIENT))
    assert number(found, "open_sessions") == 1
    assert number(found, "sessions_total") == 2


def test_what_is_no_event_of_ours_is_left_alone():
    def ours(found: Metrics) -> dict[object, float]:
        return {series: value for series, value in numbers(found).items() if series[0].startswith(PREFIX)}

    assert ours(counted(object(), "x", None)) == ours(metrics())


def test_every_place_where_a_fault_is_survived_is_known():
    """A counter that begins with its first fault hides it from increase(); add the words to WHERE in metrics/counting.py."""
    said = set()
    for file in (Path(__file__).parents[2] / "relay").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="Fault"), args=[ast.Constant(value=str(words)), *_]):
                    said.add(words)
    assert said
    assert said <= set(WHERE)


# the spool, the journal, the book


def test_attempts_count_by_destination_and_not_by_channel():
    found = counted(
        AttemptEnded(item("helpdesk:support"), (TAKEN, LATER), 0.2),
        AttemptEnded(item("helpdesk"), (NEVER,), 7.0, held_because="why", reported=True),
        AttemptEnded(item("elsewhere"), (SILENT,), 0.2),
    )
    assert number(found, "spool_attempt_seconds_count", destination="helpdesk") == 2
    assert number(found, "spool_attempt_seconds_bucket", destination="helpdesk", le="1.0") == 1
    for outcome in ("delivered", "deferred", "failed"):
        assert number(found, "spool_outcomes_total", destination="helpdesk", outcome=outcome) == 1
    assert number(found, "spool_outcomes_total", destination="elsewhere", outcome="unknown") == 1
    assert number(found, "spool_held_total") == number(found, "spool_reports_total") == 1


def test_the_age_of_the_oldest_item_goes_on_between_two_questions():
    clock = Clock()
    found = Metrics("1", clock)
    assert number(found, "queue_items", state="waiting") is None
    found.know_queue(Depth(waiting=3, held=2, in_hand=1, oldest_at=NOW - timedelta(minutes=2)))
    assert number(found, "queue_items", state="waiting") == 3
    assert number(found, "queue_items", state="held") == 2
    assert number(found, "queue_items_in_hand") == 1
    assert number(found, "queue_oldest_age_seconds") == 120
    clock.go(seconds=30)
    assert number(found, "queue_oldest_age_seconds") == 150
    found.know_queue(Depth())
    assert number(found, "queue_oldest_age_seconds") == 0


def test_a_spool_that_does_not_answer_is_away_and_its_last_numbers_stand():
    found = metrics()
    found.know_queue(Depth(waiting=3))
    found.know_queue(None)
    assert number(found, "queue_up") == 0
    assert number(found, "queue_items", state="waiting") == 3
    found.know_queue(Depth(waiting=1))
    assert number(found, "queue_up") == 1


def test_the_journals_numbers_are_those_that_it_told():
    found, told = metrics(), [(0, 5)]
    assert number(found, "journal_waiting_entries") is None
    found.ask_recorder(lambda: told[0])
    found.know_journal(Size(entries=10, octets=4096, oldest_at=NOW))
    assert number(found, "journal_entries") == 10
    assert number(found, "journal_size_bytes") == 4096
    assert number(found, "journal_up") == 1
    told[0] = (4, 1)
    assert number(found, "journal_waiting_entries") == 1
    assert number(found, "journal_entries_written_total") == 4
    found.know_journal(None)
    assert number(found, "journal_up") == 0
    assert number(found, "journal_entries") == 10


def test_one_book_is_in_force_at_a_time():
    found = counted(
        BookTaken("sha256:a", 3, NOW, again=False),
        ReloadRefused(NOW),
        BookTaken("sha256:b", 4, NOW + timedelta(hours=1), again=True),
    )
    assert number(found, "book_info", digest="sha256:a") is None
    assert number(found, "book_info", digest="sha256:b") == 1
    assert number(found, "channels") == 4
    assert number(found, "reloads_total", result="taken") == 1
    assert number(found, "last_reload_successful") == 1
    taken = number(found, "last_reload_timestamp_seconds", result="taken")
    assert taken == (NOW + timedelta(hours=1)).timestamp()


def test_the_start_is_no_reload():
    found = counted(BookTaken("sha256:a", 3, NOW, again=False))
    assert number(found, "reloads_total", result="taken") == 0
    assert number(found, "last_reload_timestamp_seconds", result="taken") is None


def test_version_and_start_are_told():
    found = metrics()
    assert number(found, "start_timestamp_seconds") == NOW.timestamp()
    (labels,) = [dict(labels) for name, labels in numbers(found) if name == f"{PREFIX}build_info"]
    assert labels["version"] == "1.2.3"


def test_two_relays_in_one_process_count_apart():
    one, other = counted(SessionBegun(CLIENT)), metrics()
    assert number(one, "sessions_total") == 1
    assert number(other, "sessions_total") == 0


# the catalogue


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_follow_prometheus(family: object):
    assert re.fullmatch(r"helpdesk_relay_[a-z]+(_[a-z]+)*", family.name)
    assert family.name.endswith("_total") == (family.kind is Kind.COUNTER)
    assert family.kind is not Kind.HISTOGRAM or family.name.endswith("_seconds")
    assert not {"le", "quantile", "job", "instance"} & set(family.labels)
    assert family.help.endswith(".")
    assert list(family.buckets) == sorted(set(family.buckets))


def test_every_family_has_help_and_type_from_the_start():
    lines = metrics().exposed().decode().splitlines()
    for family in FAMILIES:
        assert f"# HELP {family.name} {family.help}" in lines
        assert f"# TYPE {family.name} {family.kind}" in lines
