"""``journal digest``: the digest of any span, on the terminal."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Keep, Run, made
from tests.cli.test_journal import filled

__all__ = ["filled"]  # a fixture


@pytest.fixture
def orders(folder: Path) -> None:
    """One more channel, about which nothing was decided."""
    file = folder / "channels.yaml"
    file.write_text(
        file.read_text().replace("platform:", "  orders: {address: orders@company.com}\nplatform:")
    )


@pytest.mark.usefixtures("filled")
def test_it_tells_of_each_channel_with_something_to_tell_what_was_closed_in_a_day(relay: Run):
    code, out, _ = relay("journal", "digest")
    assert code == 0
    assert out.startswith("Channel support, from ")
    assert "2 tickets closed, 1 of them in doubt." in out
    assert "nobody outside is in To or Cc\n    x.example, Q4\n" in out
    assert "Channel orders" not in out
    assert "CRM 9" not in out


@pytest.mark.usefixtures("filled")
def test_since_names_the_span(relay: Run):
    code, out, _ = relay("journal", "digest", "--since", "3d")
    assert code == 0
    assert "3 tickets closed, 1 of them in doubt." in out
    assert "       1  CRM 9\n" in out


@pytest.mark.usefixtures("filled")
def test_it_speaks_the_language_of_the_option_or_of_the_settings(relay: Run, folder: Path):
    assert "2 Tickets geschlossen, 1 davon im Zweifel." in relay("journal", "digest", "--lang", "de")[1]
    with (folder / "channels.yaml").open("a") as file:
        file.write("digest: {language: de}\n")
    assert "2 Tickets geschlossen" in relay("journal", "digest")[1]
    assert "2 tickets closed" in relay("journal", "digest", "--lang", "en")[1]


@pytest.mark.usefixtures("filled")
def test_a_channel_that_is_named_is_told_of_even_if_there_is_nothing_to_tell(relay: Run, orders: None):
    code, out, _ = relay("journal", "digest", "--channel", "orders")
    assert code == 0
    assert out.startswith("Channel orders, from ")
    assert "No ticket was closed." in out


@pytest.mark.usefixtures("filled")
def test_json_is_one_object_a_line(relay: Run, orders: None):
    code, out, _ = relay("journal", "digest", "--json", "--channel", "support", "--channel", "orders")
    assert code == 0
    told = [json.loads(line) for line in out.splitlines()]
    assert [(each["channel"], each["closed"], each["in_doubt"]) for each in told] == [
        ("support", 2, 1),
        ("orders", 0, 0),
    ]


def test_without_anything_closed_it_says_so(relay: Run, keep: Keep):
    keep(made(1, "From: eva@customer.example", "To: support@company.com"))
    assert relay("journal", "digest") == (0, "No ticket was closed.\n", "")
    assert relay("journal", "digest", "--json") == (0, "", "")


@pytest.mark.usefixtures("filled")
def test_a_channel_that_is_not_in_the_file_is_a_wrong_command_line(relay: Run):
    code, out, err = relay("journal", "digest", "--channel", "sales")
    assert (code, out) == (64, "")
    assert "channels.yaml has no channel sales" in err


def test_without_a_journal_it_says_so_in_one_sentence(relay: Run):
    code, out, err = relay("journal", "digest")
    assert (code, out) == (75, "")
    assert err.count("\n") == 1
