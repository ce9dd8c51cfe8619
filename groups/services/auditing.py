"""Writes down who did what, in the transaction that does it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import models as db

from groups import callers, clock, models
from groups.compiled import Insert

_KEPT = Insert(models.AuditEntry)


def note(
    caller: callers.Caller,
    *,
    action: str,
    subject: db.Model | None,
    name: str = "",
    detail: str = "",
    operation_id: uuid.UUID | None = None,
) -> None:
    """Keep that the caller did something; `detail` names what changed and never holds a secret."""
    entry = models.AuditEntry(
        at=clock.now(),
        user_id=caller.user_id,
        user_name=caller.user_name,
        door=caller.door,
        request_id=caller.request_id,
        project_id=caller.project_id,
        action=action,
        subject_kind="" if subject is None else str(subject._meta.verbose_name),  # noqa: SLF001 - the documented way
        subject_id="" if subject is None else str(subject.pk),
        subject_name=(name or ("" if subject is None else str(subject)))[:255],
        detail=detail,
        operation_id=operation_id,
    )
    _KEPT.run([entry])


def named(words: Iterable[str]) -> str:
    """Return names as a detail lists them."""
    return ", ".join(sorted(words))
