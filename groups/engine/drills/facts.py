"""What is known of a drill that has ended, gathered once for its verdict and its report."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from groups import clock, drills, models
from groups.engine.handlers import drills as handler, failover
from groups.statuses import Axis, StepState


class Facts:
    """What a report is made of: the run, its operation, its steps and what they found."""

    def __init__(self, run: models.DrillRun, operation: models.Operation) -> None:
        self.run, self.operation = run, operation
        self.terms: Mapping[str, Any] = run.terms
        self.full = run.kind == drills.DrillKind.FULL
        self.back = run.way_back
        self.ended_at = (self.back or operation).ended_at or clock.now()
        self.steps: Sequence[models.OperationStep] = list(operation.steps.all())
        self.way_back: Sequence[models.OperationStep] = list(self.back.steps.all()) if self.back else []
        self.results = {step.name: step.result for step in self.steps if step.state == StepState.DONE}
        both = [operation.pk, *([self.back.pk] if self.back else [])]
        self.events = list(models.Event.objects.filter(operation_id__in=both, axis=Axis.OPERATION).order_by("id"))
        self.group = run.group
        self.members = list(models.Volume.objects.filter(group=run.group).order_by("created_at")) if run.group else []
        self.measures = self._measures()
        self.problems = (
            handler.missed_objectives(self.terms, self.measures, ())
            if self.full
            else handler.problems(run.terms, operation.created_at, self.results)
        )

    def _measures(self) -> Mapping[str, Any]:
        """Return what was measured; a planned failover loses nothing, which its last round makes sure of."""
        if not self.full:
            return handler.measures(self.operation.created_at, self.results)
        promoted, verified = self.ended("promote"), self.ended("verify")
        since = self.operation.created_at
        compared = self.compared()
        return {
            "rpo_seconds": 0.0 if promoted else None,
            "rpo_bytes": 0 if promoted else None,
            # Nobody compares in an emergency: what that took is the drill's own.
            "rto_seconds": (promoted - since).total_seconds() - compared.get("seconds", 0.0) if promoted else None,
            "verified_seconds": (verified - since).total_seconds() if verified else None,
        }

    def named(self, volumes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return what was found of volumes with the names that people know them by."""
        names = {str(each.pk): each.name or "" for each in self.members}
        return [{"name": names.get(str(each["id"]), ""), **each} for each in volumes]

    def ended(self, name: str, *, back: bool = False) -> datetime.datetime | None:
        """Return when a step was done; None when it was not."""
        steps = self.way_back if back else self.steps
        return next((step.ended_at for step in steps if step.name == name and step.state == StepState.DONE), None)

    def compared(self, *, back: bool = False) -> Mapping[str, Any]:
        """Return what comparing both sides found on the way there, or back; empty where they were not compared."""
        steps = self.way_back if back else self.steps
        done = (step.result for step in steps if step.name == failover.COMPARE and step.state == StepState.DONE)
        return next(done, None) or {}

    def of(self, step: str) -> Mapping[str, Any]:
        """Return what a step found; empty when it did not get that far."""
        found: Mapping[str, Any] = self.results.get(step, {})
        return found
