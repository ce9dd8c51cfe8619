"""Sorting, and pages that begin after the last thing seen.

A page is found by the sort keys of its marker and not by counting, so that a deep page costs
what the first one does, and nothing is skipped when rows come and go between two pages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import models as db
from django.db.models import F, Func, Q, Value
from django.db.models.lookups import Exact, GreaterThan, LessThan

from groups import errors
from groups.models.fields import OrEmpty
from groups.queries import visible

MAXIMUM = 1000
"""The longest page, and the page when nobody names a length."""

# What every database can compare with a key.
_LONGEST_NUMBER = 18

Row = TypeVar("Row", bound=db.Model)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Key:
    """One column to sort by."""

    name: str
    descending: bool = False


NEWEST_FIRST = (Key(name="created_at", descending=True), Key(name="id", descending=True))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a list is wanted, in which order."""

    limit: int = MAXIMUM
    offset: int = 0
    marker: str | None = None
    """The id of the last thing seen."""
    sort: Sequence[Key] = NEWEST_FIRST


def cut(
    found: db.QuerySet[Row], *, page: Page, columns: Mapping[str, str], among: db.QuerySet[Row], noun: str
) -> db.QuerySet[Row]:
    """Return one page of what was found. `columns` maps sort keys to columns; the marker is one of `among`.

    Raises `InvalidInput` for an unknown sort key, `NotFound` for an unknown marker.
    """
    keys = _keys(page.sort, columns)
    ordered = found.order_by(*(_order(found.model, key) for key in keys))
    if page.marker is not None:
        values = _values_at(page.marker, keys, among, noun=noun)
        ordered = ordered.filter(_behind(found.model, keys, values))
    return ordered[page.offset : page.offset + page.limit]


def numbered(found: db.QuerySet[Row], *, page: Page) -> db.QuerySet[Row]:
    """Return one page, newest first, of rows with numbers for ids, which are only ever added.

    Raises `InvalidInput` for a marker that is no number.
    """
    if page.marker is not None:
        if not (page.marker.isascii() and page.marker.isdigit() and len(page.marker) <= _LONGEST_NUMBER):
            raise errors.InvalidInput(f"The marker is the id of the last one seen, a number, not '{page.marker}'.")
        found = found.filter(pk__lt=int(page.marker))
    return found.order_by("-pk")[: page.limit]


def _keys(wanted: Sequence[Key], columns: Mapping[str, str]) -> list[Key]:
    unknown = [key.name for key in wanted if key.name not in columns]
    if unknown:
        raise errors.InvalidInput(
            f"Invalid input received: Invalid sort key '{unknown[0]}'. Possible: {', '.join(sorted(columns))}."
        )
    keys = [dataclasses.replace(key, name=columns[key.name]) for key in wanted]
    if all(key.name != "id" for key in keys):
        # Without a last key that no two rows share, a page could begin in the middle of equals.
        keys.append(Key(name="id", descending=keys[0].descending))
    return keys


def _column(model: type[db.Model], name: str) -> Any:
    """Return what is compared of a column. A text that may be none sorts as the empty one, as in the index of names."""
    return OrEmpty(name) if _is_text_or_none(model, name) else F(name)


def _order(model: type[db.Model], key: Key) -> Any:
    column = _column(model, key.name)
    if not _may_be_null(model, key.name):
        return column.desc() if key.descending else column.asc()
    # Databases differ in where null goes when nobody says it.
    return column.desc(nulls_last=True) if key.descending else column.asc(nulls_first=True)


def _values_at(marker: str, keys: Sequence[Key], among: db.QuerySet[Any], *, noun: str) -> list[Any]:
    known = visible.parsed_id(marker)
    found = among.filter(pk=known).values_list(*(_column(among.model, key.name) for key in keys))
    row = found.first() if known else None
    if row is None:
        raise errors.NotFound(f"{noun} {marker} could not be found.")
    return list(row)


def _behind(model: type[db.Model], keys: Sequence[Key], values: Sequence[Any]) -> Q:
    """Return the condition for the rows behind those values: beyond them in the first key in which they differ."""
    columns = [_column(model, key.name) for key in keys]
    if len({key.descending for key in keys}) == 1 and not any(_may_be_null(model, key.name) for key in keys):
        # As one comparison, a database enters its index at the marker.
        return Q(_compared(columns, values, " < " if keys[0].descending else " > "))
    condition, equal = Q(), Q()
    for key, column, value in zip(keys, columns, values, strict=True):
        condition |= equal & _beyond(model, key, column, value)
        equal &= Q(Exact(column, value)) if value is not None else Q(**{f"{key.name}__isnull": True})
    return condition


def _compared(columns: Sequence[Any], values: Sequence[Any], sign: str) -> Any:
    rows = (Func(*columns, function=""), Func(*map(Value, values), function=""))
    return Func(*rows, template="%(expressions)s", arg_joiner=sign, output_field=db.BooleanField())


def _beyond(model: type[db.Model], key: Key, column: Any, value: Any) -> Q:
    if value is None:
        return Q(pk__in=[]) if key.descending else Q(**{f"{key.name}__isnull": False})
    condition = Q(LessThan(column, value) if key.descending else GreaterThan(column, value))
    if key.descending and _may_be_null(model, key.name):
        condition |= Q(**{f"{key.name}__isnull": True})
    return condition


def _may_be_null(model: type[db.Model], name: str) -> bool:
    """Tell whether what is compared of a column, maybe one of a related table that is always there, may be null."""
    return _is_null_allowed(model, name) and not _is_text_or_none(model, name)


def _is_text_or_none(model: type[db.Model], name: str) -> bool:
    return _is_null_allowed(model, name) and isinstance(_field(model, name), db.CharField | db.TextField)


def _is_null_allowed(model: type[db.Model], name: str) -> bool:
    return "__" not in name and bool(getattr(_field(model, name), "null", False))


def _field(model: type[db.Model], name: str) -> Any:
    return model._meta.get_field(name)  # noqa: SLF001 - documented
