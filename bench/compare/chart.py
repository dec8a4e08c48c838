"""A bar chart as SVG, readable on light and dark pages."""

from collections.abc import Sequence
from html import escape

_ROW, _LEFT, _WIDTH, _TOP = 26, 210, 720, 34
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#333}.head{font-weight:600}rect{fill:#8aa4c8}.ours{fill:#2f7d4f}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)

Bar = tuple[str, float, str, bool]
"""A name, a figure, the figure in words, whether it is ours."""


def chart(panels: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Return one panel of bars below the other, each with a title."""
    lines, y = [], 0
    for title, bars in panels:
        lines.append(f'<text class="head" x="8" y="{y + 20}">{escape(title)}</text>')
        most = max((figure for _, figure, _, _ in bars), default=0) or 1
        for row, (name, figure, words, ours) in enumerate(bars):
            top = y + _TOP + row * _ROW
            width = max(1, round((_WIDTH - _LEFT - 90) * figure / most))
            kind = ' class="ours"' if ours else ""
            lines += [
                f'<text x="{_LEFT - 8}" y="{top + 14}" text-anchor="end">{escape(name)}</text>',
                f'<rect{kind} x="{_LEFT}" y="{top}" width="{width}" height="18" rx="2"/>',
                f'<text x="{_LEFT + width + 6}" y="{top + 14}">{escape(words)}</text>',
            ]
        y += _TOP + len(bars) * _ROW + 16
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y}" role="img">'
    return "\n".join([head, f"<style>{_STYLE}</style>", *lines, "</svg>", ""])
