"""The only writer of a status that an operation or an admin changes.

Each function is one transaction of conditional UPDATEs: on the old status, and for a worker on
its operation's fence. The row counts must match, and an event row goes in with the change. A
group's move covers all its volumes in one statement, all or none. The number of statements does
not depend on the number of volumes.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import models as db, transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest, Now

from groups import clock, compiled, epochs, errors, members, messages, models, passing, queueing, statuses
from groups.compiled import slot
from groups.statuses import Axis, OperationState

GIVEN_BACK = "given back by"
"""How the event of a claim says that the owner before had let go of the operation, and was not merely silent."""
_BUSY = "Another operation is open on {subject} {id}: {kind}, {state}."


@dataclasses.dataclass(frozen=True, kw_only=True)
class End:
    """How an operation ended, and what goes into the same transaction."""

    state: OperationState
    to: str = ""
    """Where success ends, for a verb whose move leaves it open; one of the move's outcomes."""
    code: str = ""
    error: str = ""
    truth: str = ""
    remedy: str = ""
    incident: str = ""
    result: Mapping[str, object] = dataclasses.field(default_factory=dict)
    subject_fields: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """Columns of the group or volume that are no status, such as `active_backend_id`."""
    within: Callable[[], None] | None = None
    """Runs inside the transaction, before the statuses move."""


def start(operation: models.Operation, *, subject: models.About, reason: str = "") -> None:
    """Record an accepted operation and show its passing statuses; wake a worker once committed.

    Call it inside the transaction that checked. Raises `Busy` when another operation is open
    on the subject, `WrongState` when a status is not the one that was checked.
    """
    if _OPERATIONS.run([operation]) != 1:
        raise _busy(subject)
    events = [_event(operation, Axis.OPERATION, "", operation.state, reason=reason or "accepted")]
    move = statuses.MOVES[operation.kind]
    events.append(_event(operation, move.axis, _current(subject, move), move.passing, reason=reason or operation.kind))
    if move.sources:
        _move_subject(subject, move)
        members.show_passing(operation, subject, move)
    _EVENTS.run(events)
    queueing.wake(operation)


def start_beside(operation: models.Operation, *, reason: str = "") -> None:
    """Record an accepted operation that moves no status, as of a drill; wake a worker once committed."""
    operation.save(force_insert=True)
    _EVENTS.run([_event(operation, Axis.OPERATION, "", operation.state, reason=reason or "accepted")])
    queueing.wake(operation)


def claimable() -> db.Q:
    """Return the condition that an operation waits for a worker: queued, due again, or its owner silent."""
    silent = db.Q(lease_until__isnull=True) | db.Q(lease_until__lt=Now())
    return (
        db.Q(state=OperationState.QUEUED)
        | db.Q(state=OperationState.WAITING, not_before__lte=Now())
        | (db.Q(state__in=(OperationState.RUNNING, OperationState.CANCELING)) & silent)
    )


def claim(
    operation_id: uuid.UUID, *, owner: str, lease_seconds: float, left_at_fence: int | None = None
) -> models.Operation | None:
    """Make `owner` the one worker of an operation that is due or whose owner went silent.

    Also of one whose owner left it to this one, under the claim with that fence. Bumps the fence and
    the subject's epoch. Returns None when somebody else has it, it is not due, or it has ended. The
    lease is measured by the database's clock.
    """
    left = left_at_fence is not None
    with transaction.atomic():
        operation = _may_be_claimed(left=left).first(pk=operation_id, left_at_fence=left_at_fence)
        if operation is None:
            return None
        state = OperationState.CANCELING if operation.state == OperationState.CANCELING else OperationState.RUNNING
        claimed = _claimed(left=left).run(
            pk=operation_id,
            left_at_fence=left_at_fence,
            fence=operation.fence,
            before=operation.state,
            state=state,
            owner=owner,
            lease=datetime.timedelta(seconds=lease_seconds),
        )
        if claimed != 1:
            return None
        why = f"claimed by {owner}"
        if operation.owner:
            given_back = operation.lease_until is None
            why = (
                f"{why}, {GIVEN_BACK} {operation.owner}"
                if given_back
                else f"taken over from {operation.owner} by {owner}"
            )
        event = _event(operation, Axis.OPERATION, operation.state, state, reason=why)
        operation.state, operation.owner = state, owner
        operation.fence += 1
        operation.attempt += 1
        epochs.raise_for(operation)
        _EVENTS.run([event])
    return operation


