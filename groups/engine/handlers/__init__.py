"""One handler a verb: its steps, and what goes into the transaction that ends it."""

from __future__ import annotations

from groups.engine.context import Context
from groups.engine.handlers.base import Handler
from groups.engine.handlers.failover import Failback, Failover
from groups.engine.handlers.findings import Adopt, Restore
from groups.engine.handlers.groups import CreateGroup, DeleteGroup, UpdateGroup
from groups.engine.handlers.protection import Disable, Enable
from groups.engine.handlers.volumes import CreateVolume, DeleteVolume
from groups.statuses import Kind

_HANDLERS: dict[Kind, type[Handler]] = {
    Kind.CREATE_GROUP: CreateGroup,
    Kind.UPDATE_GROUP: UpdateGroup,
    Kind.DELETE_GROUP: DeleteGroup,
    Kind.CREATE_VOLUME: CreateVolume,
    Kind.DELETE_VOLUME: DeleteVolume,
    Kind.ENABLE: Enable,
    Kind.DISABLE: Disable,
    Kind.FAILOVER: Failover,
    Kind.FAILBACK: Failback,
    Kind.ADOPT: Adopt,
    Kind.RESTORE: Restore,
}


def handler_for(context: Context) -> Handler:
    """Return the handler of a claimed operation."""
    return _HANDLERS[Kind(context.operation.kind)](context)
