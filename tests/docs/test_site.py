"""The pages as a website: built strictly, nothing left out, nothing fetched, and shown as a forge shows them."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import PAGES, TOP, Page

IN_THE_SITE = [each for each in PAGES if each.path.is_relative_to(TOP / "docs")]
SHOWN = ("h1", "h2", "h3", "h4", "li", "pre", "table", "td", "img")
FETCHED = re.compile(
    r"""<(?:link|script|img|iframe|source)\b[^>]*?\b(?:href|src)=["']?((?:https?:)?//[^"' >]+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site.  A warning is an error: dead links, anchors, pages without their place."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    ran = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    hint = "a page that is not in the navigation needs its line in mkdocs.yml, under `nav`"
    assert ran.returncode == 0, f"{ran.stderr}\n{hint}"
    return folder


def html_of(each: Page, site: Path) -> str:
    name = each.path.relative_to(TOP / "docs").with_suffix(".html")
    return (site / (name.parent / "index.html" if name.stem == "README" else name)).read_text()


class Elements(HTMLParser):
    """How often each element occurs, within one element of the page if ``within`` names its role."""

    def __init__(self, html: str, within: str | None = None) -> None:
        super().__init__()
        self.counts = dict.fromkeys(SHOWN, 0)
        self._within, self._depth = within, 0 if within else 1
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._within and ("role", self._within) in attrs:
            self._depth = 1
        elif self._depth and tag == "div":
            self._depth += 1
        if self._depth and tag in self.counts:
            self.counts[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._depth and tag == "div":
            self._depth -= 1


@pytest.mark.parametrize("each", IN_THE_SITE, ids=lambda each: each.name)
def test_the_site_shows_a_page_as_a_forge_does(each: Page, site: Path):
    forge = MarkdownIt("commonmark").enable("table").render(each.text)
    assert Elements(html_of(each, site), within="main").counts == Elements(forge).counts


def test_every_page_can_be_chosen_in_the_navigation(site: Path):
    navigation = re.search(r"<nav data-toggle.*?</nav>", (site / "index.html").read_text(), re.DOTALL)[0]
    for each in IN_THE_SITE:
        name = each.path.relative_to(TOP / "docs").with_suffix(".html").as_posix()
        assert f'href="{name.replace("README", "index")}' in navigation or each.path.stem == "index", name


def test_reading_the_site_asks_no_other_machine(site: Path):
    assert [found for page in site.rglob("*.html") for found in FETCHED.findall(page.read_text())] == []
    styles = "".join(sheet.read_text() for sheet in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", styles) == []


def test_a_link_out_of_docs_leads_to_a_copy_in_the_site(site: Path):
    (link,) = re.findall(r'href="(outside/[^"]*)"', (site / "testing.html").read_text())
    assert (site / link).read_bytes() == (TOP / "tests/cases/README.md").read_bytes()
