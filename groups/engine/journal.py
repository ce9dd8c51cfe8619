"""Writes down which step an operation is at. Every write carries the fence."""

from __future__ import annotations

import copy
import functools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from groups import clock, compiled, errors, models
from groups.compiled import slot
from groups.engine import leases
from groups.engine.steps import Step
from groups.statuses import OperationState, StepState

# One statement, however many of them are there.
_STEPS = compiled.Insert(models.OperationStep, over=("state", "attempt", "started_at", "ended_at", "error", "result"))


@functools.cache
def _begun(in_states: frozenset[OperationState]) -> compiled.Update:
    return compiled.Update(
        lambda: (
            models.Operation.objects.filter(pk=slot("pk"), fence=slot("fence"), state__in=in_states),
            {
                "step": slot("step"),
                "progress_done": 0,
                "progress_total": 0,
                "progress_unit": "",
                "waiting_for": "",
                "progress_at": slot("now"),
            },
        )
    )


class Journal:
    """The steps of one claimed operation.

    How a step ended well is written together with the begin of the next one, or with the operation's end: nothing
    happens to the storage in between, and a worker that dies there leaves a step that looks, and finds itself done.
    """

    def __init__(self, operation: models.Operation) -> None:
        self._operation = operation
        self._rows: dict[str, models.OperationStep] = {}
        self._is_new = False
        self._unwritten: dict[str, models.OperationStep] = {}

    def open(self, steps: Sequence[Step]) -> None:
        """Read the journal; begin it when no worker has been here before."""
        if self._operation.attempt > 1:
            self._rows = {row.name: row for row in models.OperationStep.objects.filter(operation=self._operation)}
        if not self._rows:
            self._is_new = True
            self._rows = {
                step.name: models.OperationStep(operation=self._operation, position=position, name=step.name)
                for position, step in enumerate(steps)
            }

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

    def begin(self, step: Step, *, in_states: Collection[OperationState]) -> bool:
        """Note that a step starts; return False, with nothing changed, unless this claim holds in one of the states."""
        now = clock.now()
        row = copy.copy(self._rows[step.name])
        row.state, row.started_at, row.ended_at, row.error = StepState.RUNNING, now, None, ""
        row.attempt += 1
        rows = [*{**self._to_be_written(), step.name: row}.values()]
        held = {"pk": self._operation.pk, "fence": self._operation.fence}
        if not _STEPS.run_where(_begun(frozenset(in_states)), rows, **held, step=step.name, now=now):
            return False
        self._rows[step.name] = row
        self._are_written()
        return True

    def finish(
        self, step: Step, *, state: StepState, result: Mapping[str, object] | None = None, error: str = ""
    ) -> None:
        """Note how a step ended; it is written with what is written next."""
        row = self._unwritten[step.name] = self._rows[step.name]
        row.state, row.ended_at, row.error = state, clock.now(), error
        if result is not None:
            row.result = dict(result)

    def write(self) -> None:
        """Write what is not yet written. Raises `LeaseLost`."""
        with transaction.atomic():
            self._hold(step=F("step"))
            self.write_held()

    def write_held(self) -> None:
        """Do the same within a transaction that has changed the operation's row under this claim."""
        _STEPS.run([*self._to_be_written().values()])
        self._are_written()

    def _to_be_written(self) -> Mapping[str, models.OperationStep]:
        return self._rows if self._is_new else self._unwritten

    def _are_written(self) -> None:
        self._is_new = False
        self._unwritten.clear()

    def begin_undo(self, *, code: str, error: str, remedy: str) -> None:
        """Note that from now on steps are undone, and why, so that a take-over goes on undoing. Raises `LeaseLost`."""
        with transaction.atomic():
            self._hold(undoing=True, error_code=code, error=error, remedy=remedy)
            self.write_held()
        self._operation.undoing = True

    def _hold(self, **changes: Any) -> None:
        """Change the operation's row, and so keep everybody from claiming it until the transaction ends."""
        if leases.owned(self._operation).update(**changes) != 1:
            raise errors.LeaseLost(f"operation {self._operation.pk}, fence {self._operation.fence}")
