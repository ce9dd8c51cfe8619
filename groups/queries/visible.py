"""One thing by its id or name, if the caller may see it."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from django.db import models as db

from groups import callers, errors, models
from groups.compiled import Select, slot

_Row = TypeVar("_Row", bound=db.Model)


class _ById(Generic[_Row]):
    """Finds a row that belongs to a project: among all for an admin, else among those of the caller's."""

    def __init__(self, rows: Callable[[], db.QuerySet[_Row]]) -> None:
        self._selects = {
            (every, lock): Select(functools.partial(_one, rows, every=every, lock=lock))
            for every in (True, False)
            for lock in (True, False)
        }

    def __call__(self, caller: callers.Caller, row_id: object, *, lock: bool = False) -> _Row | None:
        known = parsed_id(row_id)
        if known is None:
            return None
        return self._selects[caller.is_admin, lock].first(pk=known, project=caller.project_id)


def _one(rows: Callable[[], db.QuerySet[_Row]], *, every: bool, lock: bool) -> db.QuerySet[_Row]:
    found = rows().filter(pk=slot("pk")).order_by()
    found = found if every else found.filter(project_id=slot("project"))
    return found.select_for_update(of=("self",)) if lock else found


_group = _ById(lambda: models.Group.objects.select_related("group_type", "backend"))
_volume = _ById(lambda: models.Volume.objects.select_related("volume_type", "backend"))
_snapshot = _ById(lambda: models.Snapshot.objects.select_related("volume__volume_type", "backend"))
_group_snapshot = _ById(
    lambda: models.GroupSnapshot.objects.select_related("group__group_type", "group_type", "backend")
)
_operation = _ById(models.Operation.objects.all)


def group(caller: callers.Caller, group_id: object, *, lock: bool = False) -> models.Group:
    """Return a group; `lock` holds its row until the transaction ends. Raises `NotFound`."""
    found = _group(caller, group_id, lock=lock)
    if found is None:
        raise errors.NotFound(f"Group {group_id} could not be found.")
    return found


def volume(caller: callers.Caller, volume_id: object, *, lock: bool = False) -> models.Volume:
    """Return a volume; `lock` holds its row until the transaction ends. Raises `NotFound`."""
    found = _volume(caller, volume_id, lock=lock)
    if found is None:
        raise errors.NotFound(f"Volume {volume_id} could not be found.")
    return found


def snapshot(caller: callers.Caller, snapshot_id: object, *, lock: bool = False) -> models.Snapshot:
    """Return a snapshot; `lock` holds its row until the transaction ends. Raises `NotFound`."""
    found = _snapshot(caller, snapshot_id, lock=lock)
    if found is None:
        raise errors.NotFound(f"Snapshot {snapshot_id} could not be found.")
    return found


def group_snapshot(caller: callers.Caller, snapshot_id: object, *, lock: bool = False) -> models.GroupSnapshot:
    """Return a group snapshot; `lock` holds its row until the transaction ends. Raises `NotFound`."""
    found = _group_snapshot(caller, snapshot_id, lock=lock)
    if found is None:
        raise errors.NotFound(f"GroupSnapshot {snapshot_id} could not be found.")
    return found


def volumes(
    caller: callers.Caller, volume_ids: Iterable[object], *, lock: bool = False
) -> dict[uuid.UUID, models.Volume]:
    """Return those of the volumes that the caller may see, by id, in one statement."""
    wanted = [found for volume_id in volume_ids if (found := parsed_id(volume_id)) is not None]
    rows = _owned(caller, models.Volume.objects.select_related("volume_type", "backend")).filter(pk__in=wanted)
    return {row.pk: row for row in (rows.select_for_update(of=("self",)) if lock else rows).order_by("pk")}


def attachment(caller: callers.Caller, attachment_id: object) -> models.Attachment:
    """Return an attachment with its volume. Raises `NotFound`."""
    rows = models.Attachment.objects.select_related(
        "volume__backend", "volume__group", "volume__volume_type__qos_specs"
    )
    found = _by_id(_owned(caller, rows), attachment_id)
    if found is None:
        raise errors.NotFound(f"Volume attachment could not be found with filter: attachment_id = {attachment_id}.")
    return found


def transfer(caller: callers.Caller, transfer_id: object) -> models.Transfer:
    """Return an offer of a volume that the caller's project made. Raises `NotFound`."""
    found = _by_id(_owned(caller, models.Transfer.objects.all()), transfer_id)
    if found is None:
        raise errors.NotFound(f"Transfer {transfer_id} could not be found.")
    return found


def operation(caller: callers.Caller, operation_id: object) -> models.Operation:
    """Return an operation. Raises `NotFound`."""
    found = _operation(caller, operation_id)
    if found is None:
        raise errors.NotFound(f"Operation {operation_id} could not be found.")
    return found


def finding(caller: callers.Caller, finding_id: object) -> models.Finding:
    """Return a finding; one that is no project's is there for admins only. Raises `NotFound`."""
    found = _by_id(_owned(caller, models.Finding.objects.all()), finding_id)
    if found is None:
        raise errors.NotFound(f"Finding {finding_id} could not be found.")
    return found


