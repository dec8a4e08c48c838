"""Objects as ``--json`` prints them: one a line, and nothing in it that moves a terminal's cursor."""

import json

from relay.mail.text import visible_json

_encode = json.JSONEncoder(ensure_ascii=False).encode


def object_line(value: object) -> str:
    """Return a value as JSON on one line; what does not print is escaped."""
    return visible_json(_encode(value))
