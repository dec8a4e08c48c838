"""The nine questions and the doubts, cell by cell (docs/rule.md)."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from relay.channels import AutoClose, BccEvidence, ChannelBook, Platform, WhenInDoubt
from relay.judge import judge
from relay.judge.questions import QUESTIONS
from relay.judge.verdict import Because, Doubt, Finding, Question, Reason
from relay.mail.envelope import Client, HeaderState, Known, Source
from relay.mail.proof import Proof
from relay.mail.view import unread_view
from tests.samples import BOOK, CARE_CHANNEL, ORDERS_CHANNEL, OUTSIDE, book, judged, networks, rule, view

FROM = "From: care@shop.example"
TO = "To: anna@mail.example"


def finding(question: Question, *fields: str | bytes, by: ChannelBook = BOOK, **keys: object) -> Finding:
    return judged(*fields, by=by, **keys).findings[list(Question).index(question)]


def answer(
    question: Question, *fields: str | bytes, by: ChannelBook = BOOK, **keys: object
) -> tuple[object, ...]:
    found = finding(question, *fields, by=by, **keys)
    return (found.holds, found.reason, found.because)


def care(**keys: object) -> ChannelBook:
    return book(replace(CARE_CHANNEL, **keys), ORDERS_CHANNEL)  # type: ignore[arg-type]


def test_there_are_nine_questions_in_the_order_of_the_contract() -> None:
    assert len(QUESTIONS) == len(Question)
    assert [question.value for question in Question] == [
        "readable", "one-author", "author-is-a-channel", "not-rewritten", "channel-closes", "from-outside", "not-sent-to-itself", "no-doubt",
        "not-observing",
    ]  # fmt: skip
    assert [found.question for found in judged(FROM, TO).findings] == list(Question)


def test_the_words_of_reasons_and_doubts_are_those_of_the_contract() -> None:
    assert [reason.value for reason in Reason] == [
        "outbound-copy", "unreadable", "no-author", "ambiguous-author", "foreign-author", "rewritten-author", "channel-exempt", "platform-sent",
        "self-addressed", "in-doubt", "observed",
    ]  # fmt: skip
    assert [doubt.value for doubt in Doubt] == [
        "no-outside-recipient",
        "reply-to-outsider",
        "delivery-report",
    ]


class TestReadable:
    def test_it_holds_where_the_header_section_is_complete(self) -> None:
        assert answer(Question.READABLE, FROM, TO) == (True, None, Because.COMPLETE)

    def test_it_holds_for_a_header_section_without_any_field(self) -> None:
        assert answer(Question.READABLE) == (True, None, Because.COMPLETE)

    def test_a_header_section_over_the_limit_is_unreadable(self) -> None:
        found = finding(Question.READABLE, FROM, TO, by=book(header_size=20))
        assert (found.holds, found.reason, found.because) == (False, Reason.UNREADABLE, Because.TOO_LARGE)
        assert found.evidence == ("20",)

    def test_a_header_section_of_just_the_limit_is_readable(self) -> None:
        size = view(FROM, TO).header_octets
        assert finding(Question.READABLE, FROM, TO, by=book(header_size=size)).holds is True
        assert finding(Question.READABLE, FROM, TO, by=book(header_size=size - 1)).holds is False

    def test_a_limit_of_zero_is_none(self) -> None:
        assert finding(Question.READABLE, FROM, TO, by=book(header_size=0)).holds is True

    def test_a_header_section_that_an_mta_cut_is_unreadable(self) -> None:
        cut = Known(header=HeaderState.CUT)
        assert answer(Question.READABLE, FROM, known=cut) == (False, Reason.UNREADABLE, Because.NOT_READ)

    def test_a_fault_of_ours_is_unreadable(self) -> None:
        verdict = judge(unread_view("a fault of ours", (), Client(), Known()), BOOK)
        first = verdict.findings[0]
        assert (first.holds, first.reason, first.evidence) == (False, Reason.UNREADABLE, ("a fault of ours",))

    def test_a_view_that_says_that_it_was_cut_is_unreadable_whoever_made_it(self) -> None:
        cut = replace(view(FROM, TO), known=Known(header=HeaderState.CUT))
        assert judge(cut, BOOK).reason is Reason.UNREADABLE

    @pytest.mark.parametrize("way", ["limit of the view", "limit of the book", "cut", "fault"])
    def test_where_it_fails_author_and_channel_are_null_and_so_are_the_questions_about_them(
        self, way: str
    ) -> None:
        match way:
            case "limit of the view":
                verdict = judged(FROM, TO, limit=10)
            case "limit of the book":
                verdict = judged(FROM, TO, by=book(header_size=10))
            case "cut":
                verdict = judged(FROM, TO, known=Known(header=HeaderState.CUT))
            case _:
                verdict = judge(unread_view("a fault of ours", (), Client(OUTSIDE), Known()), BOOK)
        assert (verdict.author, verdict.channel, verdict.doubts) == (None, None, ())
        assert [found.holds for found in verdict.findings] == [
            False,
            None,
            None,
            None,
            None,
            True,
            None,
            None,
            None,
        ]


class TestOneAuthor:
    def test_it_holds_for_exactly_one_from_field_with_one_mailbox(self) -> None:
        assert answer(Question.ONE_AUTHOR, "From: Anna <anna@mail.example>") == (
            True,
            None,
            Because.FROM_NAMES,
        )

    @pytest.mark.parametrize("fields", [[], ["From:"], ["From: Anna"], ["From: <>"]])
    def test_no_from_or_no_mailbox_in_it_is_no_author(self, fields: list[str]) -> None:
        assert answer(Question.ONE_AUTHOR, *fields) == (False, Reason.NO_AUTHOR, Because.NO_ONE_AUTHOR)

    @pytest.mark.parametrize(
        "fields",
        [
            [FROM, FROM],
            ["From: care@shop.example, care@shop.example"],
            ["From: Team:;"],
            ["From: care@shop.example <evil@bad.example>"],
            ["From: care@shop.example\rx"],
            ["From: care@shop.example\x00"],
            ["no field", FROM],
        ],
    )
    def test_an_author_that_readers_would_read_differently_is_ambiguous(self, fields: list[str]) -> None:
        assert answer(Question.ONE_AUTHOR, *fields) == (False, Reason.AMBIGUOUS_AUTHOR, Because.NO_ONE_AUTHOR)


class TestAuthorIsAChannel:
    @pytest.mark.parametrize("author", ["care@shop.example", "hello@shop.example", "orders@shop.example"])
    def test_it_holds_for_address_and_also_of_any_channel(self, author: str) -> None:
        found = finding(Question.AUTHOR_IS_A_CHANNEL, f"From: {author}", "To: care@shop.example")
        assert (found.holds, found.because) == (True, Because.OF_CHANNEL)

    @pytest.mark.parametrize(
        ("author", "because"),
        [
            ("anna@mail.example", Because.OF_NO_CHANNEL),
            ("care+shop@shop.example", Because.ONLY_SUBADDRESS),
            ("in-1@desk.example", Because.ONLY_INBOUND),
            ("care@shop.examp\u217ce", Because.OF_NO_CHANNEL),
            ("care@ſhop.example", Because.OF_NO_CHANNEL),
        ],
    )
    def test_every_other_author_is_foreign(self, author: str, because: Because) -> None:
        assert answer(Question.AUTHOR_IS_A_CHANNEL, f"From: {author}") == (
            False,
            Reason.FOREIGN_AUTHOR,
            because,
        )

    def test_without_one_author_there_is_nothing_to_ask(self) -> None:
        assert answer(Question.AUTHOR_IS_A_CHANNEL) == (None, None, Because.NOT_ASKED_NO_AUTHOR)

    def test_a_mail_from_a_channel_is_no_author(self) -> None:
        assert (
            answer(Question.AUTHOR_IS_A_CHANNEL, "From: anna@mail.example", "Sender: care@shop.example")[0]
            is False
        )


class TestNotRewritten:
    LISTS = ("List-Id: <l.example>", "Mailing-List: l@l.example", "X-Google-Group-Id: 1")
    ORIGINALS = ("X-Original-Sender: anna@mail.example", "X-Original-From: Anna <anna@mail.example>")

    @pytest.mark.parametrize("original", ORIGINALS)
    @pytest.mark.parametrize("listed", LISTS)
    def test_a_list_together_with_an_original_outsider_is_a_rewritten_author(
        self, listed: str, original: str
    ) -> None:
        found = answer(Question.NOT_REWRITTEN, FROM, TO, listed, original)
        assert found == (False, Reason.REWRITTEN_AUTHOR, Because.REWRITTEN)

    @pytest.mark.parametrize("field", [*LISTS, *ORIGINALS])
    def test_either_alone_is_no_sign(self, field: str) -> None:
        assert answer(Question.NOT_REWRITTEN, FROM, TO, field) == (True, None, Because.NOT_REWRITTEN)

    @pytest.mark.parametrize(
        "original",
        [
            "care@shop.example",
            "orders@shop.example",
            "care+t@shop.example",
            "in-1@desk.example",
            "boss@in.example",
            "nobody",
            "",
        ],
    )
    def test_an_original_author_of_ours_is_no_outsider(self, original: str) -> None:
        by = book(inside=["in.example"])
        found = answer(Question.NOT_REWRITTEN, FROM, TO, "List-Id: x", f"X-Original-From: {original}", by=by)
        assert found == (True, None, Because.NOT_REWRITTEN)

    def test_one_outsider_among_several_originals_is_enough(self) -> None:
        fields = ["List-Id: x", "X-Original-Sender: care@shop.example", "X-Original-From: anna@mail.example"]
        assert finding(Question.NOT_REWRITTEN, FROM, TO, *fields).holds is False


class TestChannelCloses:
    @pytest.mark.parametrize(
        ("auto_close", "expected"),
        [
            (AutoClose.ALWAYS, (True, None, Because.CLOSES)),
            (AutoClose.OBSERVE, (True, None, Because.CLOSES)),
            (AutoClose.NEVER, (False, Reason.CHANNEL_EXEMPT, Because.EXEMPT)),
        ],
    )
    def test_only_never_exempts_a_channel(self, auto_close: AutoClose, expected: tuple[object, ...]) -> None:
        assert answer(Question.CHANNEL_CLOSES, FROM, TO, by=care(auto_close=auto_close)) == expected

    def test_it_is_the_authors_channel_that_is_asked(self) -> None:
        fields = ["From: orders@shop.example", "To: care@shop.example"]
        assert finding(Question.CHANNEL_CLOSES, *fields, by=care(auto_close=AutoClose.NEVER)).holds is True


PLATFORM = Platform(
    networks("192.0.2.0/28", "2001:db8::/48", "::ffff:203.0.113.0/120"),
    frozenset({"desk"}),
    frozenset({"mail.desk.example"}),
    frozenset({"mx.shop.example"}),
)


SIGNED = (Because.PLATFORM_SIGNED, Because.PLATFORM_VOUCHED_FOR)


class TestFromOutside:
    @pytest.mark.parametrize(
        ("client", "because"),
        [
            (Client(ip_address("192.0.2.5")), Because.IN_NETWORK),
            (Client(ip_address("2001:db8::1")), Because.IN_NETWORK),
            (Client(ip_address("203.0.113.5")), Because.IN_NETWORK),
            (Client(OUTSIDE, user="desk"), Because.PLATFORM_USER),
            (Client(user="desk"), Because.PLATFORM_USER),
        ],
    )
    def test_any_one_proof_is_enough(self, client: Client, because: Because) -> None:
        found = answer(Question.FROM_OUTSIDE, FROM, TO, by=book(platform=PLATFORM), client=client)
        assert found == (False, Reason.PLATFORM_SENT, because)

    @pytest.mark.parametrize(
        ("proof", "believed"),
        [
            (Proof("dkim", "mail.desk.example"), True),
            (Proof("dkim", "desk.example"), False),
            (Proof("dkim", "sub.mail.desk.example"), False),
            (Proof("authentication-results", "mail.desk.example", "mx.shop.example"), True),
            (Proof("authentication-results", "mail.desk.example", "mx.evil.example"), False),
            (Proof("authentication-results", "mail.desk.example"), False),
            (Proof("authentication-results", "desk.example", "mx.shop.example"), False),
        ],
    )
    def test_a_signature_of_a_platform_domain_is_a_proof(self, proof: Proof, believed: bool) -> None:
        verdict = judge(replace(view(FROM, TO), proofs=(proof,)), book(platform=PLATFORM))
        found = verdict.findings[5]
        assert (found.holds, found.because in SIGNED) == (not believed, believed)
        assert found.evidence == (
            (proof.domain, proof.authserv_id)[: len(found.evidence)] if believed else ()
        )

    @pytest.mark.parametrize(
        "field",
        [
            "X-Mailer: Desk 9",
            "Message-ID: <1@mail.desk.example>",
            "Received: from desk ([192.0.2.5]) by x; now",
            "X-Originating-IP: [192.0.2.5]",
            "DKIM-Signature: v=1; d=mail.desk.example; h=From; b=x",
            "Authentication-Results: mx.shop.example; dkim=pass header.d=mail.desk.example",
        ],
    )
    def test_header_text_proves_nothing(self, field: str) -> None:
        assert finding(Question.FROM_OUTSIDE, field, FROM, TO, by=book(platform=PLATFORM)).holds is True

    @pytest.mark.parametrize(
        "client",
        [
            Client(OUTSIDE),
            Client(OUTSIDE, user="anna"),
            Client(OUTSIDE, user="Desk"),
            Client(OUTSIDE, user=""),
            Client(OUTSIDE, helo="192.0.2.5"),
        ],
    )
    def test_a_client_from_outside_is_from_outside(self, client: Client) -> None:
        found = answer(Question.FROM_OUTSIDE, FROM, TO, by=book(platform=PLATFORM), client=client)
        assert found == (True, None, Because.NO_PROOF)

    @pytest.mark.parametrize(
        ("source", "because"),
        [
            (Source.UNKNOWN, Because.CLIENT_UNKNOWN),
            (Source.GIVEN, Because.NO_PROOF),
            (Source.TRACE, Because.NO_PROOF),
        ],
    )
    def test_an_unknown_client_is_told(self, source: Source, because: Because) -> None:
        found = answer(Question.FROM_OUTSIDE, FROM, TO, client=Client(), known=Known(client=source))
        assert found == (True, None, because)

    def test_it_is_answered_about_foreign_authors_too(self) -> None:
        client = Client(ip_address("192.0.2.5"))
        assert finding(Question.FROM_OUTSIDE, "From: anna@mail.example", client=client).holds is False


class TestNotSentToItself:
    @pytest.mark.parametrize("place", ["To", "Cc", "Resent-To", "Resent-Cc", "Bcc", "Resent-Bcc", "envelope"])
    @pytest.mark.parametrize("own", ["care@shop.example", "HELLO@shop.example", "care+t@shop.example"])
    def test_an_address_of_the_same_channel_anywhere_means_sent_to_itself(self, place: str, own: str) -> None:
        if place == "envelope":
            found = finding(Question.NOT_SENT_TO_ITSELF, FROM, TO, rcpt_to=["anna@mail.example", own])
        else:
            found = finding(Question.NOT_SENT_TO_ITSELF, FROM, TO, f"{place}: bob@mail.example, {own}")
        assert (found.holds, found.reason, found.because) == (
            False,
            Reason.SELF_ADDRESSED,
            Because.AMONG_RECIPIENTS,
        )
        assert found.evidence == (own.lower(), place)

    @pytest.mark.parametrize(
        "other",
        [
            "orders@shop.example",
            "in-1@desk.example",
            "in-1+t@desk.example",
            "anna@mail.example",
            "care@other.example",
            "xcare@shop.example",
        ],
    )
    def test_other_channels_and_inbound_addresses_are_not_itself(self, other: str) -> None:
        found = answer(Question.NOT_SENT_TO_ITSELF, FROM, f"To: {other}", rcpt_to=[other])
        assert found == (True, None, Because.NOT_AMONG_RECIPIENTS)

    @pytest.mark.parametrize(
        "field", ["Reply-To", "Sender", "Resent-From", "Subject", "Delivered-To", "X-To", "Return-Path"]
    )
    def test_no_other_field_names_recipients(self, field: str) -> None:
        assert finding(Question.NOT_SENT_TO_ITSELF, FROM, TO, f"{field}: care@shop.example").holds is True

    def test_with_header_alone_blind_copies_are_copies(self) -> None:
        by = book(rule=rule(bcc_evidence=frozenset({BccEvidence.HEADER})))
        assert (
            finding(Question.NOT_SENT_TO_ITSELF, FROM, TO, by=by, rcpt_to=["care@shop.example"]).holds is True
        )
        assert finding(Question.NOT_SENT_TO_ITSELF, FROM, TO, "Bcc: care@shop.example", by=by).holds is False

    def test_without_a_channel_there_is_nothing_to_ask(self) -> None:
        found = answer(Question.NOT_SENT_TO_ITSELF, "From: anna@mail.example", "To: care@shop.example")
        assert found == (None, None, Because.NOT_ASKED_NO_CHANNEL)


OURS_ONLY = [FROM, "To: orders@shop.example"]


class TestNoDoubt:
    @pytest.mark.parametrize(
        ("when", "fields", "expected"),
        [
            (WhenInDoubt.CLOSE, [FROM, TO], (True, None, Because.NO_DOUBT)),
            (WhenInDoubt.OPEN, [FROM, TO], (True, None, Because.NO_DOUBT)),
            (WhenInDoubt.CLOSE, OURS_ONLY, (True, None, Because.DOUBTS_CLOSE)),
            (WhenInDoubt.OPEN, OURS_ONLY, (False, Reason.IN_DOUBT, Because.DOUBTS_OPEN)),
        ],
    )
    @pytest.mark.parametrize("where", ["rule", "channel"])
    def test_a_doubt_opens_only_with_when_in_doubt_open(
        self, where: str, when: WhenInDoubt, fields: list[str], expected: tuple[object, ...]
    ) -> None:
        by = care(when_in_doubt=when) if where == "channel" else book(rule=rule(when_in_doubt=when))
        assert answer(Question.NO_DOUBT, *fields, by=by) == expected

    @pytest.mark.parametrize(
        ("fields", "doubts"),
        [
            ([TO], []),
            (["Cc: anna@mail.example"], []),
            (["To: Team: orders@shop.example, anna@mail.example;"], []),
            (["To: x@ <anna@mail.example>"], []),
            ([], ["no-outside-recipient"]),
            (["To: orders@shop.example"], ["no-outside-recipient"]),
            (["To: in-1@desk.example, care+t@shop.example"], ["no-outside-recipient"]),
            (["To: boss@in.example, x@all.example"], ["no-outside-recipient"]),
            (["Bcc: anna@mail.example"], ["no-outside-recipient"]),
            (["Resent-To: anna@mail.example"], ["no-outside-recipient"]),
            (["To: foo anna@mail.example bar"], ["no-outside-recipient"]),
            ([TO, "Reply-To: anna@mail.example"], []),
            (["Cc: anna@mail.example", "Reply-To: bob@mail.example"], []),
            (
                ["To: orders@shop.example", "Reply-To: anna@mail.example"],
                ["no-outside-recipient", "reply-to-outsider"],
            ),
            (
                ["Reply-To: care@shop.example, anna@mail.example"],
                ["no-outside-recipient", "reply-to-outsider"],
            ),
            (["Reply-To: care@shop.example"], ["no-outside-recipient"]),
            (["Reply-To: boss@in.example"], ["no-outside-recipient"]),
            ([TO, "Content-Type: multipart/report; report-type=x"], ["delivery-report"]),
            (
                ["Reply-To: anna@mail.example", "Content-Type: multipart/report"],
                ["no-outside-recipient", "reply-to-outsider", "delivery-report"],
            ),
            ([TO, "Auto-Submitted: auto-replied"], []),
            ([TO, "Content-Type: text/plain"], []),
        ],
    )
    def test_the_signs_of_doubt_are_those_of_the_table(self, fields: list[str], doubts: list[str]) -> None:
        by = book(inside=["in.example"], domains=["all.example"])
        assert [doubt.value for doubt in judged(FROM, *fields, by=by).doubts] == doubts

    def test_via_in_a_display_name_is_a_sign_of_nothing(self) -> None:
        assert judged("From: Anna via Care <care@shop.example>", TO).doubts == ()

    def test_an_envelope_outsider_is_no_recipient_in_to_or_cc(self) -> None:
        assert judged(FROM, rcpt_to=["anna@mail.example"]).doubts == (Doubt.NO_OUTSIDE_RECIPIENT,)

    def test_doubts_are_reported_whatever_the_verdict(self) -> None:
        verdict = judged(FROM, "To: care@shop.example")
        assert (verdict.reason, verdict.doubts) == (Reason.SELF_ADDRESSED, (Doubt.NO_OUTSIDE_RECIPIENT,))

    @pytest.mark.parametrize(
        "author", ["From: anna@mail.example", "X: y", "From: care@shop.example, care@shop.example"]
    )
    def test_without_a_channel_as_author_the_list_is_empty(self, author: str) -> None:
        assert judged(author, "To: care@shop.example", "Content-Type: multipart/report").doubts == ()


class TestNotObserving:
    @pytest.mark.parametrize(
        ("auto_close", "expected"),
        [
            (AutoClose.ALWAYS, (True, None, Because.SWITCHED_ON)),
            (AutoClose.OBSERVE, (False, Reason.OBSERVED, Because.OBSERVING)),
            (AutoClose.NEVER, (True, None, Because.SWITCHED_ON)),
        ],
    )
    def test_only_observe_observes(self, auto_close: AutoClose, expected: tuple[object, ...]) -> None:
        assert answer(Question.NOT_OBSERVING, FROM, TO, by=care(auto_close=auto_close)) == expected


MOOT = (
    Question.NOT_REWRITTEN,
    Question.CHANNEL_CLOSES,
    Question.NOT_SENT_TO_ITSELF,
    Question.NO_DOUBT,
    Question.NOT_OBSERVING,
)


@pytest.mark.parametrize("question", MOOT)
@pytest.mark.parametrize("author", ["From: anna@mail.example", "X: y", "From: care@shop.example, a@x"])
def test_a_question_about_a_channel_where_there_is_none_holds_null(question: Question, author: str) -> None:
    found = finding(
        question, author, "List-Id: x", "X-Original-From: anna@mail.example", "To: care@shop.example"
    )
    assert (found.holds, found.reason, found.because) == (None, None, Because.NOT_ASKED_NO_CHANNEL)
