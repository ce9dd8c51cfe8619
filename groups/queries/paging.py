"""Sorting, and pages that begin after the last thing seen.

A page is found by the sort keys of its marker and not by counting, so that a deep page costs
what the first one does, and nothing is skipped when rows come and go between two pages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import models as db
from django.db.models import F, Q

from groups import errors
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
        ordered = ordered.filter(_after(found.model, keys, values))
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


def _order(model: type[db.Model], key: Key) -> Any:
    column = F(key.name)
    if not _may_be_null(model, key.name):
        return column.desc() if key.descending else column.asc()
    # Databases differ in where null goes when nobody says it.
    return column.desc(nulls_last=True) if key.descending else column.asc(nulls_first=True)


def _values_at(marker: str, keys: Sequence[Key], among: db.QuerySet[Any], *, noun: str) -> list[Any]:
    known = visible.parsed_id(marker)
    row = among.filter(pk=known).values_list(*(key.name for key in keys)).first() if known else None
    if row is None:
        raise errors.NotFound(f"{noun} {marker} could not be found.")
    return list(row)


def _after(model: type[db.Model], keys: Sequence[Key], values: Sequence[Any]) -> Q:
    """Return the condition for the rows behind those values: larger in the first key in which they differ."""
    condition, equal = Q(), Q()
    for key, value in zip(keys, values, strict=True):
        condition |= equal & _beyond(model, key, value)
        equal &= Q(**{key.name: value}) if value is not None else Q(**{f"{key.name}__isnull": True})
    if not _may_be_null(model, keys[0].name):
        # Says the same once more, in a way that lets the database enter its index at the marker.
        condition &= Q(**{f"{keys[0].name}__{'lte' if keys[0].descending else 'gte'}": values[0]})
    return condition


def _beyond(model: type[db.Model], key: Key, value: Any) -> Q:
    if value is None:
        return Q(pk__in=[]) if key.descending else Q(**{f"{key.name}__isnull": False})
    condition = Q(**{f"{key.name}__{'lt' if key.descending else 'gt'}": value})
    if key.descending and _may_be_null(model, key.name):
        condition |= Q(**{f"{key.name}__isnull": True})
    return condition


def _may_be_null(model: type[db.Model], column: str) -> bool:
    """Tell whether a column, maybe one of a related table that is always there, may be null."""
    return "__" not in column and bool(getattr(model._meta.get_field(column), "null", False))  # noqa: SLF001 - documented