def wait(operation: models.Operation, *, seconds: float, code: str, error: str) -> bool:
    """Let an operation wait before it is tried again; `seconds` from now by the database's clock.

    Returns False, with nothing changed, when it was asked to stop meanwhile. Raises `LeaseLost`.
    """
    with transaction.atomic():
        changed = models.Operation.objects.filter(
            pk=operation.pk, fence=operation.fence, state=OperationState.RUNNING
        ).update(
            state=OperationState.WAITING,
            failures=F("failures") + 1,
            not_before=Now() + datetime.timedelta(seconds=seconds),
            lease_until=None,
            owner="",
            dispatched_at=None,
            error_code=code,
            error=error,
        )
        if changed == 1:
            why = f"tried again in {seconds:.1f} s: {error}"
            _EVENTS.run([_event(operation, Axis.OPERATION, operation.state, OperationState.WAITING, reason=why)])
            return True
    if models.Operation.objects.filter(pk=operation.pk, fence=operation.fence, state=OperationState.CANCELING).exists():
        operation.state = OperationState.CANCELING
        return False
    raise errors.LeaseLost(f"operation {operation.pk}, fence {operation.fence}")


def end(operation: models.Operation, *, how: End) -> None:
    """Write an operation's end and the statuses that go with it. Raises `LeaseLost`."""
    with transaction.atomic():
        # It may have been asked to stop since this worker looked last; the event is to say so.
        begun = (OperationState.RUNNING, OperationState.CANCELING)
        before = next((state for state in begun if _end_row(operation, how, before=state)), None)
        if before is None:
            raise errors.LeaseLost(f"operation {operation.pk}, fence {operation.fence}")
        operation.state = before
        _settle(operation, how)


def cancel_queued(operation: models.Operation, *, actor: str) -> bool:
    """End at once an operation no worker has ever taken; return False when one has."""
    how = End(state=OperationState.CANCELED, code="canceled", error=f"Canceled by {actor} before it began.")
    with transaction.atomic():
        changed = models.Operation.objects.filter(pk=operation.pk, state=OperationState.QUEUED, attempt=0).update(
            cancel_requested_at=Now(), **_told(how), **_OVER
        )
        if changed != 1:
            return False
        _settle(operation, how, actor=actor)
    return True


def request_cancel(operation: models.Operation, *, actor: str) -> bool:
    """Ask a begun operation to stop and undo; return False when it has ended or is stopping."""
    with transaction.atomic():
        old = models.Operation.objects.select_for_update().values_list("state", flat=True).get(pk=operation.pk)
        changed = models.Operation.objects.filter(
            pk=operation.pk, state=old, state__in=_may_become(OperationState.CANCELING)
        ).update(state=OperationState.CANCELING, cancel_requested_at=Now(), dispatched_at=None)
        if changed != 1:
            return False
        why = "cancel requested"
        _EVENTS.run([_event(operation, Axis.OPERATION, old, OperationState.CANCELING, reason=why, actor=actor)])
        queueing.wake(operation)
    return True


def reset(subject: models.About, *, axis: Axis, to: str, reason: str, actor: str) -> None:
    """Correct a status by hand. A group's replication status is set for its volumes too.

    Raises `InvalidInput` for a status no reset may set, `WrongState` when it changed meanwhile.
    """
    table = statuses.RESETS[axis]
    if to not in table.targets:
        raise errors.InvalidInput(f"'{to}' cannot be set by hand. Possible: {', '.join(sorted(table.targets))}.")
    column = passing.COLUMN[axis]
    old = getattr(subject, column)
    with transaction.atomic():
        changed = (
            type(subject)
            .objects.filter(pk=subject.pk, **{column: old})
            .update(**{column: to, "updated_at": clock.now()})
        )
        if changed != 1:
            raise errors.WrongState(f"The status of {subject.pk} changed meanwhile.")
        volumes = 0
        if axis is Axis.REPLICATION and isinstance(subject, models.Group):
            volumes = models.Volume.objects.filter(group_id=subject.pk).update(replication_status=to)
        models.Event.objects.create(
            at=clock.now(),
            axis=axis,
            subject_id=subject.pk,
            group_id=_group_id(subject),
            project_id=subject.project_id,
            volumes=volumes,
            old=old,
            new=to,
            reason=reason,
            actor=actor,
        )
    setattr(subject, column, to)


