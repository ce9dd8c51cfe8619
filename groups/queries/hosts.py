"""Filters by the host name that clients see, host@backend#pool."""

from __future__ import annotations

from django.db.models import Q

from groups.models import backends
from groups.queries import filtering


def condition(value: str) -> Q:
    """Match the backend of a whole host name, or of one without its pool."""
    name = value.partition("#")[0].partition("@")[2]
    whole = backends.host_of(name)
    return Q(backend__name=name) if value in {whole, whole.partition("#")[0]} else filtering.NOTHING
