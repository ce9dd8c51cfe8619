"""The one part of a page that is polled while something runs, and how polling ends."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse

from groups import models


def url(operation: models.Operation | None, name: str, row_id: object) -> str:
    """Return what to poll; empty when nothing is open, so that nothing is polled."""
    return reverse(f"admin:{name}", args=(row_id,)) if operation is not None and operation.is_open else ""


def over() -> HttpResponse:
    """Answer a poll after the end: htmx stops polling and loads the whole page anew."""
    return HttpResponse(status=286, headers={"HX-Refresh": "true"})
