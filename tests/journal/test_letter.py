"""A digest as a message is one that every reader reads alike, and that nothing answers."""

import email
import email.policy
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import pytest

from relay.journal.digest import text_of
from relay.journal.letter import Occasion, letter_of
from relay.judge.explain import Language
from relay.mail.envelope import ForwardPath
from relay.mail.mime import is_7bit
from relay.mail.report import Letter
from tests.journal.entries import copy
from tests.journal.test_digest import doubtful, made, observed
from tests.samples import box

AT = datetime(2026, 3, 4, 7, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def path(text: str) -> ForwardPath:
    return ForwardPath(text, box(text))


OCCASION = Occasion(path("lead@company.com"), None, "relay.company.com", AT, "1@relay.company.com")


def sent(occasion: Occasion = OCCASION, *entries: object) -> tuple[Letter, EmailMessage]:
    letter = letter_of(made(entries or [copy(1), doubtful(2)]), occasion)
    message = email.message_from_bytes(letter.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return letter, message


def test_it_goes_from_the_null_reverse_path_to_whom_the_settings_name():
    letter, message = sent()
    assert letter.reverse_path.text == ""
    assert (letter.forward_path.text, letter.forward_path.notify) == ("lead@company.com", "NEVER")
    assert message["To"] == "lead@company.com"
    assert message["From"] == "helpdesk-relay <helpdesk-relay@relay.company.com>"


def test_it_has_the_fields_that_a_message_needs_each_once():
    _, message = sent()
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == "<1@relay.company.com>"
    assert message["Subject"] == "care: 2 tickets closed, 1 of them in doubt"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert message.get_content_charset() == "utf-8"
    assert len(message.keys()) == len(set(message.keys()))
    assert "Precedence" not in message


@pytest.mark.parametrize("language", Language)
def test_its_text_is_the_digest_in_the_language_of_the_settings(language: Language):
    entries = [copy(1), doubtful(2)]
    letter, message = sent(replace(OCCASION, language=language), *entries)
    assert message.get_content().replace("\r\n", "\n") == text_of(made(entries), language)
    assert message["Content-Language"] == language
    assert is_7bit(letter.content)


def test_a_subject_with_umlauts_is_read_again():
    _, message = sent(replace(OCCASION, language=Language.DE), observed(1), observed(2))
    assert message["Subject"] == "care: 2 Tickets wären geschlossen worden"


def test_digest_from_is_the_author():
    _, message = sent(replace(OCCASION, author=path("it@company.com")))
    assert message["From"] == "helpdesk-relay <it@company.com>"


def test_an_international_domain_needs_no_smtputf8_and_a_local_part_does():
    letter, message = sent(replace(OCCASION, to=path("chef@müller.example")))
    assert message["To"] == "chef@xn--mller-kva.example"
    assert not letter.reverse_path.smtputf8
    letter, _ = sent(replace(OCCASION, to=path("jürgen@company.com")))
    assert letter.reverse_path.smtputf8
    assert "To: <jürgen@company.com>\r\n".encode() in letter.content


def test_every_line_ends_in_crlf_and_none_is_too_long():
    letter, _ = sent(
        OCCASION, *(doubtful(number) for number in range(60)), copy(1, at=AT - timedelta(days=1))
    )
    assert letter.content.count(b"\n") == letter.content.count(b"\r\n") == letter.content.count(b"\r")
    assert letter.content.endswith(b"\r\n")
    assert max(map(len, letter.content.split(b"\r\n"))) <= 998
