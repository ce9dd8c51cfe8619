"""One handler a verb: its steps, and what goes into the transaction that ends it."""

from __future__ import annotations

from groups.engine.context import Context
from groups.engine.handlers.base import Handler
from groups.engine.handlers.copies import CopyGroup, Copying
from groups.engine.handlers.drills import Drill
from groups.engine.handlers.failover import Failback, Failover
from groups.engine.handlers.findings import Adopt, Restore
from groups.engine.handlers.groups import CreateGroup, DeleteGroup, UpdateGroup
from groups.engine.handlers.protection import Disable, Enable
from groups.engine.handlers.snapshots import DeleteSnapshot, TakeSnapshot
from groups.engine.handlers.volumes import CreateVolume, DeleteVolume, ExtendVolume
from groups.statuses import Kind

_HANDLERS: dict[Kind, type[Handler]] = {
    Kind.CREATE_GROUP: CreateGroup,
    Kind.UPDATE_GROUP: UpdateGroup,
    Kind.DELETE_GROUP: DeleteGroup,
    Kind.COPY_GROUP: CopyGroup,
    Kind.CREATE_VOLUME: CreateVolume,
    Kind.EXTEND_VOLUME: ExtendVolume,
    Kind.DELETE_VOLUME: DeleteVolume,
    Kind.CREATE_SNAPSHOT: TakeSnapshot,
    Kind.DELETE_SNAPSHOT: DeleteSnapshot,
    Kind.CREATE_GROUP_SNAPSHOT: TakeSnapshot,
    Kind.DELETE_GROUP_SNAPSHOT: DeleteSnapshot,
    Kind.ENABLE: Enable,
    Kind.DISABLE: Disable,
    Kind.FAILOVER: Failover,
    Kind.FAILBACK: Failback,
    Kind.ADOPT: Adopt,
    Kind.RESTORE: Restore,
    Kind.DRILL: Drill,
}


def handler_for(context: Context) -> Handler:
    """Return the handler of a claimed operation."""
    kind = Kind(context.operation.kind)
    if kind is Kind.CREATE_VOLUME and context.arguments:
        return Copying(context)
    return _HANDLERS[kind](context)
