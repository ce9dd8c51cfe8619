"""How volumes of a type are to be encrypted: kept and shown, and honored by refusing such volumes.

No driver encrypts, so that a volume of such a type finds no backend; see `placement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from groups import callers, clock, errors, models
from groups.queries import visible
from groups.services import auditing, policies

_RULE = "volume_extension:volume_type_encryption:"


def create(caller: callers.Caller, *, type_id: object, values: Mapping[str, Any]) -> models.VolumeTypeEncryption:
    """Say how volumes of a type are to be encrypted; of a type without any."""
    kind = visible.volume_type(caller, type_id)
    policies.require(caller, f"{_RULE}create")
    try:
        with transaction.atomic():
            _refuse_in_use(kind, verb="create")
            row = models.VolumeTypeEncryption.objects.create(volume_type=kind, **values)
            auditing.note(caller, action="type:set-encryption", subject=kind, detail=row.provider)
    except IntegrityError as error:
        raise errors.InUse(f"Volume type encryption for type {kind.pk} already exists.") from error
    return row


def get(caller: callers.Caller, *, type_id: object) -> models.VolumeTypeEncryption | None:
    """Return how volumes of a type are to be encrypted; None when they are not."""
    kind = visible.volume_type(caller, type_id)
    policies.require(caller, f"{_RULE}get")
    return models.VolumeTypeEncryption.objects.filter(volume_type=kind).first()


def update(caller: callers.Caller, *, type_id: object, values: Mapping[str, Any]) -> None:
    """Change how volumes of a type are to be encrypted; of a type without any."""
    kind = visible.volume_type(caller, type_id)
    policies.require(caller, f"{_RULE}update")
    with transaction.atomic():
        row = _required(kind)
        _refuse_in_use(kind, verb="update")
        models.VolumeTypeEncryption.objects.filter(pk=row.pk).update(**values, updated_at=clock.now())
        detail = f"changed: {auditing.named(values)}"
        auditing.note(caller, action="type:set-encryption", subject=kind, detail=detail)


def delete(caller: callers.Caller, *, type_id: object) -> None:
    """Let volumes of a type be as they are; of a type without any."""
    kind = visible.volume_type(caller, type_id)
    policies.require(caller, f"{_RULE}delete")
    with transaction.atomic():
        row = _required(kind)
        _refuse_in_use(kind, verb="delete")
        auditing.note(caller, action="type:drop-encryption", subject=kind)
        row.delete()


def _required(kind: models.VolumeType) -> models.VolumeTypeEncryption:
    row = models.VolumeTypeEncryption.objects.filter(volume_type=kind).first()
    if row is None:
        raise errors.NotFound(f"Volume type encryption for type {kind.pk} does not exist.")
    return row


def _refuse_in_use(kind: models.VolumeType, *, verb: str) -> None:
    if models.Volume.objects.filter(volume_type=kind).exists():
        raise errors.InUse(f"Cannot {verb} encryption specs. Volume type in use.")
