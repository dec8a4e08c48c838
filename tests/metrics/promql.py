"""As much of PromQL as tells which metrics and labels an expression names; that it is valid is promtool's to say."""

import re

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SELECTOR = re.compile(r"([A-Za-z_:][\w:]*)\s*\{([^}]*)\}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[[^\]]*\]")
_NAME = re.compile(r"[A-Za-z_:][\w:]*(?!\w*\s*\()")
_WORDS = {"and", "or", "unless", "bool", "offset"}


def named(expression: str) -> tuple[list[tuple[str, set[str]]], set[str]]:
    """The metrics, each with the labels that its braces name, and the labels that results are grouped by."""
    text = _STRING.sub('""', expression)
    grouped = {label.strip() for found in _GROUPING.findall(text) for label in found.split(",")}
    text = _RANGE.sub("", _GROUPING.sub("", text))
    metrics = []
    for name, inside in _SELECTOR.findall(text):
        metrics.append(
            (name, {part.split("=")[0].strip(" !~") for part in inside.split(",") if part.strip()})
        )
    rest = _SELECTOR.sub("", text)
    metrics += [(name, set()) for name in _NAME.findall(rest) if name not in _WORDS]
    return metrics, grouped - {""}
