"""The sentences, in English and German."""

import re
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given

from relay.channels import AutoClose, BccEvidence, ChannelBook, Platform, WhenInDoubt
from relay.judge import Verdict, explain, judge
from relay.judge.answer import answer
from relay.judge.explain import Language
from relay.judge.faults import GERMAN_FAULTS
from relay.judge.sentences import BECAUSE, DOUBTS, QUESTIONS, REASONS, REMEDIES, UNKNOWNS
from relay.judge.verdict import Because, Doubt, Finding, Question, Reason, Unknown
from relay.mail.author import AuthorFault
from relay.mail.envelope import Client, HeaderState, Known, Source
from relay.mail.proof import AUTHENTICATION_RESULTS, DKIM, Proof, ProofFault, Unproved
from relay.mail.view import HEADER_CUT, OUR_FAULT, MessageView, unread_view
from tests import strategies
from tests.samples import BOOK, CARE_CHANNEL, ORDERS_CHANNEL, OUTSIDE, book, judged, networks, view

FROM = "From: care@shop.example"
TO = "To: anna@mail.example"
DOMAIN = frozenset({"d.example"})
UNKNOWN = Known(Source.UNKNOWN, Source.UNKNOWN)
ONE = book(replace(CARE_CHANNEL, also=()))


def both(words: tuple[str, str]) -> None:
    english, german = words
    assert english.strip() == english != ""
    assert german.strip() == german != ""
    assert sorted(re.findall(r"\{.*?\}", english)) == sorted(re.findall(r"\{.*?\}", german))


@pytest.mark.parametrize(
    "table",
    [(BECAUSE, Because), (REASONS, Reason), (REMEDIES, Reason), (QUESTIONS, Question), (DOUBTS, Doubt)],
)
def test_there_is_a_sentence_for_everything_in_both_languages(
    table: tuple[dict[object, tuple[str, str]], list[object]],
) -> None:
    words, keys = table
    assert list(words) == list(keys)
    for pair in words.values():
        both(pair)


def test_there_are_words_and_an_option_for_everything_unknown() -> None:
    assert list(UNKNOWNS) == list(Unknown)
    for words, what_tells_it in UNKNOWNS.values():
        both(words)
        both(what_tells_it)
        assert all("--" in each for each in what_tells_it)


def test_every_fault_has_german_words() -> None:
    assert set(GERMAN_FAULTS) == {*AuthorFault, *ProofFault, HEADER_CUT, OUR_FAULT}
    assert not set(GERMAN_FAULTS) & set(GERMAN_FAULTS.values())


@given(strategies.views(), strategies.books())
def test_every_verdict_can_be_told_in_both_languages(view: MessageView, by: ChannelBook) -> None:
    verdict = judge(view, by)
    for language in Language:
        for finding in verdict.findings:
            assert explain.because(finding, language)
            assert explain.question(finding.question, language)
        assert explain.reason(verdict, language)
        assert "{" not in explain.remedy(verdict, language)
        assert (explain.depends(verdict, language) is None) is (verdict.depends == ())
        assert all(explain.doubt(doubt, language) for doubt in verdict.doubts)


def told(finding: Finding) -> tuple[str, str]:
    return explain.because(finding, Language.EN), explain.because(finding, Language.DE)


@pytest.mark.parametrize(
    ("finding", "english", "german"),
    [
        (
            judged(FROM, TO).findings[0],
            "the header section is complete",
            "der Nachrichtenkopf ist vollständig",
        ),
        (judged(FROM, TO).findings[1], "From names care@shop.example", "From nennt care@shop.example"),
        (
            judged(FROM, TO, limit=10, by=book(header_size=10)).findings[0],
            "the header section is larger than 10 octets (limits.header_size)",
            "der Nachrichtenkopf ist größer als 10 Oktette (limits.header_size)",
        ),
        (
            judged(FROM, known=Known(header=HeaderState.CUT)).findings[0],
            "it could not be read: the header section was cut on its way to us",
            "er war nicht lesbar: der Nachrichtenkopf wurde auf dem Weg zu uns abgeschnitten",
        ),
        (
            judge(unread_view(OUR_FAULT, (), Client(), Known()), BOOK).findings[0],
            "it could not be read: a fault of ours",
            "er war nicht lesbar: ein Fehler von uns",
        ),
        (
            judge(unread_view("something else", (), Client(), Known()), BOOK).findings[0],
            "it could not be read: something else",
            "er war nicht lesbar: something else",
        ),
        (judged(TO).findings[1], "there is no From field", "es gibt kein From-Feld"),
        (judged(FROM, FROM).findings[1], "there are several From fields", "es gibt mehrere From-Felder"),
        (
            judged(FROM, "To: care+t@shop.example").findings[6],
            "care+t@shop.example is in To",
            "care+t@shop.example steht in To",
        ),
        (
            judged(FROM, "Reply-To: a@x").findings[7],
            "doubts do not count for this channel (when_in_doubt: close), found: no-outside-recipient, reply-to-outsider",
            "Zweifel zählen für diesen Kanal nicht (when_in_doubt: close), gefunden: no-outside-recipient, reply-to-outsider",
        ),
    ],
)
def test_a_finding_is_told_with_its_evidence(finding: Finding, english: str, german: str) -> None:
    assert told(finding) == (english, german)


