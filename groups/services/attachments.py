"""Attachments of volumes to hosts: create, say how, complete, end.

The storage lets every host in that knows the way, so that these verbs change rows alone, at once.
Each is refused while an operation is open on the volume or its group: where the data is would not
be certain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from groups import callers, client_transitions, clock, errors, models, statuses
from groups.queries import visible
from groups.services import auditing, policies, recording
from groups.statuses import AttachStatus, VolumeStatus

Connector = Mapping[str, object]
_LONGEST = 255


def create(
    caller: callers.Caller,
    *,
    volume_id: object,
    instance_id: str | None = None,
    connector: Connector | None = None,
    mode: str | None = None,
) -> models.Attachment:
    """Promise a volume to a host; with a connector, tell it how to connect at once.

    A volume that is not for several hosts is promised once, but again to the same instance.
    """
    with transaction.atomic():
        volume = recording.volume_to_change(
            caller, volume_id, rule="volume:attachment_create", what="create an attachment"
        )
        _refuse_in_error(volume, verb="created")
        instance = instance_id or ""
        move = _promise_for(volume, instance)
        row = models.Attachment(
            volume=volume, project_id=volume.project_id, instance_id=instance, mode=_mode(volume, mode or "")
        )
        new = client_transitions.Change(row=row, to=AttachStatus.RESERVED)
        client_transitions.serve(volume, move=move, changes=[new], actor=caller.user_name)
        if connector:
            _connect(caller, volume, row, connector)
        auditing.note(caller, action="attachment:create", subject=row)
    return row


def update(caller: callers.Caller, *, attachment_id: object, connector: Connector) -> models.Attachment:
    """Take in what a host says of itself, and tell it how to connect. It connects, then completes."""
    with transaction.atomic():
        volume, row = _held(caller, attachment_id, rule="volume:attachment_update", what="update its attachment")
        _refuse_in_error(volume, verb="updated")
        _connect(caller, volume, row, connector)
        auditing.note(caller, action="attachment:connect", subject=row)
    return row


def complete(caller: callers.Caller, *, attachment_id: object) -> models.Attachment:
    """Take note that the host is connected."""
    with transaction.atomic():
        volume, row = _held(caller, attachment_id, rule="volume:attachment_complete", what="complete its attachment")
        if row.attach_status == AttachStatus.RESERVED:
            raise errors.WrongState(
                f"Invalid volume: Attachment {row.pk} is reserved; its host has not said how it connects.",
                remedy="Update the attachment with a connector first.",
            )
        if row.attach_status == AttachStatus.ATTACHING:
            _refuse_unless_of_clients(volume, verb="complete the attachment")
            changed = client_transitions.Change(row=row, to=AttachStatus.ATTACHED, fields={"attached_at": clock.now()})
            client_transitions.serve(volume, move=statuses.COMPLETE, changes=[changed], actor=caller.user_name)
            auditing.note(caller, action="attachment:complete", subject=row)
    return row


def delete(caller: callers.Caller, *, attachment_id: object) -> list[models.Attachment]:
    """End an attachment; return those the volume has left."""
    with transaction.atomic():
        volume, row = _held(caller, attachment_id, rule="volume:attachment_delete", what="delete its attachment")
        end(caller, volume, [row])
    return list(models.Attachment.objects.filter(volume=volume))


def end(caller: callers.Caller, volume: models.Volume, rows: Sequence[models.Attachment]) -> None:
    """End attachments of a volume whose row is held; its status follows what is left."""
    for row in rows:
        auditing.note(caller, action="attachment:delete", subject=row)
    gone = [client_transitions.Change(row=row, to=statuses.GONE) for row in rows]
    client_transitions.serve(volume, move=statuses.DETACH, changes=gone, actor=caller.user_name)


def mode_for(volume: models.Volume, wanted: str) -> str:
    """Return how a host may attach a volume. Raises `InvalidInput` for writing on a read-only one."""
    if volume.readonly and wanted != "ro":
        raise errors.InvalidInput(f"Invalid attaching mode '{wanted}' for volume {volume.pk}.")
    return wanted


def _held(
    caller: callers.Caller, attachment_id: object, *, rule: str, what: str
) -> tuple[models.Volume, models.Attachment]:
    """Return an attachment with its volume, whose row is held."""
    found = visible.attachment(caller, attachment_id)
    policies.require(caller, rule)
    volume = recording.volume_to_change(caller, found.volume_id, rule=rule, what=what)
    # Read again now that nobody else can change it.
    return volume, visible.attachment(caller, attachment_id)


def _connect(caller: callers.Caller, volume: models.Volume, row: models.Attachment, connector: Connector) -> None:
    _refuse_unless_of_clients(volume, verb="connect")
    fields = {
        "connector": dict(connector),
        "host": str(connector.get("host") or "")[:_LONGEST],
        "mountpoint": str(connector.get("mountpoint") or "")[:_LONGEST],
        # What was asked for when it was created counts more than what the host says.
        "mode": row.mode or _mode(volume, str(connector.get("mode") or "rw")),
        "attached_at": None,
    }
    changed = client_transitions.Change(row=row, to=AttachStatus.ATTACHING, fields=fields)
    client_transitions.serve(volume, move=statuses.CONNECT, changes=[changed], actor=caller.user_name)


def _mode(volume: models.Volume, wanted: str) -> str:
    """Return the mode to record: a read-only volume is attached for reading, whatever was asked for."""
    return "ro" if volume.readonly else wanted


def _promise_for(volume: models.Volume, instance: str) -> statuses.ClientMove:
    """Return how a volume may be promised now. Raises `WrongState`."""
    sources = set(statuses.PROMISE.sources)
    if volume.multiattach:
        sources |= statuses.PROMISE.shared_sources
    if volume.status in sources:
        return statuses.PROMISE
    has_it = bool(instance) and models.Attachment.objects.filter(volume=volume, instance_id=instance).exists()
    if has_it and volume.status in statuses.PROMISE_AGAIN.sources:
        return statuses.PROMISE_AGAIN
    raise errors.WrongState(
        f"Invalid volume: Volume {volume.pk} status must be {' or '.join(sorted(sources))} to reserve,"
        f" but the current status is {volume.status}."
    )


def _refuse_in_error(volume: models.Volume, *, verb: str) -> None:
    if volume.status in {VolumeStatus.ERROR, VolumeStatus.ERROR_DELETING}:
        raise errors.WrongState(
            f"Invalid volume: Volume attachments can not be {verb} if the volume is in an error state."
            f" The Volume {volume.pk} currently has a status of: {volume.status}."
        )


def _refuse_unless_of_clients(volume: models.Volume, *, verb: str) -> None:
    if volume.status not in statuses.OF_CLIENTS:
        raise errors.WrongState(f"Invalid volume: Volume {volume.pk} is {volume.status}. Cannot {verb}.")
