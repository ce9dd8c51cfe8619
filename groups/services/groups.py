"""Groups: create, rename, change membership, delete, reset."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence

from django.db import transaction

from groups import callers, clock, errors, models, statuses, transitions
from groups.findings import Code
from groups.queries import attachments, findings, visible
from groups.queries.quotas import Amount
from groups.services import auditing, placement, policies, quotas, recording
from groups.statuses import Axis, GroupStatus, VolumeStatus

_CAN_JOIN = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE)
_CAN_LEAVE = (VolumeStatus.AVAILABLE, VolumeStatus.IN_USE, VolumeStatus.ERROR, VolumeStatus.ERROR_DELETING)


def create(
    caller: callers.Caller,
    *,
    group_type: str,
    volume_types: Sequence[str],
    name: str | None = None,
    description: str | None = None,
    availability_zone: str | None = None,
) -> models.Group:
    """Create a group of a type, for volumes of some types, on a backend that satisfies both.

    Types are given by id or name. Raises `NoBackendFits` saying what each backend lacks.
    """
    policies.require(caller, "group:create")
    kind = visible.group_type_called(caller, group_type)
    kinds = _volume_types(caller, volume_types)
    zone = recording.checked_zone(availability_zone)
    name = recording.checked_text(name, name="name")
    description = recording.checked_text(description, name="description")
    backend = placement.place(group_type=kind, volume_types=kinds)
    with transaction.atomic():
        quotas.require(caller.project_id, Amount(groups=1))
        group = models.Group.objects.create(
            project_id=caller.project_id,
            user_id=caller.user_id,
            name=name,
            description=description,
            availability_zone=zone,
            backend=backend,
            group_type=kind,
        )
        models.GroupVolumeType.objects.bulk_create(
            [models.GroupVolumeType(group=group, volume_type=row) for row in kinds]
        )
        operation = recording.operation(caller, kind=statuses.Kind.CREATE_GROUP, subject=group)
        transitions.start(operation, subject=group)
    return group


def update(
    caller: callers.Caller,
    *,
    group_id: object,
    name: str | None = None,
    description: str | None = None,
    add_volumes: Sequence[str] = (),
    remove_volumes: Sequence[str] = (),
) -> models.Operation | None:
    """Rename a group, or add and remove volumes; return the operation when membership changes.

    A rename alone happens at once and leaves the status as it is.
    """
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:update")
        labels = _changed_labels(group, name=name, description=description)
        adding, removing = _membership(caller, group, add_volumes, remove_volumes)
        if not labels and not adding and not removing:
            raise errors.InvalidInput(
                f"Invalid Group: Cannot update group {group.pk} because no valid name, description,"
                " add_volumes, or remove_volumes were provided."
            )
        if labels:
            models.Group.objects.filter(pk=group.pk).update(**labels, updated_at=clock.now())
            auditing.note(caller, action="group:rename", subject=group, detail=f"changed: {auditing.named(labels)}")
        if not adding and not removing:
            return None
        operation = recording.operation(
            caller,
            kind=statuses.Kind.UPDATE_GROUP,
            subject=group,
            arguments={
                "added": [str(row.pk) for row in adding],
                "removed": [str(row.pk) for row in removing],
                "only_missing": not recording.is_open_to_change(group),
            },
        )
        # Members from now on, so that nobody deletes or adds them elsewhere meanwhile; a failed
        # operation gives them back.
        models.Volume.objects.filter(pk__in=[row.pk for row in adding]).update(group=group)
        # The storage has seen their own epochs: the group's must not be behind any of them.
        epoch = max([group.epoch, *(row.epoch for row in adding)])
        models.Group.objects.filter(pk=group.pk).update(epoch=epoch)
        transitions.start(operation, subject=group)
    return operation


def delete(caller: callers.Caller, *, group_id: object, delete_volumes: bool = False) -> models.Operation:
    """Delete a group, with its volumes if asked to; an enabled group's replication is taken down first."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:delete")
        recording.refuse_frozen(group.backend, what="delete a group there")
        members = list(models.Volume.objects.filter(group=group))
        _check_deletable(group, members, delete_volumes=delete_volumes)
        recording.refuse_while_open(group, what="delete it")
        recording.refuse_while_a_member_is_busy(group)
        _refuse_while_kept_or_copied(group)
        operation = recording.operation(caller, kind=statuses.Kind.DELETE_GROUP, subject=group, members=len(members))
        transitions.start(operation, subject=group)
    return operation


