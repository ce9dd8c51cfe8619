"""What a handler works with: the claimed operation, its subject, its driver."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from drivers import base
from groups import models
from groups.engine import journal, storage
from groups.statuses import Kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Context:
    """One attempt at one operation."""

    operation: models.Operation
    driver: base.Driver
    group: base.Group
    """The group as the driver knows it, of a snapshot the one it is of; a lone volume is a group of its own."""
    journal: journal.Journal

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Return what the request asked for."""
        arguments: Mapping[str, Any] = self.operation.arguments
        return arguments

    def result_of(self, step: str) -> Mapping[str, Any]:
        """Return what an earlier step found; empty when it was skipped or not reached."""
        return self.journal.results().get(step, {})


def load(operation: models.Operation) -> Context:
    """Read what an attempt needs. Raises `DriverError` when the backend's driver cannot be built."""
    if operation.group is not None:
        backend = operation.group.backend
        group = storage.group_value(operation.group, storage.members(operation.group))
    elif operation.volume is not None:
        backend = operation.volume.backend
        grows = operation.kind == Kind.EXTEND_VOLUME
        group = storage.home_of(operation.volume) if grows else storage.lone_value(operation.volume)
    elif operation.snapshot is not None:
        backend = operation.snapshot.backend
        group = storage.home_of(operation.snapshot.volume)
    elif operation.group_snapshot is not None:
        backend = operation.group_snapshot.backend
        source = operation.group_snapshot.group
        group = storage.group_value(source, storage.members(source))
    elif (drilled := _drilled(operation)) is not None:
        backend = drilled.backend
        group = storage.group_value(drilled, storage.members(drilled))
    else:
        raise LookupError(f"operation {operation.pk} is about nothing")
    return Context(
        operation=operation,
        driver=storage.driver_for(backend),
        group=group,
        journal=journal.Journal(operation),
    )


def _drilled(operation: models.Operation) -> models.Group | None:
    """Return the group that a drill rehearses beside it; None for anything else."""
    runs = models.DrillRun.objects.filter(operation=operation).select_related("group__backend", "group__group_type")
    run = runs.first()
    return run.group if run is not None else None
