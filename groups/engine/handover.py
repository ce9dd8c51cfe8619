"""Who must connect anew after a move: the hosts that have volumes of the group."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from drivers import base
from drivers.errors import DriverError
from groups import compiled, models
from groups.compiled import slot
from groups.models.backends import DEFAULT_TARGET
from groups.statuses import AttachStatus

Entry = dict[str, object]

_ATTACHED = compiled.Select(
    lambda: models.Attachment.objects.filter(
        volume__group_id=slot("group_id"), attach_status=AttachStatus.ATTACHED
    ).order_by("created_at", "id")
)


def list_hosts(driver: base.Driver, *, group: base.Group, before: str, after: str) -> Sequence[Entry]:
    """Return each attachment of the group's volumes with the connection it had and the one it has now.

    In one statement, and without a call of the storage. A move to where the group is changes nothing.
    """
    if before == after:
        return ()
    return [
        {
            "volume_id": str(row.volume_id),
            "attachment_id": str(row.pk),
            "instance_id": row.instance_id,
            "host": row.host,
            "mountpoint": row.mountpoint,
            "before": _connection(driver, str(row.volume_id), backend_id=before),
            "after": _connection(driver, str(row.volume_id), backend_id=after),
        }
        for row in _ATTACHED.all(group_id=uuid.UUID(group.id))
    ]


def _connection(driver: base.Driver, volume_id: str, *, backend_id: str) -> Entry:
    side = backend_id or DEFAULT_TARGET
    try:
        found = driver.connection(volume_id, backend_id=backend_id)
    except DriverError as error:
        # A side that was left may be configured no more: a list must not make a failure of the move.
        return {"driver_volume_type": "", "backend_id": side, "data": {}, "error": error.message}
    return {"driver_volume_type": found.kind, "backend_id": side, "data": dict(found.data)}