def reset_status(caller: callers.Caller, *, group_id: object, status: str, reason: str = "") -> None:
    """Set a group's own status by hand, for admins; the replication status stays."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:reset_status")
        word = status.lower()
        allowed = sorted(str(each) for each in statuses.RESETS[Axis.GROUP].targets)
        if word not in allowed:
            raise errors.InvalidInput(
                f"Invalid Group Status: Group status: {status} is invalid, valid status are: {tuple(allowed)}."
            )
        recording.refuse_while_open(group, what="reset its status; cancel the operation first")
        why = reason or "reset by an admin"
        auditing.note(caller, action="group:reset-status", subject=group, detail=f"to {word}: {why}")
        transitions.reset(group, axis=Axis.GROUP, to=word, reason=why, actor=caller.user_name)


# What the verbs above share.


def _volume_types(caller: callers.Caller, ids_or_names: Sequence[str]) -> list[models.VolumeType]:
    if not ids_or_names:
        raise errors.InvalidInput("Name at least one volume type.")
    found = {row.pk: row for row in (visible.volume_type_called(caller, text) for text in ids_or_names)}
    return list(found.values())


def _changed_labels(group: models.Group, *, name: str | None, description: str | None) -> Mapping[str, str]:
    wanted = {
        "name": recording.checked_text(name, name="name"),
        "description": recording.checked_text(description, name="description"),
    }
    return {column: text for column, text in wanted.items() if text is not None and text != getattr(group, column)}


def _membership(
    caller: callers.Caller, group: models.Group, add: Sequence[str], remove: Sequence[str]
) -> tuple[list[models.Volume], list[models.Volume]]:
    if both := sorted(set(add) & set(remove)):
        raise errors.InvalidInput(f"Invalid volume: UUIDs {both} are in both add and remove volume list.")
    if not add and not remove:
        return [], []
    adding = _joining(caller, group, add) if add else []
    removing = _leaving(group, remove) if remove else []
    if adding or removing:
        _check_open_to_change(group, adding=bool(adding))
    return adding, removing


def _check_open_to_change(group: models.Group, *, adding: bool) -> None:
    recording.refuse_frozen(group.backend, what="change the members of a group there")
    recording.refuse_while_open(group, what="update it")
    if group.status != GroupStatus.AVAILABLE:
        raise errors.WrongState("Invalid Group: Group status must be available.")
    # A volume that no storage has any more keeps its group from every move: it may always be taken out.
    if adding or not findings.is_open(group, Code.VOLUME_MISSING):
        recording.refuse_unless_open_to_change(group, what="add or remove volumes.")


def _joining(caller: callers.Caller, group: models.Group, volume_ids: Sequence[str]) -> list[models.Volume]:
    """Return the volumes to add, those that are members already left out."""
    found = visible.volumes(caller, volume_ids, lock=True)
    for volume_id in volume_ids:
        if visible.parsed_id(volume_id) not in found:
            raise errors.InvalidInput(
                f"Invalid volume: Cannot add volume {volume_id} to group {group.pk} because volume cannot be found."
            )
    kinds = set(models.GroupVolumeType.objects.filter(group=group).values_list("volume_type_id", flat=True))
    open_ones = models.Operation.objects.filter(volume__in=found, state__in=statuses.OPEN)
    busy = set(open_ones.values_list("volume_id", flat=True))
    joining = [volume for volume in found.values() if volume.group_id != group.pk]
    for volume in joining:
        if problem := _why_not_add(group, volume, kinds=kinds, busy=busy):
            raise errors.InvalidInput(
                f"Invalid volume: Cannot add volume {volume.pk} to group {group.pk} because {problem}"
            )
    return joining


def _why_not_add(
    group: models.Group, volume: models.Volume, *, kinds: Collection[uuid.UUID], busy: Collection[uuid.UUID | None]
) -> str:
    if volume.group_id is not None:
        return f"it is already in group {volume.group_id}."
    if volume.project_id != group.project_id:
        return "they belong to different projects."
    if volume.volume_type_id not in kinds:
        return f"volume type {volume.volume_type_id} is not supported by the group."
    if volume.backend_id != group.backend_id:
        return f"it is on another backend ({volume.backend}) than the group ({group.backend})."
    if volume.status not in _CAN_JOIN:
        valid = tuple(str(word) for word in _CAN_JOIN)
        return f"volume is in an invalid state: {volume.status}. Valid states are: {valid}."
    if volume.pk in busy:
        return "it has an open operation."
    return ""


def _leaving(group: models.Group, volume_ids: Sequence[str]) -> list[models.Volume]:
    """Return the members to remove."""
    wanted = {text: visible.parsed_id(text) for text in volume_ids}
    found = models.Volume.objects.filter(group=group).in_bulk([pk for pk in wanted.values() if pk is not None])
    for text, pk in wanted.items():
        if pk not in found:
            raise errors.InvalidInput(
                f"Invalid volume: Cannot remove volume {text} from group {group.pk} because it is not in the group."
            )
    for volume in found.values():
        if volume.status not in _CAN_LEAVE:
            raise errors.InvalidInput(
                f"Invalid volume: Cannot remove volume {volume.pk} from group {group.pk} because volume is in an"
                f" invalid state: {volume.status}. Valid states are: {tuple(str(word) for word in _CAN_LEAVE)}."
            )
    return list(found.values())


def _check_deletable(group: models.Group, members: Sequence[models.Volume], *, delete_volumes: bool) -> None:
    if members and not delete_volumes:
        raise errors.InvalidInput(
            f"Invalid Group: Group {group.pk} still contains volumes. The delete-volumes flag is required to delete it."
        )
    allowed = statuses.MOVES[statuses.Kind.DELETE_GROUP].sources
    if group.status not in allowed:
        raise errors.WrongState(
            "Invalid Group: Group status must be available or error, but current status is: " + group.status
        )
    used = any(volume.status in statuses.USED for volume in members)
    if used or attachments.attached(models.Volume.objects.filter(group=group)).exists():
        raise errors.WrongState("Invalid Group: Volume in group is attached. Need to detach first.")


def _refuse_while_kept_or_copied(group: models.Group) -> None:
    """Raise `WrongState` when there are snapshots of the group or its volumes, or a group is made from it."""
    if models.GroupSnapshot.objects.filter(group=group).exists():
        raise errors.WrongState("Invalid Group: Group has existing snapshots.")
    if models.Snapshot.objects.filter(volume__group=group).exists():
        raise errors.WrongState("Invalid Group: Volume in group still has dependent snapshots.")
    made = models.Group.objects.filter(source_group_id=group.pk, status=GroupStatus.CREATING).first()
    volumes = models.Volume.objects.filter(group=group).values("pk")
    copied = models.Volume.objects.filter(source_volume_id__in=volumes, status=VolumeStatus.CREATING).first()
    if (by := made or copied) is not None:
        raise errors.Busy(
            f"Invalid Group: Cannot delete group {group.pk}. {by.noun.capitalize()} {by.pk} is being created from it."
        )
