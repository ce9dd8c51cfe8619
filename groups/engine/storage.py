"""Turns rows into what drivers understand: a driver for a backend, a group with its members."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from django.db import models as db

from drivers import base, registry
from drivers.errors import DriverError, InvalidOptions
from groups import compiled, models, sealing, specs
from groups.compiled import slot

GIB = 1024**3


def driver_for(backend: models.Backend) -> base.Driver:
    """Return a driver for a backend, built from its stored options. Raises `DriverError`."""
    try:
        config = registry.configure(
            backend.driver,
            name=backend.name,
            options=sealing.unseal(backend.options),
            targets={row.backend_id: sealing.unseal(row.options) for row in _targets_of(backend)},
        )
    except sealing.CannotUnseal as error:
        raise InvalidOptions([str(error)]) from error
    except (registry.UnknownDriver, registry.BrokenDriver) as error:
        raise DriverError(str(error), remedy="Install the driver, or move the backend to one that is.") from error
    return registry.load(backend.driver)(config)


def members(group: models.Group) -> list[models.Volume]:
    """Return a group's volumes in the order of their creation."""
    return _MEMBERS.all(group_id=group.pk)


def with_members(groups: Sequence[models.Group]) -> list[tuple[models.Group, list[models.Volume]]]:
    """Return many groups with their volumes in the order of their creation, in one statement."""
    rows = _members().filter(group_id__in=[group.pk for group in groups])
    found: dict[uuid.UUID | None, list[models.Volume]] = {}
    for row in rows:
        found.setdefault(row.group_id, []).append(row)
    return [(group, found.get(group.pk, [])) for group in groups]


def _members() -> db.QuerySet[models.Volume]:
    # Only what the engine looks at: there may be thousands.
    return models.Volume.objects.only("name", "size_gib", "replication_status", "group").order_by("created_at", "id")


def volume_value(row: models.Volume) -> base.Volume:
    """Return a volume as drivers know it."""
    return base.Volume(id=str(row.pk), name=row.name or "", size_bytes=row.size_gib * GIB)


def group_value(row: models.Group, volumes: Iterable[models.Volume]) -> base.Group:
    """Return a group as drivers know it."""
    return base.Group(
        id=str(row.pk),
        name=row.name or "",
        volumes=tuple(volume_value(volume) for volume in volumes),
        interval_seconds=specs.interval_or_default(_specs_of(row.group_type)),
    )


def lone_value(row: models.Volume) -> base.Group:
    """Return a volume in no group as a group of its own."""
    return base.Group(id=str(row.pk), name=row.name or "", volumes=(volume_value(row),))


def home_of(row: models.Volume) -> base.Group:
    """Return the group a volume is a member of; a volume in none as a group of its own."""
    return lone_value(row) if row.group is None else group_value(row.group, members(row.group))


def snapshots_of(operation: models.Operation) -> list[models.Snapshot]:
    """Return the snapshots an operation is about, with their volumes."""
    alone = operation.snapshot_id is not None
    about = db.Q(pk=operation.snapshot_id) if alone else db.Q(group_snapshot=operation.group_snapshot_id)
    rows = models.Snapshot.objects.filter(about).select_related("volume")
    return list(rows.order_by("volume__created_at", "volume__id"))


def snapshot_set(rows: Sequence[models.Snapshot]) -> base.SnapshotSet:
    """Return snapshots of one moment as drivers know them."""
    return base.SnapshotSet(
        id=str(rows[0].set_id),
        backend_id=rows[0].side,
        snapshots=tuple(
            base.Snapshot(id=str(row.pk), volume_id=str(row.volume_id), size_bytes=row.size_gib * GIB) for row in rows
        ),
    )


def names(volumes: Sequence[base.Volume], ids: Iterable[str]) -> str:
    """Return the named volumes in words, by name where they have one."""
    wanted = set(ids)
    return ", ".join(volume.name or volume.id for volume in volumes if volume.id in wanted)


_MEMBERS = compiled.Select(lambda: _members().filter(group_id=slot("group_id")))
_TARGETS = compiled.Select(lambda: models.ReplicationTarget.objects.filter(primary_id=slot("backend_id")))
_SPECS = compiled.Select(
    lambda: models.GroupSpec.objects.filter(group_type_id=slot("group_type_id")).values_list("key", "value")
)


def _targets_of(backend: models.Backend) -> Iterable[models.ReplicationTarget]:
    return backend.targets.all() if _was_read_along(backend, "targets") else _TARGETS.all(backend_id=backend.pk)


def _specs_of(group_type: models.GroupType) -> Mapping[str, str | None]:
    if _was_read_along(group_type, "group_specs"):
        return group_type.specs
    return dict(_SPECS.all(group_type_id=group_type.pk))


def _was_read_along(row: db.Model, name: str) -> bool:
    return name in getattr(row, "_prefetched_objects_cache", ())
