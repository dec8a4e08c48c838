"""What the API tells of the relay itself: figures, channels, a trial, a version; and its own document."""

import json
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from relay.cli import run
from relay.journal.store import Journal
from relay.spool.store import Store
from relay.web.api import OPERATIONS, PLACE
from relay.web.api.document import document
from relay.web.app import application
from tests.spool.mail import content, new
from tests.web.api.calling import call
from tests.web.made import ELSEWHERE, basic, browser, copy, customer, form, keep, settings, sources

MESSAGE = "From: support@company.com\r\nTo: anna@mail.example\r\nSubject: Grüße\r\n\r\nHello\r\n"


async def test_the_overview_sums_up_the_days_that_were_asked_for(journal: Journal, spool: Store) -> None:
    now = datetime.now(UTC)
    await keep(journal, *(each(at=now) for each in (copy, customer, form)), copy(5))
    await spool.put([new("Q-1")], content())
    made = sources(journal=journal, spool=lambda: spool)
    async with browser(application(made)) as client:
        told = await call(client, "GET", "/overview?days=2")
    assert told["total"] == {"messages": 3, "auto_closed": 1, "open": 2, "doubtful": 1}
    assert told["observing"][0] == {"channel": "sales", "messages": 1, "doubtful": 1}
    assert [each["message_id"] for each in told["doubtful"]] == ["form@www.company.com"]
    assert sum(each["messages"] for each in told["counts"]) == 3
    assert (told["queue"]["waiting"], told["ready"]) == (1, True)


async def test_channels_are_told_with_all_that_a_verdict_depends_on() -> None:
    force = settings('platform: {networks: ["10.9.0.0/24"]}\ntrusted: {trace: ["10.8.0.0/24"]}\n')
    async with browser(application(sources(force))) as client:
        told = await call(client, "GET", "/channels")
        page = await call(client, "GET", "/channels?limit=2")
        rest = await call(client, "GET", f"/channels?limit=2&cursor={page['next']}")
        one = await call(client, "GET", "/channels?q=SALES@&lang=de")
    names = [each["name"] for each in told["channels"]]
    assert sorted(names) == ["orders", "sales", "support"]
    assert [each["name"] for each in page["channels"] + rest["channels"]] == names
    assert [each["auto_close"] for each in one["channels"]] == ["observe"]
    assert told["platform"]["networks"] == ["10.9.0.0/24"]
    assert (told["trusted_trace"], told["inside"]) == (["10.8.0.0/24"], ["company.com"])
    assert told["book"] == force.book().digest


@pytest.mark.parametrize("raw", [False, True])
async def test_a_trial_answers_what_explain_answers(
    raw: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    force = settings()
    async with browser(application(sources(force))) as client:
        if raw:
            told = await call(
                *(client, "POST", "/try?rcpt_to=in-7f3@relay.company.net&client_ip=192.0.2.1"),
                content=MESSAGE.encode(),
                headers={"content-type": "message/rfc822"},
            )
        else:
            envelope = {"rcpt_to": ["in-7f3@relay.company.net"], "client_ip": "192.0.2.1"}
            told = await call(client, "POST", "/try", json={"message": MESSAGE, **envelope})
    (tmp_path / "m.eml").write_bytes(MESSAGE.encode())
    (tmp_path / "channels.yaml").write_text(
        "version: 1\nchannels:\n  support: {address: support@company.com, inbound: [in-7f3@relay.company.net]}\n"
    )
    arguments = ["--config", str(tmp_path / "channels.yaml"), "explain", "--json"]
    more = ["--rcpt-to", "in-7f3@relay.company.net", "--client-ip", "192.0.2.1", str(tmp_path / "m.eml")]
    assert run([*arguments, *more]) == 0
    explained = json.loads(capsys.readouterr().out)
    assert told["verdict"] == explained["verdict"] == "auto-closed"
    assert set(told) == set(explained)
    assert told["findings"] == explained["findings"]


async def test_a_trial_says_what_its_verdict_depends_on_and_speaks_german() -> None:
    async with browser(application(sources())) as client:
        told = await call(client, "POST", "/try?lang=de", json={"message": MESSAGE})
    assert told["known"]["envelope"] == "unknown"
    assert told["depends"].startswith("offen")


async def test_a_message_is_judged_however_broken_it_is() -> None:
    async with browser(application(sources())) as client:
        headers = {"content-type": "message/rfc822"}
        told = await call(client, "POST", "/try", content=b"\xff\x00From\r\r\n", headers=headers)
    assert told["verdict"] == "open"


async def test_the_version_names_the_relay_and_its_book() -> None:
    force = settings()
    async with browser(application(sources(force))) as client:
        told = await call(client, "GET", "/version")
    assert told == {"version": version("helpdesk-relay"), "book": force.book().digest}


async def test_the_document_is_for_anybody_and_says_where_the_api_is() -> None:
    force = settings('web: {url: "https://company.com/relay"}\n', web=ELSEWHERE)
    app = application(sources(force))
    async with browser(app, ELSEWHERE) as client, browser(app, "company.com") as outside:
        direct = (await client.get(f"{PLACE}/openapi.json")).json()
        proxied = (await outside.get(f"{PLACE}/openapi.json")).json()
    assert direct["servers"] == [{"url": PLACE}]
    assert proxied["servers"] == [{"url": f"/relay{PLACE}"}]
    assert direct["openapi"] == "3.1.0"


def test_every_operation_has_a_name_of_its_own_and_every_schema_is_used() -> None:
    told = document(OPERATIONS, PLACE)
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(names) == len(set(names)) == len(OPERATIONS)
    text = json.dumps(told)
    for name in told["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text, name


async def test_a_login_that_may_read_is_enough_for_the_journal(journal: Journal) -> None:
    await keep(journal, copy(queue_id="Q-7"))
    made = sources(settings(web=ELSEWHERE), journal=journal)
    async with browser(application(made), ELSEWHERE) as client:
        await call(client, "GET", "/decisions/Q-7", 401)
        await call(client, "GET", "/decisions/Q-7", headers=basic("reader"))
        assert [look.who for look in await journal.looks("Q-7")] == ["reader"]
