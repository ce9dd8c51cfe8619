"""Turns the query part of a list's address into a page and filters, and a page into its envelope."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from rest_framework.request import Request

from groups import callers, errors
from groups.api import addresses
from groups.api.v3 import microversions
from groups.queries import filtering, paging

_PAGING = ("limit", "offset", "marker", "sort", "sort_key", "sort_dir")
_OLD_AND_NEW_SORT = (
    "The 'sort_key' and 'sort_dir' parameters are deprecated and cannot be used with the 'sort' parameter."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Question:
    """What a list was asked for."""

    page: paging.Page
    filters: dict[str, str]
    all_projects: bool
    flags: dict[str, str]
    """What else the list knows, such as `list_volume`."""


def question(
    request: Request,
    *,
    caller: callers.Caller,
    version: microversions.Version,
    open_filters: Iterable[str],
    flags: Iterable[str] = (),
    strict_since: microversions.Version | None = microversions.CHECKED_FILTERS,
) -> Question:
    """Return what was asked for. Only admins may filter by more than `open_filters`; what others
    ask besides is an error from version `strict_since` on, and overlooked before it.

    Raises `InvalidInput`.
    """
    given = {name: str(value) for name, value in request.query_params.items() if name not in _PAGING}
    taken = {name: given.pop(name) for name in flags if name in given}
    all_projects = _says_yes(given.pop("all_tenants", ""))
    if version < microversions.PARTIAL_FILTERS:
        given = {name: value for name, value in given.items() if not name.endswith(filtering.LIKE)}
    if not caller.is_admin:
        strict = strict_since is not None and version >= strict_since
        given = _allowed(given, open_filters=set(open_filters), strict=strict)
    return Question(page=_page(request), filters=given, all_projects=all_projects, flags=taken)


def links(
    request: Request, items: Sequence[dict[str, Any]], *, page: paging.Page, names: Iterable[str]
) -> dict[str, list[dict[str, str]]]:
    """Return, under every name given, the link to the next page; nothing when there is none."""
    if not items or len(items) < page.limit:
        return {}
    query = request.query_params.copy()
    query["marker"] = str(items[-1]["id"])
    query.pop("offset", None)
    link = [{"rel": "next", "href": f"{addresses.base(request)}{request.path}?{query.urlencode()}"}]
    return dict.fromkeys(names, link)


def _says_yes(value: str) -> bool:
    # Clients send all sorts of things here; what is no clear yes is a no.
    return value.strip().lower() in {"1", "true", "yes", "on", "t", "y"}


def _allowed(given: dict[str, str], *, open_filters: set[str], strict: bool) -> dict[str, str]:
    refused = [name for name in given if name.removesuffix(filtering.LIKE) not in open_filters]
    if refused and strict:
        raise errors.InvalidInput(f"Invalid filters {','.join(refused)} are found in query options.")
    return {name: value for name, value in given.items() if name not in refused}


def _page(request: Request) -> paging.Page:
    query = request.query_params
    return paging.Page(
        limit=min(_number(query, "limit", paging.MAXIMUM), paging.MAXIMUM),
        offset=_number(query, "offset", 0),
        marker=query.get("marker"),
        sort=_sort(query),
    )


def _number(query: Any, name: str, default: int) -> int:
    raw = query.get(name)
    if raw is None:
        return default
    # Longer numbers than a database can count to are no numbers of rows.
    if not (raw.removeprefix("-").isdecimal() and raw.isascii()) or len(raw) > 18:
        raise errors.InvalidInput(f"{name} param must be an integer")
    if int(raw) < 0:
        raise errors.InvalidInput(f"{name} param must be positive")
    return int(raw)


def _sort(query: Any) -> Sequence[paging.Key]:
    sort, key, direction = (query.get(name) for name in ("sort", "sort_key", "sort_dir"))
    if sort is not None and (key is not None or direction is not None):
        raise errors.InvalidInput(_OLD_AND_NEW_SORT)
    if sort is not None:
        parts = [part.strip().partition(":") for part in sort.split(",") if part.strip()]
        return tuple(_key(name, way or "desc") for name, _, way in parts) or paging.NEWEST_FIRST
    if key is not None or direction is not None:
        return (_key(key or "created_at", direction or "desc"),)
    return paging.NEWEST_FIRST


def _key(name: str, direction: str) -> paging.Key:
    if direction.strip().lower() not in {"asc", "desc"}:
        raise errors.InvalidInput("Invalid sort direction: use 'asc' or 'desc'.")
    return paging.Key(name=name.strip(), descending=direction.strip().lower() == "desc")


def is_public(value: str | None) -> bool | None:
    """Return which types an admin asked for: public (also without a word), private, or None for both."""
    if value is None:
        return True
    if value.strip().lower() == "none":
        return None
    try:
        return filtering.truth(value, name="is_public")
    except errors.InvalidInput:
        raise errors.InvalidInput(f"Invalid is_public filter [{value}]") from None
