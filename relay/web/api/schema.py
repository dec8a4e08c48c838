"""From the types in which an answer is declared to its JSON Schema (2020-12).

A ``TypedDict`` becomes a schema of its own, named after it; text in ``Annotated`` describes, a mapping there is
taken into the schema as it is.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Schema = dict[str, Any]
PLACE = "#/components/schemas/"
"""Where an OpenAPI document has its schemas."""
_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    NoneType: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
}


class Schemas:
    """The schemas of a document, each made once."""

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}
        """By the names of their types."""

    def of(self, declared: Any) -> Schema:
        """Return the schema of a type; those of the types in it are referred to."""
        origin, arguments = get_origin(declared), get_args(declared)
        if origin is Annotated:
            return self._annotated(*arguments)
        if origin is not None:
            return self._composed(origin, arguments)
        if is_typeddict(declared):
            return self._reference(declared)
        if declared in _PLAIN:
            return dict(_PLAIN[declared])
        assert issubclass(declared, StrEnum), declared
        return {"type": "string", "enum": [each.value for each in declared]}

    def _composed(self, origin: Any, arguments: tuple[Any, ...]) -> Schema:
        if origin is NotRequired:
            return self.of(arguments[0])
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is Literal:
            return {"type": "string", "enum": list(arguments)}
        assert origin in (Union, UnionType), origin
        return {"anyOf": [self.of(each) for each in arguments]}

    def _annotated(self, declared: Any, *notes: Any) -> Schema:
        schema = self.of(declared)
        for note in notes:
            if isinstance(note, Mapping):
                schema |= note
            else:
                schema["description"] = note
        return schema

    def _reference(self, declared: Any) -> Schema:
        name = declared.__name__
        if name not in self.named:
            self.named[name] = {}
            self.named[name] = self._object(declared)
        return {"$ref": PLACE + name}

    def _object(self, declared: Any) -> Schema:
        hints = get_type_hints(declared, include_extras=True)
        return {
            "type": "object",
            "description": " ".join((declared.__doc__ or "").split()),
            "properties": {name: self.of(hint) for name, hint in hints.items()},
            "required": sorted(declared.__required_keys__),
        }
