"""Engines broken on purpose, to see that the judge notices.

`plant` breaks the running process for good, as a worker started with `planted_app` is; `planted`
breaks it for a while.
"""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db import models as db
from django.db.models.functions import Now

from groups import compiled, epochs, models, transitions
from groups.engine import runner
from groups.engine.steps import Step, Work
from groups.statuses import OperationState

Patch = tuple[object, str, object]
"""An object, the name of one of its attributes, and what that becomes."""


def plant(name: str) -> None:
    """Break the engine of this process. Raises `ValueError` for a fault nobody knows."""
    for owner, attribute, broken in _patches(name):
        setattr(owner, attribute, broken)
    _forget_what_is_compiled()


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Break the engine of this process, and mend it at the end."""
    whole = [(owner, attribute, getattr(owner, attribute)) for owner, attribute, _ in _patches(name)]
    plant(name)
    try:
        yield
    finally:
        for owner, attribute, original in whole:
            setattr(owner, attribute, original)
        _forget_what_is_compiled()


def _forget_what_is_compiled() -> None:
    """Have every statement compiled anew: one that was is the same whatever its query has become."""
    for each in gc.get_objects():
        if isinstance(each, compiled._Statement):
            each._here = threading.local()


def _patches(name: str) -> Sequence[Patch]:
    if name not in PLANTS:
        raise ValueError(f"'{name}' is no fault that can be planted. Possible: {', '.join(PLANTS)}.")
    return PLANTS[name]()


def _without_lease_check() -> Sequence[Patch]:
    """Let any worker claim what another one works at."""

    def claimable() -> db.Q:
        begun = db.Q(state__in=(OperationState.QUEUED, OperationState.RUNNING, OperationState.CANCELING))
        return begun | db.Q(state=OperationState.WAITING, not_before__lte=Now())

    return [(transitions, "claimable", claimable)]


def _without_fence() -> Sequence[Patch]:
    """Let the writes and the driver calls of a worker that lost its claim go through."""
    select, raise_epoch = db.QuerySet.filter, epochs.raise_for

    def select_whatever_the_fence(rows: db.QuerySet[Any], *conditions: object, **values: object) -> db.QuerySet[Any]:
        kept = {name: value for name, value in values.items() if name not in {"fence", "operation__fence"}}
        return select(rows, *conditions, **kept)

    def raise_epoch_once(operation: models.Operation) -> None:
        if operation.attempt == 1:
            raise_epoch(operation)

    return [
        (db.QuerySet, "filter", select_whatever_the_fence),
        (epochs, "raise_for", raise_epoch_once),
    ]


def _success_before_step() -> Sequence[Patch]:
    """Write success down before the first step that changes anything is done."""
    make = runner._Attempt._call

    def call(attempt: runner._Attempt, step: Step, work: Work, *, may_stop: bool) -> dict[str, object] | None:
        untouched = attempt.operation.state == OperationState.RUNNING and work is step.run
        if untouched and not step.every_attempt and attempt.handler is not None:
            attempt._succeed(attempt.handler)
        return make(attempt, step, work, may_stop=may_stop)

    return [(runner._Attempt, "_call", call)]


PLANTS: Mapping[str, Callable[[], Sequence[Patch]]] = {
    "no lease check": _without_lease_check,
    "no fence": _without_fence,
    "success before step": _success_before_step,
}
