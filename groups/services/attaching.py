"""The older way of attaching: reserve, attach, detach, one verb a step, as volume actions."""

from __future__ import annotations

from django.db import transaction

from groups import callers, client_transitions, clock, errors, models, statuses
from groups.queries import visible
from groups.services import attachments, auditing, connections, recording
from groups.statuses import AttachStatus, VolumeStatus

ATTACHED, DETACHED = "attached", "detached"
RESETS = (ATTACHED, DETACHED)
_RULE = "volume_extension:volume_actions:"


def reserve(caller: callers.Caller, *, volume_id: object) -> None:
    """Show that a host is about to attach a volume, so that no other does."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule=f"{_RULE}reserve", what="reserve it")
        _check(volume, statuses.RESERVE, verb="reserve")
        client_transitions.serve(volume, move=statuses.RESERVE, actor=caller.user_name)


def unreserve(caller: callers.Caller, *, volume_id: object) -> None:
    """Take a reservation back; a volume that is not reserved is fine."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule=f"{_RULE}unreserve", what="unreserve it")
        if volume.status in statuses.UNRESERVE.sources:
            client_transitions.serve(volume, move=statuses.UNRESERVE, actor=caller.user_name)


def begin_detaching(caller: callers.Caller, *, volume_id: object) -> None:
    """Show that a host is about to detach a volume."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule=f"{_RULE}begin_detaching", what="detach it")
        attached = models.Attachment.objects.filter(volume=volume, attach_status=AttachStatus.ATTACHED).exists()
        if volume.status not in statuses.BEGIN_DETACHING.sources or not attached:
            raise errors.WrongState(
                "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be"
                f" 'attached' to detach. Volume {volume.pk} is {volume.status}."
            )
        client_transitions.serve(volume, move=statuses.BEGIN_DETACHING, actor=caller.user_name)


def roll_detaching(caller: callers.Caller, *, volume_id: object) -> None:
    """Show that a volume stays attached after all; one that is not being detached is fine."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule=f"{_RULE}roll_detaching", what="roll it back")
        if volume.status in statuses.ROLL_DETACHING.sources:
            client_transitions.serve(volume, move=statuses.ROLL_DETACHING, actor=caller.user_name)


def attach(
    caller: callers.Caller,
    *,
    volume_id: object,
    mountpoint: str,
    instance_id: str = "",
    host: str = "",
    mode: str = "rw",
) -> models.Attachment:
    """Record that an instance or a host has attached a volume; to the same one again changes nothing."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule=f"{_RULE}attach", what="attach it")
        there = models.Attachment.objects.filter(volume=volume, attach_status=AttachStatus.ATTACHED)
        if (row := there.filter(instance_id=instance_id, host=host).first()) is not None:
            return row
        _check(volume, statuses.ATTACH, verb="attach")
        if bool(instance_id) == bool(host):
            raise errors.InvalidInput(
                "Invalid request to attach volume: name an instance or a host, and not both at the same time."
            )
        attachments.mode_for(volume, mode)
        row = models.Attachment(
            volume=volume,
            project_id=volume.project_id,
            instance_id=instance_id,
            host=host,
            mountpoint=mountpoint,
            mode=mode,
            connector={"host": host} if host else {"instance": instance_id},
            attached_at=clock.now(),
        )
        new = client_transitions.Change(row=row, to=AttachStatus.ATTACHED)
        client_transitions.serve(volume, move=statuses.ATTACH, changes=[new], actor=caller.user_name)
        auditing.note(caller, action="attachment:create", subject=row)
    return row


def detach(caller: callers.Caller, *, volume_id: object, attachment_id: str | None = None, force: bool = False) -> None:
    """End an attachment, the only one if none is named; one that is gone already is fine.

    `force` is an admin's, and for a volume whose host will never say a word again.
    """
    rule = "volume_extension:volume_admin_actions:force_detach" if force else f"{_RULE}detach"
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule=rule, what="detach it")
        if volume.status == VolumeStatus.MAINTENANCE:
            raise errors.WrongState(
                f"Invalid volume: Unable to detach volume {volume.pk} in maintenance.",
                remedy="Have an admin reset its status first.",
            )
        rows = list(models.Attachment.objects.filter(volume=volume))
        if attachment_id is None and len(rows) > 1:
            raise errors.WrongState(
                f"Invalid volume: Detach volume failed: Volume {volume.pk} has {len(rows)} attachments, and no"
                " attachment_id was given."
            )
        if attachment_id is not None:
            rows = [row for row in rows if row.pk == visible.parsed_id(attachment_id)]
        if rows or volume.status == VolumeStatus.DETACHING:
            attachments.end(caller, volume, rows)


def initialize_connection(
    caller: callers.Caller, *, volume_id: object, connector: attachments.Connector
) -> connections.Data:
    """Return how a host reaches a volume on its active side; nothing is changed."""
    rule = f"{_RULE}initialize_connection"
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule=rule, what="connect to it")
    mode = str(connector.get("mode") or ("ro" if volume.readonly else "rw"))
    if mode not in models.ATTACHMENT_MODES:
        raise errors.InvalidInput(f"Invalid input received: '{mode}' is not a mode of access: use rw or ro.")
    return connections.to(volume, mode=attachments.mode_for(volume, mode))


def terminate_connection(caller: callers.Caller, *, volume_id: object) -> None:
    """Take note that a host disconnected; the storage kept nothing of it."""
    with transaction.atomic():
        recording.volume_to_change(caller, volume_id, rule=f"{_RULE}terminate_connection", what="disconnect from it")


def reset(caller: callers.Caller, volume: models.Volume, *, attach_status: str) -> None:
    """Correct by hand what is recorded of a volume's attachments, of one whose row is held: `attached`
    makes all of them so, `detached` ends all."""
    rows: list[models.Attachment] = list(models.Attachment.objects.filter(volume=volume))
    if attach_status == DETACHED:
        changes = [client_transitions.Change(row=row, to=statuses.GONE) for row in rows]
    elif not rows:
        raise errors.InvalidInput(
            "Cannot reset attach_status to attached because volume does not have any attachments."
        )
    else:
        now = clock.now()
        changes = [
            client_transitions.Change(row=row, to=AttachStatus.ATTACHED, fields={"attached_at": row.attached_at or now})
            for row in rows
        ]
    client_transitions.serve(volume, move=statuses.RESET_ATTACHMENTS, changes=changes, actor=caller.user_name)


def _check(volume: models.Volume, move: statuses.ClientMove, *, verb: str) -> None:
    sources = move.sources | (move.shared_sources if volume.multiattach else frozenset())
    if volume.status not in sources:
        raise errors.WrongState(
            f"Invalid volume: Volume {volume.pk} status must be {' or '.join(sorted(sources))} to {verb},"
            f" but the current status is {volume.status}."
        )
