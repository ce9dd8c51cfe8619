"""Reads `key=value` and `ID:key=value,...` as they are typed."""

from __future__ import annotations

from collections.abc import Iterable

from groups import errors

REMEDY = "Nothing was changed."


def values(given: Iterable[str]) -> dict[str, object]:
    """Return the values by key. Raises `InvalidInput` naming every argument that is wrong, without values."""
    found: dict[str, object] = {}
    problems: list[str] = []
    for number, text in enumerate(given, start=1):
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            # Not quoted: what has no key may be a password.
            problems.append(f"--option number {number} is not key=value")
        elif key.strip() in found:
            problems.append(f"option '{key.strip()}' is given twice")
        else:
            found[key.strip()] = value
    _refuse(problems)
    return found


def targets(given: Iterable[str]) -> dict[str, dict[str, object]]:
    """Return the options of each target by its id, in the order typed.

    Raises `InvalidInput` naming every target that is wrong.
    """
    found: dict[str, dict[str, object]] = {}
    problems: list[str] = []
    for text in given:
        backend_id, _, rest = text.partition(":")
        if backend_id in found:
            problems.append(f"target '{backend_id}' is given twice")
            continue
        found[backend_id] = {}
        for pair in filter(None, rest.split(",")):
            key, equals, value = pair.partition("=")
            if not equals or not key.strip():
                problems.append(f"target '{backend_id}': write its options as {backend_id}:key=value,key=value")
            else:
                found[backend_id][key.strip()] = value
    _refuse(problems)
    return found


def _refuse(problems: list[str]) -> None:
    if problems:
        raise errors.InvalidInput(f"{'; '.join(problems)}.", remedy=REMEDY)
