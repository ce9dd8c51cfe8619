"""How long things take: what is left of an operation, and how long the same took last time."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence

from groups import clock, models, statuses
from groups.statuses import OperationState, StepState

_LEAST_SECONDS = 2.0
"""What was copied in less time says nothing of the rest."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Last:
    """The last time that the same was done to the same group."""

    operation: models.Operation
    seconds: float


def last(group: models.Group, kind: statuses.Kind) -> Last | None:
    """Return the last time an operation of a kind succeeded on a group, from being asked for to its end."""
    done = models.Operation.objects.filter(subject_id=group.pk, kind=kind, state=OperationState.SUCCEEDED)
    row = done.order_by("-created_at", "-id").first()
    if row is None or row.ended_at is None:
        return None
    return Last(operation=row, seconds=max(0.0, (row.ended_at - row.created_at).total_seconds()))


def seconds_left(operation: models.Operation, steps: Sequence[models.OperationStep]) -> float | None:
    """Return how long the step an operation is at still takes, by how fast it was so far; None when nobody can tell."""
    step = next((each for each in steps if each.name == operation.step), None)
    if step is None or step.state != StepState.RUNNING or step.started_at is None or not operation.is_open:
        return None
    done, total = operation.progress_done, operation.progress_total
    seen: datetime.datetime = operation.progress_at or clock.now()
    elapsed = (seen - step.started_at).total_seconds()
    if not 0 < done < total or elapsed < _LEAST_SECONDS:
        return None
    since = max(0.0, (clock.now() - seen).total_seconds())
    return max(0.0, elapsed * (total - done) / done - since)
