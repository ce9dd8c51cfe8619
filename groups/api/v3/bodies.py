"""Reads request bodies and checks them against a schema, in the words Cinder's tests expect."""

from __future__ import annotations

import re
import uuid
from typing import Any

import jsonschema
import orjson
from jsonschema import exceptions
from rest_framework.request import Request

from groups.api.v3 import answers

Schema = dict[str, Any]

_LONGEST = 114_688
_SHOWN = 300
_MEDIA_TYPES = frozenset({"", "application/json", "application/vnd.openstack.volume+json"})
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_MALFORMED = "Malformed request body"

_formats = jsonschema.FormatChecker(formats=())


class BlankName(ValueError):
    """A name of nothing but blanks."""


@_formats.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or bool(uuid.UUID(value))


@_formats.checks("printable")
def _is_printable(value: object) -> bool:
    return not isinstance(value, str) or value.isprintable()


@_formats.checks("not blank", raises=BlankName)
def _is_not_blank(value: object) -> bool:
    if isinstance(value, str) and not value.strip():
        raise BlankName
    return True


def read(request: Request) -> dict[str, Any]:
    """Return the body, a JSON object. Raises `Refusal`."""
    media_type = (request.content_type or "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise answers.Refusal(415, "Unsupported Content-Type")
    body = request.body
    if len(body) > _LONGEST:
        raise answers.Refusal(413, answers.TOO_LARGE)
    # Some databases cannot keep this character.
    if _NUL.search(body):
        raise answers.Refusal(400, _MALFORMED)
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise answers.Refusal(400, _MALFORMED) from None
    if not isinstance(parsed, dict):
        raise answers.Refusal(400, _MALFORMED)
    return parsed


def checked(request: Request, schema: Schema, *, absent: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the body once it is what the schema says; `absent` in place of no body at all, where it may be left out.

    Raises `Refusal` with one of its problems.
    """
    if absent is not None and not request.body:
        return dict(absent)
    body = read(request)
    check(body, schema)
    return body


def check(body: object, schema: Schema) -> None:
    """Raise `Refusal` with the most telling problem of a body, if it has any."""
    validator = jsonschema.Draft4Validator(schema, format_checker=_formats)
    error = exceptions.best_match(validator.iter_errors(body))
    if error is not None:
        raise answers.Refusal(400, _worded(error))


def _worded(error: exceptions.ValidationError) -> str:
    if isinstance(error.cause, BlankName):
        field = error.path[-1]
        return f"An invalid '{field}' value was provided. The '{field}' can not be empty."
    if not error.path:
        return _shortened(error.message)
    return (
        f"Invalid input for field/attribute {error.path[-1]}. Value: {_shortened(str(error.instance))}."
        f" {_shortened(error.message)}"
    )


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
