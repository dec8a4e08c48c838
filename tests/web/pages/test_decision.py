from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from relay.channels import ChannelBook, Platform
from relay.errors import NotDurableError
from relay.journal.entry import Later, PathEntry, PathState
from relay.journal.query import COMMAND_LINE
from relay.journal.store import Journal, JournalPlace
from relay.judge import Question, judge
from relay.judge.explain import Language, question
from relay.links import signature
from relay.mail.proof import ProofFault, Unproved
from relay.web.app import application
from relay.web.sources import Reopened
from tests.journal.entries import NOON
from tests.web.made import (
    ELSEWHERE,
    KEY,
    PASSWORDS,
    basic,
    browser,
    copy,
    customer,
    entry,
    form,
    keep,
    settings,
    sources,
)
from tests.web.pages.reading import log_in, see, submit


async def test_a_closed_ticket_says_why_and_what_to_do(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/decision/Q-7")
    assert page.text.count("Why was this ticket closed?") == 2, "title and heading"
    for words in (
        "It is a copy of what was sent in the channel's own name",
        "Add support@company.com to To, Cc or Bcc",
        "From names support@company.com",
        "anna1@mail.example To",
        "in-7f3@relay.company.net envelope",
        "Client 198.51.100.7 (crm.example)",
        "MAIL FROM <bounce@crm.example>",
        "delivered <in-7f3@relay.company.net> 250 2.0.0 ticket 4711 (smtp://desk:25)",
        "Sent by CRM 9 a hint from fields that anybody can write; it decides nothing",
        "Subject Order 1",
        "Message-ID copy-1@crm.example",
        "X-Ticket-Status: auto-closed X-Ticket-Reason: outbound-copy; channel=support; id=Q-7",
        "It is the one in force now.",
    ):
        assert words in page.text
    for asked in Question:
        assert question(asked) in page.text
    assert page.text.count(" yes ") == 9


async def test_an_open_ticket_names_the_question_that_decided(journal: Journal) -> None:
    await keep(journal, customer(queue_id="Q-8"))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/decision/Q-8")
    assert "Why is this ticket open?" in page.text
    assert "bob1@mail.example is no channel's address This decided." in page.text
    assert page.text.count("This decided.") == 1
    assert "Open the ticket again" not in page.text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "d.example: the body is not as it was signed"),
        ("de", "d.example: der Text ist nicht, wie er signiert wurde"),
    ],
)
async def test_a_signature_that_was_no_proof_is_told_with_its_domain(
    journal: Journal, language: str, words: str
) -> None:
    made = copy(queue_id="Q-7")
    unproved = (Unproved("d.example", ProofFault.BODY_CHANGED),)
    view = replace(made.view, signers=frozenset({"d.example"}), unproved=unproved)
    book = ChannelBook(settings().book().channels, platform=Platform(dkim_domains=frozenset({"d.example"})))
    await keep(journal, replace(made, view=view, verdict=judge(view, book)))
    async with browser(
        application(sources(journal=journal)), headers={"accept-language": language}
    ) as client:
        page = await see(client, "/decision/Q-7")
    assert words in page.text


