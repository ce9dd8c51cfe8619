"""Turns the query part of a list's address into a page and filters, and a page into its envelope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework.request import Request

from groups import errors
from groups.api import addresses
from groups.queries import paging

LONGEST = 200


def question(request: Request) -> tuple[paging.Page, dict[str, str]]:
    """Return which page is asked for, and the filters. Raises `InvalidInput`."""
    filters = {name: str(value) for name, value in request.query_params.items()}
    limit = filters.pop("limit", str(LONGEST))
    if not (limit.isascii() and limit.isdigit() and 0 < int(limit) <= LONGEST):
        raise errors.InvalidInput(f"limit must be a number from 1 to {LONGEST}, not '{limit}'.")
    return paging.Page(limit=int(limit), marker=filters.pop("marker", None)), filters


def page_of(request: Request, noun: str, items: Sequence[dict[str, Any]], *, page: paging.Page) -> dict[str, Any]:
    """Return a page with the address of the next one, null after the last."""
    following = None
    if len(items) == page.limit:
        query = request.query_params.copy()
        query["marker"] = items[-1]["id"]
        following = f"{addresses.base(request)}{request.path}?{query.urlencode()}"
    return {noun: list(items), "next": following}