@pytest.mark.parametrize(
    "address", ["{0}@mail.example", "{*}@mail.example", "{own}@mail.example", "{}@mail.example"]
)
def test_brackets_in_an_address_are_only_brackets(address: str) -> None:
    verdict = judged(f"From: {address}", TO)
    assert explain.because(verdict.findings[1]) == f"From names {address}"
    assert explain.because(verdict.findings[2]) == f"{address} is no channel's address"


CLOSED = judged(FROM, TO, by=ONE, known=UNKNOWN, client=Client())


def test_the_remedy_of_a_closed_ticket_names_the_channels_own_address() -> None:
    assert explain.remedy(CLOSED) == (
        "Add care@shop.example to To, Cc or Bcc, or let the tool send from an address that is not listed under any channel."
    )


def test_the_remedy_names_every_address_that_is_the_channel() -> None:
    assert "care@shop.example or hello@shop.example" in explain.remedy(judged(FROM, TO))
    assert "care@shop.example oder hello@shop.example" in explain.remedy(judged(FROM, TO), Language.DE)


def test_what_it_depends_on_is_told_with_the_option_that_says_it() -> None:
    assert explain.depends(CLOSED) == "open if it arrived for care@shop.example; give --rcpt-to"
    assert (
        explain.depends(CLOSED, Language.DE)
        == "offen, wenn sie für care@shop.example ankam; dazu --rcpt-to angeben"
    )


def test_several_unknowns_are_told_in_one_sentence() -> None:
    by = book(
        replace(CARE_CHANNEL, also=()), platform=Platform(networks("192.0.2.0/28"), frozenset({"desk"}))
    )
    assert explain.depends(judged(FROM, TO, by=by, known=UNKNOWN, client=Client())) == (
        "open if it arrived for care@shop.example, or if the client is in a network that channels.yaml trusts, "
        "or if the platform's login was used; give --rcpt-to or --client-ip or --auth-user"
    )


def test_a_signature_that_was_not_verified_is_told_with_what_would_verify_it() -> None:
    by = book(platform=Platform(dkim_domains=DOMAIN))
    closed = judge(replace(view(FROM, TO), signers=DOMAIN), by)
    assert explain.depends(closed) == (
        "open if a signature of the platform is valid, which was not verified here; "
        "give the whole message to explain, without --offline"
    )
    assert explain.depends(closed, Language.DE) == (
        "offen, wenn eine Signatur der Plattform gilt, die hier nicht geprüft wurde; "
        "dazu explain die ganze Nachricht, ohne --offline angeben"
    )


def test_signatures_that_prove_nothing_are_told_with_their_domain_and_why_each_once() -> None:
    faults = (ProofFault.NO_KEY, ProofFault.BODY_CHANGED, ProofFault.NO_KEY)
    unproved = (
        *[Unproved("d.example", fault) for fault in faults],
        Unproved("x.example", ProofFault.PARTIAL),
    )
    by = book(platform=Platform(dkim_domains=DOMAIN))
    found = judge(replace(view(FROM, TO), signers=DOMAIN, unproved=unproved), by).findings[5]
    assert found.holds
    english, german = told(found)
    assert english == (
        "nothing proves that the helpdesk platform sent it, although it has its signature: "
        "d.example: its key is not in DNS; d.example: the body is not as it was signed"
    )
    assert german == (
        "nichts beweist, dass die Helpdesk-Plattform sie gesendet hat, obwohl sie deren Signatur trägt: "
        "d.example: ihr Schlüssel steht nicht im DNS; d.example: der Text ist nicht, wie er signiert wurde"
    )


