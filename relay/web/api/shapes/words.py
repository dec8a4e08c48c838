"""Kinds of text that several answers have.  Pure."""

from typing import Annotated

Book = Annotated[
    str, "The digest of the channel book that was in force.", {"pattern": "^sha256:[0-9a-f]{64}$"}
]
Next = Annotated[str | None, "The `cursor` of what follows; null where nothing does."]
