"""Text from the network, fit to be shown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail.text import unicode_text, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("care@shop.example", "care@shop.example"),
        ("Käse 東京", "Käse 東京"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("a\u202eb", r"a\u202eb"),
        ("a\x00\x7f\x85", r"a\x00\x7f\x85"),
        ("a\udcffb", r"a\udcffb"),
        ("\U000e0001", r"\U000e0001"),
        ("a\u115f\u1160\u3164\uffa0\u2800b", r"a\u115f\u1160\u3164\uffa0\u2800b"),
        ("support\ufe0f@company.com", r"support\ufe0f@company.com"),
        ("s\u034fupport@\U000e0100\ufe00company.com", r"s\u034fupport@\U000e0100\ufe00company.com"),
        ("\ufe0fa\xad\u180b", r"\ufe0fa\xad\u180b"),
        ("", ""),
    ],
)
def test_what_does_not_print_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("mark", ["\u0301", "\u0489", "\u0e47", "\U0001e8d0"])
def test_a_pile_of_marks_on_one_character_is_written_out_from_the_sixth_on(mark: str) -> None:
    escape = mark.encode("unicode_escape").decode()
    assert visible(f"Z{mark * 5}a") == f"Z{mark * 5}a"
    assert visible(f"Z{mark * 8}a{mark}") == f"Z{mark * 5}{escape * 3}a{mark}"
    assert visible(mark * 6) == mark * 5 + escape


def test_a_mark_beside_its_letter_does_not_let_a_pile_begin_anew() -> None:
    pile = ("\u0941" * 3 + "\u093e") * 3
    assert visible(f"\u0915{pile}").count("\\u0941") == 4


@pytest.mark.parametrize(
    "text",
    [
        "Tiếng Việt có dấu: Nguyễn Thị Ổ, ưỡn ẹo",
        unicodedata.normalize("NFD", "Tiếng Việt có dấu: Nguyễn Thị Ổ, ưỡn ẹo"),
        "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים אֵ֥ת הַשָּׁמַ֖יִם",
        "हिन्दी में लिखा हुआ, क़्क्षिंँ",
        "မြန်မာဘာသာ ကျွန်ုပ် မြွှုံ့",
        "ภาษาไทย น้ำ ผู้ใหญ่",
        "اَلْعَرَبِيَّةُ",
        "བོད་སྐད་བསྒྲུབས",
        "❤️ 1️⃣ \U0001f1e9\U0001f1ea",
        "葛\U000e0100城 \u1820\u180b \u05d9\u05b4\u034f\u05b7",
        "한국어 \u1112\u1161\u11ab",
    ],
)
def test_words_of_all_tongues_stay_as_they_are(text: str) -> None:
    assert visible(text) == text


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_visible_prints_and_can_be_written(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)
    visible(text).encode("utf-8")


@pytest.mark.parametrize(("text", "written"), [("Käse", "Käse"), ("a\udcffb", r"a\udcffb"), ("a\nb", "a\nb")])
def test_octets_that_were_no_utf_8_are_written_as_escapes(text: str, written: str) -> None:
    assert unicode_text(text) == written


@given(st.text(st.characters(exclude_categories=())))
def test_text_without_lone_surrogates_can_be_written(text: str) -> None:
    unicode_text(text).encode("utf-8")
