"""Tells the users of a project when long work failed, in the transaction that ends it."""

from __future__ import annotations

import datetime

from django.conf import settings

from groups import clock, models

_TYPES = {
    "group": "GROUP",
    "volume": "VOLUME",
    "snapshot": "VOLUME_SNAPSHOT",
    "group_snapshot": "GROUP_SNAPSHOT",
}
_OTHER_TYPE = "GROUP"


def of_failure(operation: models.Operation, *, code: str, error: str, truth: str, remedy: str) -> None:
    """Write what failed, what is true now and what to do next."""
    kind = _resource_type(operation)
    what = operation.kind.replace("-", " ").capitalize()
    subject = operation.subject_name or operation.subject_id
    now = clock.now()
    models.Message.objects.create(
        project_id=operation.project_id,
        event_id="_".join(("VOLUME", kind, operation.kind, code or "unknown")).replace("-", "_").upper(),
        user_message=" ".join(part for part in (f"{what} of {subject} failed: {error}", truth, remedy) if part),
        resource_type=kind,
        resource_uuid=operation.subject_id,
        request_id=operation.request_id,
        operation=operation,
        created_at=now,
        expires_at=now + datetime.timedelta(days=settings.REPLSITE.message_days),
    )


def _resource_type(operation: models.Operation) -> str:
    """Return in Cinder's words what an operation is about; by its kind when that is gone."""
    for column, word in _TYPES.items():
        if getattr(operation, f"{column}_id") is not None:
            return word
    ending = operation.kind.rpartition("-")[2]
    return _TYPES.get(ending, _OTHER_TYPE)
