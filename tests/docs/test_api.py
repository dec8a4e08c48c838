"""What the page on the API says is what the API has."""

import json
import re

from relay.web.api import OPERATIONS, PLACE
from relay.web.api.document import document
from relay.web.app import application
from tests.docs.pages import TOP, page
from tests.web.api.calling import call
from tests.web.made import browser, sources

API = page(TOP / "docs/api.md")


def test_it_names_every_operation_and_no_other() -> None:
    named = re.findall(r"^\| (GET|POST|DELETE) \| `(/\S*)` \|", API.text, re.MULTILINE)
    assert sorted(named) == sorted((each.method, each.path) for each in OPERATIONS)


def test_it_names_every_status_that_the_document_does() -> None:
    told = document(OPERATIONS, PLACE)["paths"].values()
    documented = {code for path in told for each in path.values() for code in each["responses"]} - {"405"}
    rows = [line.split("|")[1] for line in API.section("When something is wrong") if line.startswith("| 4")]
    rows += [line.split("|")[1] for line in API.section("When something is wrong") if line.startswith("| 5")]
    named = set(re.findall(r"\d{3}", " ".join(rows)))
    assert named - {"405"} == {code for code in documented if code >= "400"}


async def test_the_problem_that_it_shows_is_what_comes() -> None:
    shown = next(json.loads(block.text) for block in API.blocks if block.language == "json")
    async with browser(application(sources())) as client:
        assert await call(client, "GET", "/queue?limit=many", 422) == shown
