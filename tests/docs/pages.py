"""The documentation's pages, taken apart: headings, links, blocks, tables."""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r" *```(\w*)$")
_CODE = re.compile(r"`[^`]*`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"#{1,6} +(.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block, dedented."""

    line: int
    language: str
    text: str
    right_below: bool
    """Nothing but blank lines stands between the block before and this one."""


@dataclass(frozen=True)
class Page:
    path: Path
    text: str
    prose: tuple[str, ...]
    """The lines outside blocks; a block's lines are empty here, so that the numbers stay right."""
    blocks: tuple[Block, ...]

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
    prose: list[str] = []
    blocks: list[Block] = []
    inside: list[str] | None = None
    language, begun, right_below = "", 0, False
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is None:
            if fence:
                language, begun, inside = fence[1], number, []
            elif line.strip():
                right_below = False
            prose.append("" if fence else line)
            continue
        prose.append("")
        if fence:
            blocks.append(Block(begun, language, textwrap.dedent("\n".join(inside)) + "\n", right_below))
            inside, right_below = None, True
        else:
            inside.append(line)
    assert inside is None, f"{path}: the block in line {begun} has no end"
    return Page(path, text, tuple(prose), tuple(blocks))


PATHS = (TOP / "README.md", *sorted((TOP / "docs").rglob("*.md")))
PAGES = tuple(map(page, PATHS))


def named(name: str) -> Page:
    return page(TOP / name)
