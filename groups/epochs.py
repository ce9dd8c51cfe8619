"""Epochs: what tells storage which of two that act on the same group, volume or snapshot is the later one.

Every claim of an operation raises the epoch of what it is about; the storage refuses whoever comes with a lower one.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db import models as db
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest

from groups import compiled, models, statuses
from groups.compiled import slot

_WITH = {
    "group": ("backend", "group_type"),
    "volume": ("backend", "group__group_type"),
    "snapshot": ("backend", "volume__group__group_type"),
    "group_snapshot": ("backend", "group__group_type"),
}
"""What the work on each subject of an operation needs to know, read along with it."""


def raise_for(operation: models.Operation) -> None:
    """Raise the epoch of what an operation is about, and read it with what the work needs.

    Runs within the transaction that claims the operation, and notes the epoch in its row too.
    """
    field = next((name for name in _WITH if getattr(operation, f"{name}_id") is not None), None)
    if field is None:
        if operation.kind in statuses.WITHOUT_MOVE:
            # What it makes on the storage is its own: nobody else's epoch fences it.
            operation.epoch = operation.fence
            _EPOCH_NOTED.run(pk=operation.pk, epoch=operation.epoch)
        return
    model = _model_of(field)
    subject_id = getattr(operation, f"{field}_id")
    if operation.kind != statuses.Kind.EXTEND_VOLUME:
        _epoch_raised(model).run(pk=subject_id)
    # Read back inside the transaction: the row is locked, so nobody can have raised it further.
    subject = _with_what_the_work_needs(field).all(pk=subject_id)[0]
    setattr(operation, field, subject)
    if operation.kind == statuses.Kind.EXTEND_VOLUME:
        # What replicates a member has to grow too: the work is the group's.
        subject = subject.group or subject
        kind: Any = type(subject)
        _epoch_raised(kind).run(pk=subject.pk)
        subject.epoch = kind.objects.values_list("epoch", flat=True).get(pk=subject.pk)
    operation.epoch = subject.epoch
    _EPOCH_NOTED.run(pk=operation.pk, epoch=operation.epoch)


def _model_of(field: str) -> type[db.Model]:
    found: Any = models.Operation._meta.get_field(field).related_model  # noqa: SLF001 - documented
    return found  # type: ignore[no-any-return]


def _raised(model: type[db.Model]) -> Any:
    """Return an expression for the epoch of a row, or of what belongs to it where that is higher."""
    own: db.QuerySet[Any]
    if model is models.Group:
        # The storage has seen its members' own epochs: the group's must not be behind any of them.
        own = models.Volume.objects.filter(group_id=db.OuterRef("pk"))
    elif model is models.Volume:
        # The snapshots that are deleted along have epochs of their own.
        own = models.Snapshot.objects.filter(volume_id=db.OuterRef("pk"))
    else:
        return F("epoch")
    return Greatest(F("epoch"), Coalesce(db.Subquery(own.order_by("-epoch").values("epoch")[:1]), 0))


_EPOCH_NOTED = compiled.Update(
    lambda: (models.Operation.objects.filter(pk=slot("pk")), {"epoch": slot("epoch")}),
)


@functools.cache
def _epoch_raised(model: type[db.Model]) -> compiled.Update:
    return compiled.Update(
        lambda: (model._default_manager.filter(pk=slot("pk")), {"epoch": _raised(model) + 1})  # noqa: SLF001 - documented
    )


@functools.cache
def _with_what_the_work_needs(field: str) -> compiled.Select[Any]:
    model: Any = _model_of(field)
    return compiled.Select(lambda: model.objects.filter(pk=slot("pk")).select_related(*_WITH[field]))
