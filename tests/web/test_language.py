import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.journal.entry import PathState
from relay.judge import Disposition, Reason
from relay.judge.explain import Language
from relay.spool.item import State
from relay.web.language import chosen
from relay.web.texts import TEXTS, de, en, text

EN, DE = Language.EN, Language.DE


@pytest.mark.parametrize(
    ("asked", "before", "accepted", "language"),
    [
        ("", "", "", EN),
        ("de", "", "", DE),
        ("", "de", "", DE),
        ("en", "de", "de", EN),
        ("fr", "de", "en", DE),
        ("", "", "de", DE),
        ("", "", "de-AT,de;q=0.9", DE),
        ("", "", "DE-ch", DE),
        ("", "", "fr,de;q=0.5,en;q=0.7", EN),
        ("", "", "fr, en;q=0.3, de;q=0.8", DE),
        ("", "", "de;q=0, en", EN),
        ("", "", "de;q=x", EN),
        ("", "", "de;q=5", DE),
        ("", "", "*", EN),
        ("", "", "fr," * 30 + "de", EN),
    ],
)
def test_the_language_is_asked_for_or_chosen_before_or_preferred(
    asked: str, before: str, accepted: str, language: Language
) -> None:
    assert chosen(asked, before, accepted, (EN, DE)) is language


def test_the_first_language_on_offer_is_the_default() -> None:
    assert chosen("", "", "fr", (DE, EN)) is DE
    assert chosen("en", "", "en", (DE,)) is DE


@given(st.text(), st.text(), st.text())
def test_no_words_make_choosing_raise(asked: str, before: str, accepted: str) -> None:
    assert chosen(asked, before, accepted, (EN, DE)) in (EN, DE)


def _names(words: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    assert list(en.TEXTS) == list(de.TEXTS)
    for key in en.TEXTS:
        assert _names(en.TEXTS[key]) == _names(de.TEXTS[key]), key


def test_every_text_prints_and_is_not_empty() -> None:
    for table in TEXTS.values():
        for key, words in table.items():
            assert words, key
            assert words.isprintable(), key


@pytest.mark.parametrize("language", Language)
def test_every_word_of_ours_that_is_shown_has_a_text(language: Language) -> None:
    for prefix, words in (
        ("reason", Reason),
        ("verdict", Disposition),
        ("path", PathState),
        ("state", State),
    ):
        for word in words:
            assert text(language, f"{prefix}.{word.value}")
    assert text(language, "more", n=3)
    with pytest.raises(KeyError):
        text(language, "no such text")
