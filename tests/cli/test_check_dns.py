"""``check --dns``: a table, lines to publish, one object a line, and the exit code; with name servers on loopback."""

import json
from collections.abc import Iterator
from pathlib import Path

import dns.rcode
import pytest

from relay.service.survey.point import About, Answer
from tests.cli.conftest import CHANNELS, Run
from tests.delivery.dns_server import DnsServer, of_this_machine
from tests.hosted import hosted_channels

HOSTED = hosted_channels('helpdesk: "smtp://127.0.0.1:1", srs_secret: "long and random"')


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[DnsServer]:
    with of_this_machine({}, monkeypatch) as server:
        yield server


@pytest.fixture
def hosted(folder: Path, names: DnsServer) -> DnsServer:
    (folder / "channels.yaml").write_text(HOSTED)
    names.zone = {
        ("relay.company.com", "A"): ["192.0.2.7"],
        ("relay.company.com", "TXT"): ['"v=spf1 ip4:192.0.2.7 -all"'],
        ("company.com", "MX"): ["10 relay.company.com."],
    }
    return names


@pytest.mark.usefixtures("names")
def test_a_route_that_cannot_be_found_fails_and_the_tables_come_first(relay: Run, folder: Path):
    assert relay("check", "--dns")[0] == 0
    (folder / "channels.yaml").write_text(CHANNELS.replace("127.0.0.1:2526", "no-such-host.invalid:25"))
    code, out, _ = relay("check", "--dns")
    assert code == 1
    assert out.index("Listeners") < out.index("DNS and servers") < out.index("no-such-host.invalid (")
    assert out.splitlines()[-1].startswith("channels.yaml: valid, but 1 thing is not right around it, book")


@pytest.mark.usefixtures("names")
def test_without_dns_nothing_is_looked_up(relay: Run, names: DnsServer):
    code, out, _ = relay("check")
    assert code == 0
    assert "DNS" not in out
    assert not names.asked


def test_what_is_missing_is_printed_ready_to_be_published(relay: Run, hosted: DnsServer):
    del hosted.zone["relay.company.com", "TXT"]
    code, out, _ = relay("check", "--dns")
    assert code == 1
    lines = [line.strip() for line in out.split("What to publish")[1].splitlines()]
    assert 'relay.company.com. TXT "v=spf1 ip4:192.0.2.7 -all"' in lines


def test_a_record_that_would_move_all_mail_of_a_domain_stands_apart(relay: Run, hosted: DnsServer):
    hosted.zone["company.com", "MX"] = ["10 mail.company.com."]
    hosted.zone["mail.company.com", "A"] = ["192.0.2.26"]
    _, out, _ = relay("check", "--dns")
    before, _, behind = out.partition("Only if all mail of that domain is to arrive here")
    assert "company.com. MX 10 relay.company.com." in behind.splitlines()[1].strip()
    assert " company.com. MX 10" not in before


def test_json_is_one_object_a_line_and_nothing_else(relay: Run, hosted: DnsServer):
    hosted.zone["relay.company.com", "TXT"] = ['"v=spf1 -all"', '"v=spf1 ~all"']
    code, out, _ = relay("check", "--dns", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert {tuple(each) for each in found} == {("about", "of", "answer", "because", "publish")}
    assert {each["about"] for each in found} <= {about.value for about in About}
    (wrong,) = [each for each in found if each["answer"] == Answer.NO]
    assert wrong == {
        "about": "spf",
        "of": "relay.company.com",
        "answer": "no",
        "because": wrong["because"],
        "publish": ['relay.company.com. TXT "v=spf1 ip4:192.0.2.7 -all"'],
    }
    assert "2 SPF records, where one is allowed" in wrong["because"]


def test_what_is_only_a_warning_does_not_fail(relay: Run, hosted: DnsServer):
    code, out, _ = relay("check", "--dns", "--json")
    assert code == 0
    assert {json.loads(line)["answer"] for line in out.splitlines()} == {
        "unreachable",
        "yes",
        "warning",
        "hint",
    }


def test_what_dns_says_is_shown_but_never_raw(relay: Run, hosted: DnsServer):
    hosted.zone["relay.company.com", "TXT"] = ['"v=spf1 \\027[2Jx -all"']
    _, out, _ = relay("check", "--dns")
    assert "\x1b" not in out
    assert "\\x1b[2Jx" in out


def test_name_servers_in_trouble_are_an_answer(relay: Run, folder: Path, hosted: DnsServer):
    (folder / "channels.yaml").write_text(HOSTED.replace('"smtp://127.0.0.1:1"', "mx"))
    hosted.zone["desk.example", "MX"] = dns.rcode.SERVFAIL
    code, out, _ = relay("check", "--dns")
    assert code == 1
    assert "its name servers have no answer" in out


def test_json_alone_is_a_usage_error(relay: Run, folder: Path):
    code, out, err = relay("check", "--json")
    assert (code, out) == (64, "")
    assert "--json needs --dns" in err


def test_a_bad_file_is_78_before_anything_is_looked_up(relay: Run, folder: Path, names: DnsServer):
    (folder / "channels.yaml").write_text("version: 2\n")
    assert relay("check", "--dns", "--json")[0] == 78
    assert not names.asked
