"""Filters as clients write them, turned into conditions."""

from __future__ import annotations

import ast
import datetime
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db import models as db
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Exact
from django.utils import dateparse

from groups import errors
from groups.models.fields import OrEmpty
from groups.queries import visible

Row = TypeVar("Row", bound=db.Model)
Condition = Callable[[str], Q]

NOTHING = Q(pk__in=[])
_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE = frozenset({"false", "0", "no", "off", "f", "n"})
_COMPARISONS = {"gt": "gt", "gte": "gte", "lt": "lt", "lte": "lte", "eq": "exact"}
LIKE = "~"
"""Ends a filter's name to ask for a part of the text instead of all of it."""


def matching(
    found: db.QuerySet[Row], filters: Mapping[str, str], *, columns: Mapping[str, Condition]
) -> db.QuerySet[Row]:
    """Return the rows that satisfy every filter; a filter that nobody knows matches nothing."""
    for name, value in filters.items():
        condition = columns.get(name)
        found = found.filter(condition(value) if condition is not None else NOTHING)
    return found


def known(filters: Mapping[str, str], columns: Mapping[str, Condition]) -> Mapping[str, str]:
    """Return the filters. Raises `InvalidInput`, naming those there are, for one that nobody knows."""
    if unknown := [name for name in filters if name not in columns]:
        raise errors.InvalidInput(f"There is no filter '{unknown[0]}'. Possible: {', '.join(columns)}.")
    return filters


def text(column: str) -> Condition:
    """Match the whole text."""
    return lambda value: Q(**{column: value})


def named(column: str) -> Condition:
    """Match the whole name, in a way that lets the database enter the index that it sorts names by."""
    return lambda value: Q(Exact(OrEmpty(column), value), **{column: value})


def part(column: str) -> Condition:
    """Match a part of the text."""
    return lambda value: Q(**{f"{column}__contains": value})


def identity(column: str) -> Condition:
    """Match an id; what is no id matches nothing."""
    return lambda value: Q(**{column: known}) if (known := visible.parsed_id(value)) else NOTHING


def integer(column: str) -> Condition:
    """Match a number; what is no number matches nothing."""
    return lambda value: (
        Q(**{column: int(value)}) if value.isascii() and value.isdigit() and len(value) < 10 else NOTHING
    )


def boolean(column: str) -> Condition:
    """Match a truth value. Raises `InvalidInput` for what is none."""
    return lambda value: Q(**{column: truth(value, name=column)})


def always(held: str) -> Condition:
    """Match every row when the value is the one that all rows have, else none."""
    return lambda value: Q() if value.strip().lower() == held else NOTHING


def contained(column: str) -> Condition:
    """Match rows whose JSON column has all the pairs of a dictionary written as Python's or JSON's text."""
    return lambda value: Q(*(_has_pair(column, key, each) for key, each in pairs(value, name=column).items()))


def time(column: str) -> Condition:
    """Match a time, or `gt:TIME,lt:TIME` with gt, gte, lt, lte, eq, neq. Raises `InvalidInput` for no time."""

    def condition(value: str) -> Q:
        found = Q()
        for each in value.split(","):
            word, colon, rest = each.strip().partition(":")
            comparison, said = (word, rest) if colon and word in {*_COMPARISONS, "neq"} else ("eq", each.strip())
            lookup = _COMPARISONS.get(comparison, "exact")
            one = Q(**{f"{column}__{lookup}": moment(said, name=column)})
            found &= ~one if comparison == "neq" else one
        return found

    return condition


def since(column: str) -> Condition:
    """Match what is not older than a time. Raises `InvalidInput` for no time."""
    return lambda value: Q(**{f"{column}__gte": moment(value, name="since")})


def until(column: str) -> Condition:
    """Match what is older than a time. Raises `InvalidInput` for no time."""
    return lambda value: Q(**{f"{column}__lt": moment(value, name="until")})


def moment(value: str, *, name: str) -> datetime.datetime:
    """Return the time that a text stands for, in UTC. Raises `InvalidInput` for a text that is none."""
    try:
        found = dateparse.parse_datetime(value)
        day = dateparse.parse_date(value) if found is None else None
        if found is None and day is not None:
            found = datetime.datetime.combine(day, datetime.time.min)
        if found is not None:
            # Databases take fewer zones than Python.
            return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        pass
    raise errors.InvalidInput(f"'{value}' for '{name}' is not a time such as 2026-11-22T11:49:12.")


def truth(value: str, *, name: str) -> bool:
    """Return the truth value that a word stands for. Raises `InvalidInput` for another word."""
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise errors.InvalidInput(f"Value '{value}' for '{name}' is not a boolean.")
    return word in _TRUE


def pairs(value: str, *, name: str) -> dict[str, str]:
    """Return the dictionary that a text such as `{'key': 'value'}` stands for. Raises `InvalidInput`."""
    try:
        # Evaluates literals only, and clients write Python's.
        parsed: Any = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise errors.InvalidInput(f"Filter {name} must be a dictionary such as {{'key': 'value'}}, not '{value}'.")
    return {str(key): str(each) for key, each in parsed.items()}


def _has_pair(column: str, key: str, value: str) -> Q:
    # Spelled out, because a key inside a keyword's name could be taken for a lookup.
    return Q(Exact(KeyTextTransform(key, column), value))
