"""Every entry of every list under tests/cases is a message with the verdict that it must get (see its README)."""

from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from relay.channels import ChannelBook
from relay.judge import Question, Reason, Verdict, judge
from relay.mail.envelope import Client, plain_address
from relay.mail.fields import edited, read_header
from relay.mail.view import make_view
from relay.settings.parse import read_settings
from relay.stamp import stamp, stamp_rules
from tests.samples import box

FOLDER = Path(__file__).parent / "cases"
KEYS = {
    "id", "header", "mail_from", "rcpt_to", "client", "auth", "verdict", "reason", "channel", "doubts", "author", "recipients",
}  # fmt: skip
BODY = "\nFrom: body@mail.example\nTo: care@shop.example\n\nhello\n"

Case = dict[str, Any]


def cases() -> list[tuple[Path, Case]]:
    files = [file for file in sorted(FOLDER.rglob("*.yaml")) if file.name != "channels.yaml"]
    return [(file, case) for file in files for case in yaml.safe_load(file.read_text("utf-8"))]


CASES = cases()


@cache
def book_in(folder: Path) -> ChannelBook:
    return read_settings(folder / "channels.yaml", {}).book()


def judged(file: Path, case: Case, content: bytes) -> Verdict:
    book = book_in(file.parent)
    client = Client(plain_address(ip_address(case.get("client", "198.51.100.7"))), user=case.get("auth"))
    paths = map(box, case.get("rcpt_to", ["in-1@desk.example"]))
    return judge(make_view(content, paths, client, limit=book.header_size), book)


@pytest.mark.parametrize(("file", "case"), CASES, ids=[case["id"] for _, case in CASES])
@pytest.mark.parametrize("end", ["\r\n", "\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("body", [BODY, "\n", ""], ids=["body", "empty-line", "no-end"])
def test_case(file: Path, case: Case, end: str, body: str) -> None:
    assert set(case) <= KEYS
    content = (case["header"] + body).replace("\n", end).encode("utf-8", "surrogateescape")
    verdict = judged(file, case, content)
    assert (verdict.disposition.value, verdict.reason.value) == (case["verdict"], case["reason"])
    assert [finding.question for finding in verdict.findings] == list(Question)
    found = {
        "channel": verdict.channel.name if verdict.channel else None,
        "author": str(verdict.author) if verdict.author else None,
        "doubts": [doubt.value for doubt in verdict.doubts],
        "recipients": [f"{seen.mailbox} in {seen.where}" for seen in verdict.recipients],
    }
    assert {key: found[key] for key in found if key in case} == {
        key: case[key] for key in found if key in case
    }

    replacement, replaced = edited(content, stamp(verdict, stamp_rules()))
    stamped = [
        row.value.strip()
        for row in read_header(replacement + content[replaced:]).rows
        if row.name == b"X-Ticket-Status"
    ]
    assert stamped == ([b"auto-closed"] if case["verdict"] == "auto-closed" else [])


def test_no_two_cases_have_the_same_id() -> None:
    names = [case["id"] for _, case in CASES]
    assert len(names) == len(set(names)) > 100


def test_every_reason_has_a_case() -> None:
    assert {case["reason"] for _, case in CASES} == {reason.value for reason in Reason}
