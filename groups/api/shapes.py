"""Words to write the shapes of answers with. A shape with a title is shown once, under its title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groups.api.describing import Parameter, Schema

TEXT: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
BOOLEAN: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}
ID: Schema = {"type": "string", "format": "uuid"}
ID_OR_NULL: Schema = {"type": ["string", "null"], "format": "uuid"}
URL: Schema = {"type": "string", "format": "uri"}
NULL: Schema = {"type": "null"}
STRINGS: Schema = {"type": "object", "additionalProperties": TEXT_OR_NULL}
ANYTHING: Schema = {"type": "object"}


def record(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, title: str = ""
) -> dict[str, Any]:
    """Return the shape of an object with these fields and no others."""
    shape: dict[str, Any] = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
    return {"title": title, **shape} if title else shape


def many(shape: Schema) -> dict[str, Any]:
    """Return the shape of a list."""
    return {"type": "array", "items": shape}


def word(words: Any) -> dict[str, Any]:
    """Return the shape of one of some words."""
    return {"type": "string", "enum": [str(each) for each in words]}


def either(*shapes: Schema) -> dict[str, Any]:
    """Return the shape of what has one of some shapes."""
    return {"anyOf": list(shapes)}


def asked(name: str, text: str = "", schema: Schema = TEXT) -> Parameter:
    """Return a parameter of the query part."""
    return Parameter(name=name, schema=schema, text=text)
