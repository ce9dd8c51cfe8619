"""Operations: cancel, and run again what failed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from django.db import transaction

from groups import callers, errors, models, statuses, transitions
from groups.queries import visible
from groups.services import auditing, extending, group_snapshots, groups, policies, replication, snapshots, volumes
from groups.statuses import Kind, OperationState


def once(
    caller: callers.Caller, *, key: str, digest: str, start: Callable[[callers.Caller], models.Operation]
) -> tuple[models.Operation, bool]:
    """Start an operation, unless a request of the caller with this key has: then return that one, and True.

    `digest` stands for what is asked for. Raises `RequestKeyReused` when the key was given to something else.
    """
    if (known := _of_request(caller, key=key, digest=digest)) is not None:
        return known, True
    try:
        return start(dataclasses.replace(caller, request_key=key, request_digest=digest)), False
    except errors.ReplsiteError:
        # The same request may have been taken meanwhile, and be what this one was refused for.
        if (known := _of_request(caller, key=key, digest=digest)) is not None:
            return known, True
        raise


def cancel(caller: callers.Caller, *, operation_id: object) -> models.Operation:
    """Stop an open operation: one not yet begun ends at once, a begun one undoes what it did."""
    operation = visible.operation(caller, operation_id)
    policies.require(caller, "operation:cancel")
    if not operation.is_open:
        raise errors.WrongState(f"Operation {operation.pk} has ended ({operation.state}); there is nothing to cancel.")
    with transaction.atomic():
        if not transitions.cancel_queued(operation, actor=caller.user_name):
            transitions.request_cancel(operation, actor=caller.user_name)
        auditing.note(caller, action="operation:cancel", subject=operation, operation_id=operation.pk)
    return visible.operation(caller, operation_id)


def retry(caller: callers.Caller, *, operation_id: object) -> models.Operation:
    """Ask for the same again after an operation failed or was canceled; return the new operation."""
    operation = visible.operation(caller, operation_id)
    policies.require(caller, "operation:retry")
    if operation.state not in {OperationState.FAILED, OperationState.CANCELED}:
        raise errors.WrongState(
            f"Operation {operation.pk} is {operation.state}; only a failed or canceled one is run again."
        )
    if operation.kind == Kind.DRILL:
        raise errors.WrongState(
            f"Operation {operation.pk} is a drill: run its plan now, which makes a run with a report of its own."
        )
    reason = f"retry of operation {operation.pk}"
    arguments = operation.arguments
    match operation.kind:
        case Kind.ENABLE:
            return replication.enable(caller, group_id=operation.subject_id, reason=reason)
        case Kind.DISABLE:
            return replication.disable(caller, group_id=operation.subject_id, reason=reason)
        case Kind.FAILOVER | Kind.FAILBACK:
            return replication.failover(
                caller,
                group_id=operation.subject_id,
                secondary_backend_id=arguments["target"] or models.backends.DEFAULT_TARGET,
                allow_attached_volume=arguments["allow_attached_volume"],
                mode=arguments["mode"],
                discard_bytes=arguments.get("discard_bytes"),
                reason=reason,
            )
        case Kind.ADOPT:
            return replication.adopt(caller, group_id=operation.subject_id, reason=reason)
        case Kind.RESTORE:
            return replication.restore(
                caller, group_id=operation.subject_id, reason=reason, discard_bytes=arguments.get("discard_bytes", 0)
            )
        case Kind.EXTEND_VOLUME:
            return extending.extend(caller, volume_id=operation.subject_id, size_gib=arguments["size_gib"])
        case _:
            return _delete_again(caller, operation)


def _delete_again(caller: callers.Caller, operation: models.Operation) -> models.Operation:
    subject_id = operation.subject_id
    match operation.kind:
        case Kind.DELETE_GROUP:
            return groups.delete(caller, group_id=subject_id, delete_volumes=operation.members > 0)
        case Kind.DELETE_VOLUME:
            return volumes.delete(caller, volume_id=subject_id, cascade="snapshots" in operation.arguments)
        case Kind.DELETE_SNAPSHOT:
            return snapshots.delete(caller, snapshot_id=subject_id)
        case Kind.DELETE_GROUP_SNAPSHOT:
            return group_snapshots.delete(caller, group_snapshot_id=subject_id)
        case _:
            raise errors.WrongState(
                f"A failed {statuses.Kind(operation.kind)} is not run again: delete what it left and create it anew."
            )


def _of_request(caller: callers.Caller, *, key: str, digest: str) -> models.Operation | None:
    found = models.Operation.objects.filter(user_id=caller.user_id, request_key=key).first()
    if found is not None and found.request_digest != digest:
        raise errors.RequestKeyReused(f"The request key '{key}' belongs to operation {found.pk}, of another request.")
    return found