def test_what_depends_on_nothing_has_no_sentence() -> None:
    assert explain.depends(judged(FROM, TO)) is None


def every_outcome() -> list[Verdict]:
    """Return verdicts that between them hold every fact that a question can answer with."""
    never = book(replace(CARE_CHANNEL, auto_close=AutoClose.NEVER))
    observe = book(
        replace(CARE_CHANNEL, auto_close=AutoClose.OBSERVE, when_in_doubt=WhenInDoubt.OPEN), ORDERS_CHANNEL
    )
    signed = book(platform=Platform(dkim_domains=DOMAIN, authserv_ids=frozenset({"mx.example"})))
    platform_view = replace(view(FROM, TO), proofs=(Proof(DKIM, "d.example"),))
    vouched_for = Proof(AUTHENTICATION_RESULTS, "d.example", "mx.example")
    broken = Unproved("d.example", ProofFault.BODY_CHANGED)
    inside = Client(ip_address("192.0.2.5"))
    return [
        judged(FROM, TO),
        judged(TO),
        judged(FROM, TO, known=Known(header=HeaderState.CUT)),
        judged(FROM, TO, by=book(header_size=9)),
        judged("From: care+x@shop.example"),
        judged("From: in-1@desk.example"),
        judged("From: anna@mail.example"),
        judged(FROM, "List-Id: x", "X-Original-From: anna@mail.example"),
        judged(FROM, by=never),
        judged(FROM, TO, client=inside),
        judged(FROM, TO, client=Client(OUTSIDE, user="desk")),
        judge(platform_view, signed),
        judge(replace(platform_view, proofs=(vouched_for,)), signed),
        judge(replace(platform_view, proofs=(), unproved=(broken,)), signed),
        judged(FROM, TO, known=UNKNOWN, client=Client()),
        judged(FROM, "To: care@shop.example"),
        judged(FROM, by=observe),
        judged(FROM, "To: orders@shop.example"),
    ]


def test_every_fact_and_every_reason_is_one_that_a_verdict_can_have() -> None:
    verdicts = every_outcome()
    assert {finding.because for verdict in verdicts for finding in verdict.findings} == set(Because)
    for verdict in verdicts:
        for finding in verdict.findings:
            for sentence in told(finding):
                assert not re.search(r"\{[0-9*]", sentence)


def test_an_answer_has_the_keys_and_words_of_the_contract() -> None:
    verdict = judged("From: Care <care@shop.example>", TO, rcpt_to=["in-1@desk.example"], by=ONE)
    told = answer(verdict, ["X-Ticket-Status: auto-closed"])
    assert list(told) == [
        "verdict", "reason", "channel", "author", "doubts", "recipients", "known", "depends", "findings", "remedy", "stamp", "book",
    ]  # fmt: skip
    findings = told.pop("findings")
    assert isinstance(findings, list)
    assert [list(finding) for finding in findings] == [["question", "holds", "because"]] * 9
    assert findings[1] == {"question": "one-author", "holds": True, "because": "From names care@shop.example"}
    assert told == {
        "verdict": "auto-closed",
        "reason": "outbound-copy",
        "channel": "care",
        "author": "care@shop.example",
        "doubts": [],
        "recipients": [
            {"address": "anna@mail.example", "evidence": "To"},
            {"address": "in-1@desk.example", "evidence": "envelope"},
        ],
        "known": {"envelope": "given", "client": "given", "header": "complete"},
        "depends": None,
        "remedy": explain.remedy(verdict),
        "stamp": ["X-Ticket-Status: auto-closed"],
        "book": ONE.digest,
    }


def test_an_answer_without_an_author_has_null_in_its_place() -> None:
    told = answer(judged(TO), [])
    assert (told["author"], told["channel"], told["verdict"]) == (None, None, "open")


@given(strategies.views(), strategies.books())
def test_every_answer_is_text_that_can_be_written(view: MessageView, by: ChannelBook) -> None:
    for language in Language:
        str(answer(judge(view, by), [], language)).encode("utf-8")


def test_bcc_evidence_words_are_those_of_the_contract() -> None:
    assert [kind.value for kind in BccEvidence] == ["header", "envelope", "trace"]
