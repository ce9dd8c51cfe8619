"""Filters by the host name that clients see, host@backend#pool."""

from __future__ import annotations

from django.db.models import Q

from groups.models import backends
from groups.queries import filtering


def condition(value: str) -> Q:
    """Match the backend of a whole host name, or of one without its pool."""
    name = backend_name(value)
    return filtering.NOTHING if name is None else Q(backend__name=name)


def backend_name(host: str) -> str | None:
    """Return the name of the backend in a host name, with or without its pool; None when it is no such name."""
    name = host.partition("#")[0].partition("@")[2]
    whole = backends.host_of(name)
    return name if host in {whole, whole.partition("#")[0]} else None
