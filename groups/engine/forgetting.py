"""Removes what is kept for a while only."""

from __future__ import annotations

from django.db.models.functions import Now

from groups import models

_AT_ONCE = 1000


def expired_messages() -> int:
    """Delete user messages whose time is over, some at a time; return how many."""
    ids = list(
        models.Message.objects.filter(expires_at__lte=Now())
        .order_by("expires_at")
        .values_list("pk", flat=True)[:_AT_ONCE]
    )
    if ids:
        models.Message.objects.filter(pk__in=ids).delete()
    return len(ids)