def let_go(volume_ids: Iterable[uuid.UUID | str], *, operation: models.Operation) -> None:
    """Take volumes out of their group, replicated no more. Runs within `end`."""
    ids = list(volume_ids)
    # The storage may have seen the group's epoch on them: their own must not fall behind it.
    epoch = Greatest("epoch", Value(operation.epoch))
    models.Volume.objects.filter(pk__in=ids).update(group=None, epoch=epoch)
    disabled = statuses.ReplicationStatus.DISABLED
    changed = (
        models.Volume.objects.filter(pk__in=ids)
        .exclude(replication_status=disabled)
        .update(replication_status=disabled)
    )
    if changed:
        _EVENTS.run([_event(operation, Axis.REPLICATION, "", disabled, reason="left the group", volumes=changed)])


# What the functions above share.


def _may_become(state: OperationState) -> set[OperationState]:
    """Return the states of an operation that the table lets move to this one."""
    return {before for before, after in statuses.OPERATION_MOVES.items() if state in after}


def _busy(subject: models.About) -> errors.Busy:
    other = models.Operation.objects.filter(subject_id=subject.pk, state__in=statuses.OPEN).first()
    return errors.Busy(
        _BUSY.format(
            subject=subject.noun,
            id=subject.pk,
            kind=other.kind if other else "unknown",
            state=other.state if other else "just ended",
        )
    )


def _current(subject: models.About, move: statuses.Move) -> str:
    return getattr(subject, passing.COLUMN[move.axis]) if move.sources else ""


def _move_subject(subject: models.About, move: statuses.Move) -> None:
    column = passing.COLUMN[move.axis]
    if passing.shown(type(subject), move.verb).run(of=subject.pk, now=clock.now()) != 1:
        raise errors.WrongState(f"The {column} of {subject.pk} changed meanwhile.")
    setattr(subject, column, move.passing)


def _end_row(operation: models.Operation, how: End, *, before: OperationState) -> bool:
    """Write the end where this claim holds and the state is the one given."""
    if before not in _may_become(how.state):
        return False
    return _ENDED.run(pk=operation.pk, fence=operation.fence, before=before, **_told(how)) == 1


def _told(how: End) -> dict[str, Any]:
    """Return what an operation's row says of its end."""
    return {
        "state": how.state,
        "error_code": how.code,
        "error": how.error,
        "truth": how.truth,
        "remedy": how.remedy,
        "incident": how.incident,
        "result": dict(how.result),
    }


_OVER: dict[str, Any] = {"ended_at": Now(), "lease_until": None, "not_before": None, "waiting_for": ""}
"""What is the same in every row that has ended."""


def _settle(operation: models.Operation, how: End, *, actor: str = "") -> None:
    """Move the subject and its members out of their passing statuses, with events."""
    subject = _locked_subject(operation)
    if how.within is not None:
        how.within()
    if operation.kind == statuses.Kind.UPDATE_GROUP and how.state != OperationState.SUCCEEDED:
        # They have been members since the request, whoever ends it.
        let_go(operation.arguments["added"], operation=operation)
    events = [_event(operation, Axis.OPERATION, operation.state, how.state, reason=how.error or "done", actor=actor)]
    operation.state = how.state
    if subject is not None and operation.kind not in statuses.WITHOUT_MOVE:
        move = statuses.MOVES[operation.kind]
        success = how.to if how.to in move.outcomes else move.success
        to = {OperationState.SUCCEEDED: success, OperationState.CANCELED: move.canceled}.get(how.state, move.failure)
        events.append(_leave_passing(operation, subject, move=move, to=to, how=how, actor=actor))
        if how.state == OperationState.SUCCEEDED and move.mends and (event := _leave_error(operation, subject)):
            events.append(event)
    _EVENTS.run(events)
    if how.state == OperationState.FAILED:
        messages.of_failure(operation, code=how.code, error=how.error, truth=how.truth, remedy=how.remedy)
    if operation.site_failover_id is not None:
        queueing.wake_site(operation.site_failover_id)


