"""A file for each mistake: where it is reported, and in which words.

A problem is expected in the line that ends in ``#! key | words``; ``#! 0 | key | words`` has no line.  A file that
begins with ``# serving`` is read for serving.
"""

import re
from pathlib import Path

import pytest

from relay.errors import BadSettingsError, Problem
from relay.settings.parse import read_settings

FILES = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
ENVIRON = {"HASH": "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "a" * 43}


def problems_of(file: Path) -> tuple[Problem, ...]:
    serving = file.read_bytes().startswith(b"# serving")
    with pytest.raises(BadSettingsError) as caught:
        read_settings(file, ENVIRON, serving=serving)
    return caught.value.problems


def expected_in(file: Path) -> list[tuple[int, str, str]]:
    expected = []
    for number, line in enumerate(file.read_text(errors="replace").split("\n"), start=1):
        for note in line.split("#! ")[1:]:
            *zero, key, words = (part.strip() for part in f" {note}".split("|"))
            expected.append((0 if zero else number, key, words))
    return expected


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_mistake_is_reported_with_its_line_and_what_would_be_right(file: Path) -> None:
    found = problems_of(file)
    assert [(each.line, each.key) for each in found] == [(line, key) for line, key, _ in expected_in(file)]
    for each, (_, _, words) in zip(found, expected_in(file), strict=True):
        assert words in each.words
        assert each.file == str(file)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_problem_is_one_sentence_in_one_line(file: Path) -> None:
    for each in problems_of(file):
        assert str(each).isprintable()
        assert not re.search(r"\.$|  ", each.words)


def test_there_is_a_file_for_every_kind_of_mistake() -> None:
    assert len(FILES) >= 45
    assert all(expected_in(file) for file in FILES)