def drill_plan(caller: callers.Caller, plan_id: object, *, lock: bool = False) -> models.DrillPlan:
    """Return a drill plan; `lock` holds its row until the transaction ends. Raises `NotFound`."""
    rows = drill_plans(caller)
    found = _by_id(rows.select_for_update(of=("self",)) if lock else rows, plan_id)
    if found is None:
        raise errors.NotFound(f"Drill plan {plan_id} could not be found.")
    return found


def drill_plans(caller: callers.Caller) -> db.QuerySet[models.DrillPlan]:
    """Return all drill plans the caller may see."""
    return _owned(caller, models.DrillPlan.objects.all())


def drill_run(caller: callers.Caller, run_id: object) -> models.DrillRun:
    """Return a drill. Raises `NotFound`."""
    found = _by_id(_owned(caller, models.DrillRun.objects.select_related("plan", "operation", "group")), run_id)
    if found is None:
        raise errors.NotFound(f"Drill {run_id} could not be found.")
    return found


def drill_gap(caller: callers.Caller, gap_id: object) -> models.DrillGap:
    """Return a gap that a drill found. Raises `NotFound`."""
    rows = models.DrillGap.objects.select_related("run")
    found = _by_id(rows if caller.is_admin else rows.filter(run__project_id=caller.project_id), gap_id)
    if found is None:
        raise errors.NotFound(f"Gap {gap_id} could not be found.")
    return found


def group_type(caller: callers.Caller, group_type_id: object) -> models.GroupType:
    """Return a group type by id. Raises `NotFound`."""
    found = _by_id(group_types(caller), group_type_id)
    if found is None:
        raise errors.NotFound(f"Group type {group_type_id} could not be found.")
    return found


def volume_type(caller: callers.Caller, volume_type_id: object) -> models.VolumeType:
    """Return a volume type by id. Raises `NotFound`."""
    found = _by_id(volume_types(caller), volume_type_id)
    if found is None:
        raise errors.NotFound(f"Volume type {volume_type_id} could not be found.")
    return found


def group_types(caller: callers.Caller) -> db.QuerySet[models.GroupType]:
    """Return the group types a caller may use: public ones, all for an admin."""
    rows = models.GroupType.objects.prefetch_related("group_specs")
    return rows if caller.is_admin else rows.filter(is_public=True)


def volume_types(caller: callers.Caller) -> db.QuerySet[models.VolumeType]:
    """Return the volume types a caller may use: public ones and those its project was given, all for an admin."""
    rows = models.VolumeType.objects.prefetch_related("extra_specs")
    return rows if caller.is_admin else rows.filter(open_to(caller.project_id))


def open_to(project_id: str) -> db.Q:
    """Return the condition that a project may use a volume type."""
    given = models.VolumeTypeAccess.objects.filter(project_id=project_id).values("volume_type_id")
    return db.Q(is_public=True) | db.Q(pk__in=given)


def group_type_called(caller: callers.Caller, id_or_name: str) -> models.GroupType:
    """Return a group type by id, or by name when it is no id. Raises `NotFound`."""
    if parsed_id(id_or_name) is not None:
        return group_type(caller, id_or_name)
    found = group_types(caller).filter(name=id_or_name).first()
    if found is None:
        raise errors.NotFound(f"Group type with name {id_or_name} could not be found.")
    return found


def volume_type_called(caller: callers.Caller, id_or_name: str) -> models.VolumeType:
    """Return a volume type by id, or by name when it is no id. Raises `NotFound`."""
    if parsed_id(id_or_name) is not None:
        return volume_type(caller, id_or_name)
    found = volume_types(caller).filter(name=id_or_name).first()
    if found is None:
        raise errors.NotFound(f"Volume type with name {id_or_name} could not be found.")
    return found


def backend(name: str, *, lock: bool = False) -> models.Backend:
    """Return a backend by its name; `lock` holds its row until the transaction ends. Raises `NotFound`."""
    rows = models.Backend.objects.prefetch_related("targets").filter(name=name)
    found = (rows.select_for_update() if lock else rows).first()
    if found is None:
        raise errors.NotFound(f"Backend {name} could not be found.")
    return found


def backend_called(id_or_name: str, *, lock: bool = False) -> models.Backend:
    """Return a backend by its id or its name; `lock` as above. Raises `NotFound`."""
    known = parsed_id(id_or_name)
    name = models.Backend.objects.filter(pk=known).values_list("name", flat=True).first() if known else None
    return backend(name or id_or_name, lock=lock)


def site_failover(run_id: object) -> models.SiteFailover:
    """Return the failover of a whole site. Raises `NotFound`."""
    found = _by_id(models.SiteFailover.objects.select_related("backend"), run_id)
    if found is None:
        raise errors.NotFound(f"Site failover {run_id} could not be found.")
    return found


def parsed_id(text: object) -> uuid.UUID | None:
    """Return the id, or None for what is no id, so that a name in its place is just not found."""
    if isinstance(text, uuid.UUID):
        return text
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def _owned(caller: callers.Caller, rows: db.QuerySet[_Row]) -> db.QuerySet[_Row]:
    return rows if caller.is_admin else rows.filter(project_id=caller.project_id)


def _by_id(rows: db.QuerySet[_Row], row_id: object) -> _Row | None:
    found = parsed_id(row_id)
    return rows.filter(pk=found).first() if found is not None else None