async def test_the_same_is_said_in_german(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/decision/Q-7", **{"accept-language": "de-DE,de;q=0.9,en;q=0.5"})
        assert "Warum wurde dieses Ticket geschlossen?" in page.text
        assert "Setzen Sie support@company.com in To, Cc oder Bcc" in page.text
        assert question(Question.FROM_OUTSIDE, Language.DE) in page.text
        assert ("html", "lang", "de") in page.attributes
        page = await see(client, f"/decision/Q-7{page.links['English']}", **{"accept-language": "de"})
        assert ("html", "lang", "en") in page.attributes
        page = await see(client, "/decision/Q-7", **{"accept-language": "de"})
        assert ("html", "lang", "en") in page.attributes, "chosen once, it stays"


async def test_doubts_and_what_the_spool_did_later_are_shown(journal: Journal) -> None:
    await keep(journal, form(queue_id="Q-9", outcome=None))
    later = PathEntry(
        "in-7f3@relay.company.net",
        PathState.DEFERRED,
        "451 4.3.0 busy",
        "desk:25",
        at=NOON + timedelta(hours=1),
    )
    await journal.add_paths([Later("Q-9", (later,))], settings().book())
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/decision/Q-9")
    assert "A customer may be speaking nobody outside is in To or Cc" in page.text
    assert "deferred <in-7f3@relay.company.net>" in page.text
    assert "451 4.3.0 busy" in page.text


async def test_a_book_that_is_no_longer_in_force_and_a_broken_signature_are_told(journal: Journal) -> None:
    old = settings("rule: {when_in_doubt: open}\n")
    broken = replace(copy(queue_id="Q-7", force=old), broken_signatures=("X-Ticket-Status",))
    await journal.add([(broken, old.book())])
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/decision/Q-7")
    assert "Another one is in force now" in page.text
    assert "A field that a signature covers had to be stripped (X-Ticket-Status)" in page.text


async def test_decisions_on_one_message_stand_together_and_the_page_says_why_they_differ(
    journal: Journal,
) -> None:
    await keep(
        journal, copy(queue_id="Q-1"), copy(queue_id="Q-2", rcpt_to=("support@company.com",)), customer()
    )
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/decision/Q-1")
        assert "The same Message-ID was judged more than once" in page.text
        assert (
            "The answers part at: Is the channel itself not among the recipients? "
            "Here: yes, the channel's own address is not among the recipients. "
            "There: no, support@company.com is in envelope." in page.text
        )
        assert "Arrived for in-7f3@relay.company.net support@company.com" in page.text
        page = await see(client, page.links["Q-2"])
        assert page.text.startswith("Why is this ticket open?")
        by_id = await see(client, "/decision/copy-1@crm.example")
        assert "Several decisions" in by_id.text
        assert len([link for link in by_id.links.values() if link.startswith("/decision/Q-")]) == 1, (
            "one subject"
        )
        assert "The same Message-ID" not in (await see(client, "/decision/ask-1@mail.example")).text


async def test_every_look_is_noted_with_its_name(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    app = application(sources(journal=journal))
    async with browser(app) as client:
        await see(client, "/decision/Q-7")
        await see(client, "/decision/Q-7", **basic("reader"))
        await see(client, f"/why/Q-7?s={signature('Q-7', KEY)}")
        page = await see(client, "/decision/Q-7", **basic("both"))
    looks = [look.who for look in await journal.looks("Q-7")]
    assert looks == ["local", "reader", "link", "both"]
    async with browser(app) as client:
        german = await see(client, "/decision/Q-7?lang=de", **basic("both"))
    for shown, heading, words in (
        (
            page,
            "Who looked",
            ("both", "whoever had the signed link", "reader", "somebody on the relay's machine"),
        ),
        (
            german,
            "Wer dies angesehen",
            ("wer den signierten Link hatte", "reader", "jemand am Rechner des Relays"),
        ),
    ):
        places = [shown.text.index(word, shown.text.index(heading)) for word in words]
        assert places == sorted(places)


async def test_who_reopened_on_the_command_line_is_said_in_the_language_of_the_page(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    await journal.reopen("Q-7", COMMAND_LINE, NOON)
    async with browser(application(sources(journal=journal))) as client:
        assert "by somebody at the command line" in (await see(client, "/decision/Q-7")).text
        assert "durch jemand mit der Kommandozeile" in (await see(client, "/decision/Q-7?lang=de")).text


async def test_what_is_not_there_is_not_found(journal: Journal) -> None:
    async with browser(application(sources(journal=journal))) as client:
        for path in (
            "/decision/nothing",
            "/decision/%00%FF",
            "/decision/" + "x" * 3000,
            "/decision/" + "9" * 5000,
            "/decision/%C2%B2",
            "/why/nothing?s=x",
        ):
            assert "There is nothing here" in (await see(client, path, 404)).text


async def test_without_the_journal_a_decision_is_away() -> None:
    async with browser(application(sources())) as client:
        page = await see(client, "/decision/Q-1", 503)
        assert "The journal or the queue is away" in page.text
        page = await see(client, f"/why/Q-1?s={signature('Q-1', KEY)}", 503)


# ---- the signed link


async def test_a_signed_link_shows_one_decision_without_a_login_and_nothing_else(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"), copy(queue_id="Q-8"))
    url = settings("web: {url: 'https://relay.company.com'}\n", ELSEWHERE)
    async with browser(application(sources(url, journal=journal)), ELSEWHERE) as client:
        client.headers["host"] = "relay.company.com"
        page = await see(client, f"/why/Q-7?s={signature('Q-7', KEY)}")
        assert not client.cookies, "whoever follows a link is given nothing to keep"
        assert "Why was this ticket closed?" in page.text
        assert "From names support@company.com" in page.text
        for secret in (
            "198.51.100.7",
            "crm.example (",
            "ticket 4711",
            "desk:25",
            "Q-8",
            "bounce@crm.example",
        ):
            assert secret not in page.text
        assert set(page.links) == {"Skip to the content", "English", "Deutsch"}
        german = await see(client, f"/why/Q-7{page.links['Deutsch']}")
        assert "Warum wurde dieses Ticket geschlossen?" in german.text
        assert not client.cookies


@pytest.mark.parametrize("made", ["", "x", signature("Q-8", KEY), signature("Q-7", b"other"), "ü"])
async def test_a_link_without_the_right_signature_leads_nowhere(journal: Journal, made: str) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    async with browser(application(sources(journal=journal))) as client:
        await see(client, f"/why/Q-7?s={made}", 404)
        await see(client, "/why/Q-7", 404)
    assert await journal.looks("Q-7") == ()


# ---- reopening


async def test_only_who_may_operate_reopens_and_the_outcome_is_told(journal: Journal) -> None:
    asked: list[tuple[str, str]] = []

    async def reopen(ref: str, who: str) -> Reopened:
        asked.append((ref, who))
        await journal.reopen(ref, who, datetime.now(UTC))
        return Reopened.DONE

    await keep(journal, copy(queue_id="Q-7"))
    async with browser(application(sources(journal=journal, reopen=reopen))) as client:
        page = await see(client, "/decision/Q-7")
        assert "Only a user with may: [operate]" in page.text
        assert (await client.post("/decision/Q-7/reopen")).status_code == 401
        await log_in(client, "reader", PASSWORDS["reader"])
        assert (await client.post("/decision/Q-7/reopen")).status_code == 403
        answer = await log_in(client, "operator", PASSWORDS["operator"], "/decision/Q-7")
        page = await see(client, answer.headers["location"])
        assert (await client.post("/decision/Q-7/reopen")).status_code == 403, "no token"
        assert asked == []
        answer = await submit(client, page.form("/decision/Q-7/reopen"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/decision/Q-7?outcome=done")
        page = await see(client, answer.headers["location"])
    assert asked == [("Q-7", "operator")]
    assert "The helpdesk was told to open the ticket again." in page.text
    assert "reopened by operator" in page.text
    assert [form.action for form in page.forms] == ["/logout"], "once is enough"


@pytest.mark.parametrize("outcome", [each for each in Reopened if each is not Reopened.NO_ENTRY])
async def test_every_outcome_of_reopening_has_its_words(journal: Journal, outcome: Reopened) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, f"/decision/Q-7?outcome={outcome.value}")
        assert ("p", "role", "status") in page.attributes
        page = await see(client, "/decision/Q-7?outcome=nonsense")
        assert ("p", "role", "status") not in page.attributes


async def test_reopening_what_is_gone_is_not_found(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    async with browser(application(sources(journal=journal))) as client:
        await log_in(client, "both", PASSWORDS["both"])
        form = (await see(client, "/decision/Q-7")).form("/decision/Q-7/reopen")
        form.action = "/decision/gone/reopen"
        assert (await submit(client, form)).status_code == 404


async def test_names_that_need_quoting_are_led_to(journal: Journal) -> None:
    await keep(journal, entry("From: support@company.com", queue_id="a b?c#d%e"))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/search")
        (target,) = [link for link in page.links.values() if link.startswith("/decision/")]
        assert "a b?c#d%e" in (await see(client, target)).text


class Full(Journal):
    """A journal that can be read, and has no room to write."""

    async def look(self, ref: str, who: str, at: datetime) -> None:
        raise NotDurableError("the disk is full")


async def test_a_look_that_cannot_be_noted_is_shown_all_the_same_and_says_so(tmp_path: Path) -> None:
    journal = await Full.open(JournalPlace(tmp_path / "journal"))
    await keep(journal, copy(queue_id="Q-7"))
    async with browser(application(sources(journal=journal))) as client:
        page = await see(client, "/decision/Q-7")
        assert "It could not be noted in the journal that you looked at this." in page.text
        assert "From names support@company.com" in page.text
        await see(client, f"/why/Q-7?s={signature('Q-7', KEY)}")
    await journal.close()