def _locked_subject(operation: models.Operation) -> models.About | None:
    subject = operation.about
    if subject is None:
        return None
    locked: models.About = _locked(type(subject)).all(pk=subject.pk)[0]
    return locked


def _leave_passing(
    operation: models.Operation,
    subject: models.About,
    *,
    move: statuses.Move,
    to: str,
    how: End,
    actor: str,
) -> models.Event:
    column = passing.COLUMN[move.axis]
    shown = getattr(subject, f"previous_{column}") if to == statuses.PREVIOUS else to
    event = _event(operation, move.axis, getattr(subject, column), shown, reason=how.error or "done", actor=actor)
    if to == statuses.GONE:
        members.delete(subject)
        return event
    fields = how.subject_fields
    left = passing.left(type(subject), move.verb, back=to == statuses.PREVIOUS, besides=tuple(fields))
    changed = left.run(of=subject.pk, to=to, now=clock.now(), **fields)
    moved = members.leave_passing(subject, move=move, to=to)
    if how.state == OperationState.SUCCEEDED and (changed, moved) != (1, members.expected(operation, move)):
        raise errors.WrongState(
            f"The statuses of {subject.pk} are not those its operation left: success is not claimed."
        )
    return event


def _leave_error(operation: models.Operation, subject: models.About) -> models.Event | None:
    """Turn the own status of a group in error into available; return the event, or None when it was in no error."""
    error, available = statuses.GroupStatus.ERROR, statuses.GroupStatus.AVAILABLE
    if not models.Group.objects.filter(pk=subject.pk, status=error).update(status=available):
        return None
    return _event(operation, Axis.GROUP, error, available, reason="every member was found where it belongs")


def _group_id(subject: models.About) -> uuid.UUID | None:
    if isinstance(subject, models.Group):
        return subject.pk
    return subject.volume.group_id if isinstance(subject, models.Snapshot) else subject.group_id


def _event(
    operation: models.Operation,
    axis: Axis,
    old: str,
    new: str,
    *,
    reason: str,
    actor: str = "",
    volumes: int | None = None,
) -> models.Event:
    about_operation = axis is Axis.OPERATION
    return models.Event(
        at=clock.now(),
        axis=axis,
        subject_id=operation.pk if about_operation else operation.subject_id,
        group_id=operation.group_id,
        project_id=operation.project_id or "",
        operation=operation,
        volumes=0 if about_operation else (operation.members if volumes is None else volumes),
        old=old,
        new=new,
        reason=reason,
        actor=actor or operation.user_name or operation.user_id,
    )


# The statements that every operation runs.

_EVENTS = compiled.Insert(models.Event)
_OPERATIONS = compiled.Insert(models.Operation, unless_there=True)


@functools.cache
def _may_be_claimed(*, left: bool) -> compiled.Select[models.Operation]:
    return compiled.Select(lambda: models.Operation.objects.filter(pk=slot("pk")).filter(_claimable_by(left=left)))


@functools.cache
def _claimed(*, left: bool) -> compiled.Update:
    # In the state that was read: a cancellation requested since must not be written over.
    same = db.Q(pk=slot("pk"), fence=slot("fence"), state=slot("before"))
    return compiled.Update(
        lambda: (
            models.Operation.objects.filter(same).filter(_claimable_by(left=left)),
            {
                "state": slot("state"),
                "owner": slot("owner"),
                "fence": F("fence") + 1,
                "attempt": F("attempt") + 1,
                "lease_until": Now() + slot("lease", db.DurationField()),
                "heartbeat_at": Now(),
                # Its message has done its work: should this worker die, the next one is sent without delay.
                "dispatched_at": None,
                "started_at": Coalesce("started_at", Now()),
                "not_before": None,
            },
        )
    )


def _claimable_by(*, left: bool) -> db.Q:
    return db.Q(fence=slot("left_at_fence")) if left else claimable()


@functools.cache
def _locked(model: type[models.About]) -> compiled.Select[Any]:
    return compiled.Select(lambda: model.objects.select_for_update().filter(pk=slot("pk")))


_ENDED = compiled.Update(
    lambda: (
        models.Operation.objects.filter(pk=slot("pk"), fence=slot("fence"), state=slot("before")),
        {**{name: slot(name) for name in _told(End(state=OperationState.FAILED))}, **_OVER},
    )
)
