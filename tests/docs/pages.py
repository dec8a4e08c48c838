"""The documentation's pages, taken apart: headings, links, blocks, tables."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

TOP = Path(__file__).resolve().parents[2]
SHELLS = ("sh", "bash")

_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"#{1,6} +(.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block, dedented."""

    line: int
    language: str
    text: str
    comment: str
    """What stands right above it and is not shown: ``<!-- … -->``, or nothing."""
    below_commands: bool
    """It is right below a block of commands: nothing that is shown stands between them."""

    @property
    def is_typed(self) -> bool:
        """It holds commands that are run as they stand here."""
        return self.language in SHELLS and not self.comment

    @property
    def is_output(self) -> bool:
        """It holds what the commands above print."""
        return self.language == "text" and (
            self.comment == "<!-- printed above -->" or (self.below_commands and not self.comment)
        )

    @property
    def file(self) -> str | None:
        """The name under which commands below find it."""
        found = re.match(r"# (\S+\.yaml)$", self.text, re.MULTILINE) if self.language == "yaml" else None
        return found and found[1]


@dataclass(frozen=True)
class Page:
    path: Path
    text: str
    prose: tuple[str, ...]
    """The lines outside blocks; a block's lines are empty here, so that the numbers stay right."""
    blocks: tuple[Block, ...]

    @property
    def run_by(self) -> str | None:
        """The test that runs the whole page, if another one than that of all pages does."""
        found = re.search(r"^<!-- all run by (\S+) -->$", self.text, re.MULTILINE)
        return found and found[1]

    @property
    def name(self) -> str:
        return self.path.relative_to(TOP).as_posix()

    @property
    def links(self) -> tuple[str, ...]:
        return tuple(link for line in self.prose for link in _LINK.findall(_CODE.sub("", line)))

    @property
    def anchors(self) -> frozenset[str]:
        """What may stand behind ``#``, made as GitHub makes it."""
        seen: dict[str, int] = {}
        for line in self.prose:
            if found := _HEADING.match(line):
                plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", found[1])
                slug = re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")
                number = seen[slug] = seen.get(slug, -1) + 1
                seen.setdefault(f"{slug}-{number}" if number else slug, 0)
        return frozenset(seen)

    def section(self, heading: str) -> list[str]:
        """The prose lines below a heading, up to the next one."""
        start = next(
            number
            for number, line in enumerate(self.prose)
            if re.fullmatch(rf"#+ {re.escape(heading)}", line)
        )
        rest = self.prose[start + 1 :]
        end = next((number for number, line in enumerate(rest) if _HEADING.match(line)), len(rest))
        return list(rest[:end])

    def table(self, heading: str) -> list[list[str]]:
        """The cells of the tables below a heading, without their head."""
        lines = [line for line in self.section(heading) if line.startswith("|")]
        heads = {number - 1 for number, line in enumerate(lines) if set(line) <= set("|- ")}
        return [
            [cell.strip() for cell in line.strip("|").split("|")]
            for number, line in enumerate(lines)
            if number not in heads and number - 1 not in heads
        ]


def coded(cell: str) -> list[str]:
    """What stands in code in a cell."""
    return re.findall(r"`([^`]+)`", cell)


@cache
def page(path: Path) -> Page:
    text = path.read_text()
    lines = text.splitlines()
    prose, blocks = list(lines), []
    above, ended = "", 0
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "fence":
            first, end = token.map
            assert end - first > 1, f"{path}: the block in line {first + 1} has no end"
            assert lines[end - 1].strip() == token.markup, f"{path}: the block in line {first + 1} has no end"
            between = re.sub(r"<!--.*?-->", "", "".join(lines[ended:first]), flags=re.DOTALL).strip()
            below_commands = bool(blocks) and blocks[-1].language in SHELLS and not between
            blocks.append(Block(first + 1, token.info, token.content, above, below_commands))
            prose[first:end] = [""] * (end - first)
            ended = end
        if token.nesting == 0:
            above = token.content.strip() if token.type == "html_block" else ""
    return Page(path, text, tuple(prose), tuple(blocks))


PATHS = (TOP / "README.md", *sorted((TOP / "docs").rglob("*.md")))
PAGES = tuple(map(page, PATHS))


def named(name: str) -> Page:
    return page(TOP / name)
