import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.settings.entrances import User
from relay.settings.words import Right
from relay.web.sessions import Session, form_token, is_form_token, mark_of, seal, unseal

KEY = b"key"
ANNA = User("anna", "$scrypt$1", frozenset({Right.READ}))
SESSION = Session("anna", "0a1b", 1000, mark_of(ANNA, KEY))


@given(st.text(st.characters(codec="utf-8")), st.integers(1, 2**40))
def test_a_session_comes_back_until_it_ends(name: str, until: int) -> None:
    session = Session(name, "0a1b", until, SESSION.mark)
    sealed = seal(session, KEY)
    if len(sealed) <= 1024:
        assert unseal(sealed, KEY, until - 1) == session
    assert unseal(sealed, KEY, until) is None
    assert set(sealed) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


@pytest.mark.parametrize("position", range(0, len(seal(SESSION, KEY)), 7))
def test_a_session_with_one_character_changed_is_none(position: int) -> None:
    sealed = seal(SESSION, KEY)
    other = "A" if sealed[position] != "A" else "B"
    assert unseal(sealed[:position] + other + sealed[position + 1 :], KEY, 1) is None


@given(st.text())
def test_no_text_is_a_session_by_chance(text: str) -> None:
    assert unseal(text, KEY, 0) is None


def test_another_key_reads_nothing() -> None:
    assert unseal(seal(SESSION, b"other"), KEY, 1) is None


def test_a_mark_changes_with_the_password_and_with_the_rights() -> None:
    marks = {
        mark_of(user, key)
        for key in (KEY, b"other")
        for user in (
            ANNA,
            User("anna", "$scrypt$2", frozenset({Right.READ})),
            User("anna", "$scrypt$1", frozenset({Right.READ, Right.OPERATE})),
            User("anna", "$scrypt$1", frozenset()),
            User("ben", "$scrypt$1", frozenset({Right.READ})),
        )
    }
    assert len(marks) == 10


def test_a_form_token_is_of_one_session_alone() -> None:
    token = form_token(SESSION, KEY)
    assert is_form_token(token, SESSION, KEY)
    assert not is_form_token(token, Session("anna", "0a1c", 1000, SESSION.mark), KEY)
    assert not is_form_token(token, SESSION, b"other")
    assert not is_form_token("", SESSION, KEY)
    assert not is_form_token("ü", SESSION, KEY)
