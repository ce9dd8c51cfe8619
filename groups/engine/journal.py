"""Writes down which step an operation is at. Every write carries the fence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from groups import clock, errors, models
from groups.engine import leases
from groups.engine.steps import Step
from groups.statuses import OperationState, StepState

_OWNED = (OperationState.RUNNING, OperationState.CANCELING)


class Journal:
    """The steps of one claimed operation."""

    def __init__(self, operation: models.Operation) -> None:
        self._operation = operation
        self._rows: dict[str, models.OperationStep] = {}

    def open(self, steps: Sequence[Step]) -> None:
        """Read the journal; begin it when no worker has been here before."""
        self._read()
        if not self._rows:
            models.OperationStep.objects.bulk_create(
                [
                    models.OperationStep(operation=self._operation, position=position, name=step.name)
                    for position, step in enumerate(steps)
                ],
                ignore_conflicts=True,
            )
            self._read()

    def state(self, step: Step) -> StepState:
        """Return how far a step is."""
        return StepState(self._rows[step.name].state)

    def results(self) -> dict[str, Mapping[str, Any]]:
        """Return what the finished steps found, by step name."""
        return {name: row.result for name, row in self._rows.items() if row.state == StepState.DONE}

    def is_settled(self, step: Step) -> bool:
        """Tell whether a step needs no more work."""
        row = self._rows[step.name]
        return row.state in {StepState.DONE, StepState.SKIPPED} or (row.state == StepState.FAILED and step.may_fail)

    def was_begun(self, step: Step) -> bool:
        """Tell whether a step may have had an effect."""
        return self._rows[step.name].attempt > 0

    def begin(self, step: Step) -> None:
        """Note that a step starts. Raises `LeaseLost`."""
        with transaction.atomic():
            changed = leases.owned(self._operation).update(
                step=step.name,
                progress_done=0,
                progress_total=0,
                progress_unit="",
                waiting_for="",
                progress_at=clock.now(),
            )
            if changed != 1:
                raise errors.LeaseLost(f"operation {self._operation.pk}, fence {self._operation.fence}")
            self._write(
                step,
                state=StepState.RUNNING,
                attempt=F("attempt") + 1,
                started_at=clock.now(),
                ended_at=None,
                error="",
            )
        self._rows[step.name].attempt += 1

    def finish(
        self, step: Step, *, state: StepState, result: Mapping[str, object] | None = None, error: str = ""
    ) -> None:
        """Note how a step ended. Raises `LeaseLost`."""
        changes: dict[str, Any] = {"state": state, "ended_at": clock.now(), "error": error}
        if result is not None:
            changes["result"] = dict(result)
        self._write(step, **changes)
        if result is not None:
            self._rows[step.name].result = dict(result)

    def begin_undo(self, *, code: str, error: str, remedy: str) -> None:
        """Note that from now on steps are undone, and why, so that a take-over goes on undoing."""
        changed = leases.owned(self._operation).update(undoing=True, error_code=code, error=error, remedy=remedy)
        if changed != 1:
            raise errors.LeaseLost(f"operation {self._operation.pk}, fence {self._operation.fence}")
        self._operation.undoing = True

    def _read(self) -> None:
        self._rows = {row.name: row for row in models.OperationStep.objects.filter(operation=self._operation)}

    def _write(self, step: Step, **changes: Any) -> None:
        row = self._rows[step.name]
        changed = models.OperationStep.objects.filter(
            pk=row.pk, operation__fence=self._operation.fence, operation__state__in=_OWNED
        ).update(**changes)
        if changed != 1:
            raise errors.LeaseLost(f"operation {self._operation.pk}, fence {self._operation.fence}")
        row.state = changes["state"]
