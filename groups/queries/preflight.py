"""What is checked before a verb is asked for: by the record and by the newest look, in one list.

Nothing is refused here: the services decide, and the operation's own preflight asks the storage.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from django.conf import settings
from django.db import models as db

from groups import clock, drills, findings, models, queues, statuses
from groups.queries import lag, objectives, possible, watching
from groups.queries.findings import ignored
from groups.statuses import Kind

_FRESH_LOOKS = 3
"""How many intervals of the observe tick ago a look may have been."""
_LEAST_FRESH_SECONDS = 30.0
_PROOFS = 100
"""How many of the newest failovers and drills of a group are looked through for its targets."""
_NEVER: tuple[datetime.datetime | None, str] = (None, "")


class Result(StrEnum):
    """What became of one check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    result: Result
    said: str


def checks(standing: possible.Standing, kind: Kind, *, sides: Mapping[str, models.SideObservation]) -> list[Check]:
    """Return what speaks for and against a verb on a group now, in a number of statements that does not grow."""
    found = [*_of_record(standing, kind), _workers(kind), _findings(standing.group)]
    if kind in {Kind.FAILOVER, Kind.FAILBACK}:
        found += [*_of_move(standing, kind, sides), _objective(standing.group)]
    return found


def observed(group: models.Group) -> dict[str, models.SideObservation]:
    """Return what the newest look found of a group on each side."""
    return {row.backend_id: row for row in models.SideObservation.objects.filter(group=group)}


def is_fresh(seen: models.SideObservation) -> bool:
    """Tell whether a look was recent enough to go by."""
    longest = max(_LEAST_FRESH_SECONDS, _FRESH_LOOKS * settings.REPLSITE.observe_seconds)
    return (clock.now() - seen.observed_at).total_seconds() <= longest


def _of_record(standing: possible.Standing, kind: Kind) -> Iterator[Check]:
    why = possible.why_not(standing, kind)
    said = why or f"{_counted(standing.size)}, and the statuses of all allow it."
    yield Check(name="Statuses", result=Result.FAILED if why else Result.OK, said=said)
    if standing.attached:
        said = f"{standing.attached} of {_counted(standing.size)} are attached to hosts."
        yield Check(name="Attachments", result=Result.WARNING, said=said)
    else:
        yield Check(name="Attachments", result=Result.OK, said="No volume is attached.")


def _workers(kind: Kind) -> Check:
    queue = queues.of_kind(kind)
    found = watching.standing()
    readers = found.readers(queue)
    waited = found.waiting_seconds.get(queue, 0.0)
    if not readers:
        return Check(name="Workers", result=Result.FAILED, said=f"No worker reads the queue '{queue}': it would wait.")
    if waited > settings.REPLSITE.redispatch_seconds:
        said = f"Another operation has waited {waited:.0f} s in the queue '{queue}'."
        return Check(name="Workers", result=Result.WARNING, said=said)
    one = len(readers) == 1
    return Check(
        name="Workers", result=Result.OK, said=f"{len(readers)} worker{' reads' if one else 's read'} its queue."
    )


def _findings(group: models.Group) -> Check:
    rows = models.Finding.objects.filter(subject_id=group.pk, closed_at__isnull=True).exclude(ignored())
    found = list(rows.order_by("created_at"))
    if not found:
        return Check(name="Findings", result=Result.OK, said="The storage says what is recorded.")
    critical = any(row.severity == findings.Severity.CRITICAL for row in found)
    said = " ".join(findings.MEANINGS[findings.Code(row.code)].title for row in found)
    return Check(name="Findings", result=Result.FAILED if critical else Result.WARNING, said=said)


def _of_move(standing: possible.Standing, kind: Kind, sides: Mapping[str, models.SideObservation]) -> Iterator[Check]:
    active = standing.group.active_backend_id
    yield _answers(f"{active or 'The primary'}, the side it runs on", sides.get(active), needed_for="a planned move")
    targets: Sequence[str] = [""] if kind is Kind.FAILBACK else [name for name in standing.targets if name != active]
    for name in targets:
        seen = sides.get(name)
        yield _answers(name or "The primary", seen, needed_for="any move there")
        if kind is Kind.FAILOVER and seen is not None and seen.reachable and seen.consistent_at is None:
            said = "It holds no complete point of the group."
            yield Check(name=f"Point on {name}", result=Result.FAILED, said=said)


def _answers(name: str, seen: models.SideObservation | None, *, needed_for: str) -> Check:
    if seen is None:
        return Check(name=name, result=Result.UNKNOWN, said="Nobody has looked yet.")
    ago = f"at the last look, {(clock.now() - seen.observed_at).total_seconds():.0f} s ago"
    if not is_fresh(seen):
        said = f"{'Answered' if seen.reachable else 'Did not answer'} {ago}: too long to go by."
        return Check(name=name, result=Result.UNKNOWN, said=said)
    if not seen.reachable:
        return Check(name=name, result=Result.FAILED, said=f"Did not answer {ago}; {needed_for} needs it.")
    return Check(name=name, result=Result.OK, said=f"Answered {ago}.")


def _objective(group: models.Group) -> Check:
    found = objectives.standing(group)
    if found.rpo_state is None:
        return Check(name="Lag objective", result=Result.UNKNOWN, said="It is not protected: there is nothing to lag.")
    limit = found.objectives.rpo.critical or found.objectives.rpo.warning or 0.0
    now = "unknown" if found.lag_seconds is None else f"{found.lag_seconds:.0f} s"
    result = {"ok": Result.OK, "warning": Result.WARNING}.get(found.rpo_state, Result.FAILED)
    return Check(name="Lag objective", result=result, said=f"The newest complete point is {now} old, of {limit:.0f} s.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Advice:
    """One target to fail over to, and what speaks for it."""

    loss: lag.Loss
    is_default: bool
    proven_at: datetime.datetime | None
    """When a failover or a drill to it succeeded last; None when none ever did."""
    proven_by: str
    """By which of the two."""


def advice(standing: possible.Standing) -> list[Advice]:
    """Return the targets a group can be failed over to, the best one first: answers, least loss, proven."""
    group = standing.group
    proven = _proven(group)
    return [
        Advice(
            loss=loss,
            is_default=loss.backend_id == next(iter(standing.targets), ""),
            proven_at=proven.get(loss.backend_id, _NEVER)[0],
            proven_by=proven.get(loss.backend_id, _NEVER)[1],
        )
        for loss in lag.losses(group)
        if loss.backend_id
    ]


def _proven(group: models.Group) -> dict[str, tuple[datetime.datetime, str]]:
    """Return by target when a failover or a drill to it succeeded last, and which of them it was."""
    moved = models.Operation.objects.filter(
        subject_id=group.pk, kind=Kind.FAILOVER, state=statuses.OperationState.SUCCEEDED, ended_at__isnull=False
    )
    passed = models.DrillRun.objects.filter(subject_id=group.pk, verdict=drills.Verdict.PASSED, ended_at__isnull=False)
    times = [
        *((ended, "failover", row) for row, ended in _newest(moved, "arguments")),
        *((ended, "drill", row) for row, ended in _newest(passed, "terms")),
    ]
    # The newest comes last, and stays.
    return {str(row.get("target", "")): (ended, how) for ended, how, row in sorted(times, key=lambda each: each[0])}


def _newest(rows: db.QuerySet[Any], column: str) -> list[tuple[dict[str, Any], datetime.datetime]]:
    return list(rows.order_by("-ended_at").values_list(column, "ended_at")[:_PROOFS])


def _counted(count: int) -> str:
    return f"{count} volume{'' if count == 1 else 's'}"
