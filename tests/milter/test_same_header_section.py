"""The SMTP path and the milter path give the same header section, and the same view of it."""

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from relay.channels import ChannelBook
from relay.judge import judge
from relay.mail.envelope import Client, Known
from relay.mail.fields import edited
from relay.mail.label import Label
from relay.mail.view import make_view
from relay.milter.judging import Judgement, judge_message
from relay.milter.packets import Command, Offer
from relay.milter.session import Session
from relay.milter.terms import Decision, Message, Terms
from relay.presets import OBEYED
from relay.service.stamping import stamp_rules_of
from relay.settings.model import Settings, StampSettings
from relay.settings.words import Mixed, Preset
from relay.stamp import StampRules, stamp, stamp_rules
from tests.milter.mta import (
    EVERYTHING,
    VERSION_2,
    HeldSection,
    connect,
    envelope,
    held,
    macros,
    offer,
    said_as,
    say,
    told,
)
from tests.samples import BOOK, OUTSIDE, box
from tests.strategies import books, garbled, header_sections, octets

INBOUND = box("in-1@desk.example")
RULES = stamp_rules(strip=("X-Original-*", "Sender"))
PRESETS = {
    preset: stamp_rules_of(Settings(channels=(), state="", stamp=StampSettings(preset=preset)))
    for preset in Preset
}
COMMANDS = [name.replace("*", "State") for preset in Preset for name in OBEYED[preset].strips]
OFFERS = st.sampled_from((EVERYTHING, VERSION_2))


def whole_sections() -> st.SearchStrategy[HeldSection]:
    """Header sections that an MTA hands over whole: fields alone, no NUL, no bare CR."""
    heads = st.one_of(header_sections(), garbled(), octets())
    return heads.map(
        lambda head: held(
            b"".join(part.replace(b"\r", b"").replace(b"\0", b"") + b"\r\n" for part in head.split(b"\n"))
        )
    )


def by_milter(
    section: HeldSection, offered: Offer, book: ChannelBook, rules: StampRules
) -> tuple[Message, Judgement, bytes]:
    """Hand a section over; return what we made of it, and what leaves the MTA."""
    told_us: list[tuple[Message, Judgement]] = []

    def decide(message: Message) -> Decision:
        judgement = judge_message(message, book, rules, Mixed.STATUS_ONLY)
        told_us.append((message, judgement))
        return judgement.decision

    session = Session(lambda: Terms(decide, rules.for_the_helpdesk))
    say(session, offer(offered) + connect() + envelope(rcpt_to=[str(INBOUND)]))
    leading_space = offered is EVERYTHING
    replies = say(
        session,
        told(section, leading_space=leading_space)
        + macros(Command.BODYEOB, i="4ABC")
        + said_as(Command.BODYEOB),
    )
    ((message, judgement),) = told_us
    leaves = HeldSection(list(section.rows), adds_space=not leading_space).carry_out(replies).octets()
    return message, judgement, leaves


@given(whole_sections(), OFFERS, books())
def test_what_leaves_the_mta_is_what_our_smtp_path_would_send(
    section: HeldSection, offered: Offer, book: ChannelBook
) -> None:
    content = section.octets()
    _, judgement, leaves = by_milter(section, offered, book, RULES)
    if not book.accepts(INBOUND):
        assert leaves == content
        return
    verdict = judge(make_view(content, [INBOUND], Client(OUTSIDE), limit=book.header_size), book)
    assert judgement.verdict is not None
    if (
        book.header_size != 100
    ):  # a limit may lie between a section and the one with the blanks that old MTAs add
        # By milter nothing is left that a signature could still prove.
        assert replace(judgement.verdict, book=verdict.book, depends=verdict.depends) == verdict
    replacement, replaced = edited(content, stamp(judgement.verdict, RULES, "4ABC"))
    assert leaves == replacement + content[replaced:]


@given(whole_sections(), OFFERS, st.lists(st.sampled_from(COMMANDS)), st.sampled_from(Preset))
def test_with_a_preset_what_leaves_the_mta_is_what_our_smtp_path_would_send(
    section: HeldSection, offered: Offer, forged: list[str], preset: Preset
) -> None:
    commands = held(b"".join(f"{name}: closed\r\n".encode() for name in forged) + b"\r\n")
    section = HeldSection([*commands.rows, *section.rows])
    content = section.octets()
    _, judgement, leaves = by_milter(section, offered, BOOK, PRESETS[preset])
    assert judgement.verdict is not None
    replacement, replaced = edited(content, stamp(judgement.verdict, PRESETS[preset], "4ABC"))
    assert leaves == replacement + content[replaced:]


def without_blanks(label: Label) -> Label:
    tools = tuple((name, value.lstrip()) for name, value in label.tool_fields)
    return Label(label.message_id.lstrip(), label.subject.lstrip(), tools)


@given(whole_sections(), OFFERS)
@example(held(b"Subject:\r\nX-Mailer:\r\n\r\n"), VERSION_2)
def test_the_milter_sees_what_our_smtp_path_sees(section: HeldSection, offered: Offer) -> None:
    content = section.octets()
    message, _, _ = by_milter(section, offered, BOOK, RULES)
    if offered is EVERYTHING:
        assert message.head == content
    seen = make_view(message.head, message.forward_paths, message.client, message.known)
    expected = make_view(content, [INBOUND], Client(OUTSIDE, helo=""), Known())
    if offered is VERSION_2:  # an old MTA keeps the blanks behind a colon to itself, and we put one there
        seen, expected = (replace(view, label=without_blanks(view.label)) for view in (seen, expected))
    assert replace(seen, header_octets=0) == replace(expected, header_octets=0)
