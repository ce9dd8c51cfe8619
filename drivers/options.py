"""Options a driver declares once; validation, forms, documents and masking are made from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Literal

from drivers.errors import InvalidOptions

MASK = "********"

_KINDS = {
    "text": "text",
    "path": "an absolute path",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})

Value = str | int | float | bool | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """One setting of a backend or of a replication target."""

    name: str
    help: str
    kind: Literal["text", "path", "integer", "number", "boolean"] = "text"
    default: Value = None
    required: bool = False
    secret: bool = False
    minimum: float | None = None
    choices: tuple[str, ...] = ()


def parse(declared: Iterable[Option], given: Mapping[str, object]) -> dict[str, Value]:
    """Return every declared option with its value, given or default.

    Raises `InvalidOptions` naming all problems at once; the value of a secret is never quoted.
    """
    options = {option.name: option for option in declared}
    problems = [
        f"unknown option '{name}' (known: {', '.join(sorted(options)) or 'none'})"
        for name in given
        if name not in options
    ]
    values: dict[str, Value] = {}
    for option in options.values():
        raw = given.get(option.name)
        if raw is None or raw == "":
            if option.required:
                problems.append(f"option '{option.name}' is required: {option.help}")
            values[option.name] = option.default
            continue
        try:
            values[option.name] = _convert(option, raw)
        except ValueError as error:
            quoted = "" if option.secret else f", not '{raw}'"
            problems.append(f"option '{option.name}' must be {error}{quoted}")
    if problems:
        raise InvalidOptions(problems)
    return values


def mask(declared: Iterable[Option], values: Mapping[str, object]) -> dict[str, object]:
    """Return the values with each secret, and each value nobody declared, replaced by asterisks."""
    shown = {option.name for option in declared if not option.secret}
    return {name: value if name in shown or value in (None, "") else MASK for name, value in values.items()}


def _convert(option: Option, raw: object) -> Value:
    """Return the value in its kind; raise ValueError with what it should have been."""
    text = str(raw).strip()
    value: Value = text
    if option.kind == "boolean":
        word = text.lower()
        if word not in _TRUE | _FALSE:
            raise ValueError(_KINDS["boolean"])
        value = word in _TRUE
    elif option.kind in {"integer", "number"}:
        try:
            value = int(text) if option.kind == "integer" else float(text)
        except ValueError:
            raise ValueError(_KINDS[option.kind]) from None
        if option.minimum is not None and value < option.minimum:
            raise ValueError(f"{_KINDS[option.kind]} of at least {option.minimum:g}")
    elif option.kind == "path" and not text.startswith("/"):
        raise ValueError(_KINDS["path"])
    if option.choices and text not in option.choices:
        raise ValueError(f"one of {', '.join(option.choices)}")
    return value
