"""Text from the network, fit to be shown."""

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
        ("", ""),
    ],
)
def test_what_does_not_print_is_written_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


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
