"""Turns rows into the fields a client of some version, with some role, gets to see."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from typing import Any

from groups import callers, models, specs, statuses
from groups.api.v3 import microversions
from groups.api.v3.microversions import Version
from groups.models import backends
from groups.services import policies

Fields = dict[str, Any]

# What others than admins may know of what a type asks of its backend.
_OPEN_EXTRA_SPECS = frozenset({"RESKEY:availability_zones", "multiattach", specs.REPLICATION})
# Cinder tells no more of it either.
_PROGRESS = {statuses.SnapshotStatus.AVAILABLE: "100%", statuses.SnapshotStatus.DELETING: "100%"}
ACCESS_IS_PUBLIC = "os-volume-type-access:is_public"


def time(value: datetime.datetime | None) -> str | None:
    """Return a time as Cinder writes it: UTC, microseconds, no zone."""
    return None if value is None else value.isoformat(timespec="microseconds").removesuffix("+00:00")


def group_type(row: models.GroupType, *, caller: callers.Caller) -> Fields:
    """Return a group type; its specs are for admins."""
    fields = {"id": row.pk, "name": row.name, "description": row.description, "is_public": row.is_public}
    if policies.allows(caller, "group:access_group_types_specs"):
        fields["group_specs"] = row.specs
    return fields


def updated_volume_type(row: models.VolumeType, *, caller: callers.Caller) -> Fields:
    """Return a volume type as the answer to its update shows it."""
    return {
        "id": row.pk,
        "name": row.name,
        "is_public": row.is_public,
        "description": row.description,
        "extra_specs": extra_specs(row, caller=caller),
    }


def created_volume_type(row: models.VolumeType, *, caller: callers.Caller) -> Fields:
    """Return a volume type as the answer to its creation shows it."""
    return {**updated_volume_type(row, caller=caller), ACCESS_IS_PUBLIC: row.is_public}


def volume_type(row: models.VolumeType, *, caller: callers.Caller) -> Fields:
    """Return a volume type as lists and details show it."""
    fields = created_volume_type(row, caller=caller)
    return {**fields, "qos_specs_id": row.qos_specs_id} if caller.is_admin else fields


def extra_specs(row: models.VolumeType, *, caller: callers.Caller) -> dict[str, str | None]:
    """Return the extra specs the caller may see."""
    return {key: value for key, value in row.specs.items() if caller.is_admin or key in _OPEN_EXTRA_SPECS}


def group(values: Fields, *, caller: callers.Caller, version: Version) -> Fields:
    """Return a group in detail, from what `queries.groups` found."""
    fields = {
        "id": values["id"],
        "status": values["status"],
        "availability_zone": values["availability_zone"],
        "created_at": time(values["created_at"]),
        "name": values["name"],
        "description": values["description"],
        "group_type": values["group_type_id"],
        "volume_types": values["volume_types"],
    }
    if version >= microversions.GROUP_SOURCES:
        fields["group_snapshot_id"] = values["source_group_snapshot_id"]
        fields["source_group_id"] = values["source_group_id"]
    if "volumes" in values:
        fields["volumes"] = values["volumes"]
    if version >= microversions.REPLICATION:
        fields["replication_status"] = values["replication_status"]
    if version >= microversions.GROUP_PROJECT and policies.allows(caller, "group:group_project_attribute"):
        fields["project_id"] = values["project_id"]
    return fields


def new_volume(values: Fields, *, caller: callers.Caller, version: Version, base: str) -> Fields:
    """Return a volume as the answer to its creation or update shows it, from what `queries.volumes` found."""
    fields = {
        **volume_summary(values, caller=caller, base=base),
        "status": values["status"],
        "size": values["size_gib"],
        "availability_zone": values["availability_zone"],
        "created_at": time(values["created_at"]),
        "updated_at": time(values["updated_at"]),
        "description": values["description"],
        "volume_type": values["volume_type__name"],
        "metadata": _metadata(values),
        "user_id": values["user_id"],
        "bootable": "true" if values["bootable"] else "false",
        "replication_status": values["replication_status"],
        "multiattach": values["multiattach"],
        "snapshot_id": values["source_snapshot_id"],
        "source_volid": values["source_volume_id"],
        "consistencygroup_id": None,
        "encrypted": False,
        "attachments": [_host(each, caller=caller) for each in values["attachments"]],
    }
    if values["image_metadata"]:
        fields["volume_image_metadata"] = values["image_metadata"]
    if caller.is_admin:
        fields["migration_status"] = None
    columns, alike = _newer_volume_fields(version, is_admin=caller.is_admin)
    for name in columns:
        fields[name] = values[name]
    fields.update(alike)
    return fields


def _metadata(values: Fields) -> Fields:
    """Return a volume's own metadata with what Cinder adds to it of how hosts may use the volume."""
    attached = values["attachments"]
    if values["readonly"] is None and not attached:
        metadata: Fields = values["metadata"]
        return metadata
    added = {"readonly": str(bool(values["readonly"]))}
    if attached:
        added["attached_mode"] = attached[0]["mode"]
    return {**values["metadata"], **added}


def _host(values: Fields, *, caller: callers.Caller) -> Fields:
    """Return one of the hosts that use a volume."""
    return {
        "id": values["volume_id"],
        "attachment_id": values["id"],
        "volume_id": values["volume_id"],
        "server_id": values["instance_id"] or None,
        "host_name": (values["host"] or None) if caller.is_admin else None,
        "device": values["mountpoint"] or None,
        "attached_at": time(values["attached_at"]),
    }


def attachment_summary(row: models.Attachment) -> Fields:
    """Return an attachment as a short list shows it."""
    return {
        "id": row.pk,
        "status": row.attach_status,
        "instance": row.instance_id or None,
        "volume_id": row.volume_id,
    }


def attachment(row: models.Attachment, *, connection: Fields) -> Fields:
    """Return an attachment in detail. It ends with its row, so that none is ever shown as detached."""
    return {
        **attachment_summary(row),
        "attached_at": time(row.attached_at) or "",
        "detached_at": "",
        "attach_mode": row.mode or "null",
        "connection_info": connection,
    }


def volume(values: Fields, *, caller: callers.Caller, version: Version, base: str) -> Fields:
    """Return a volume in detail, from what `queries.volumes` found."""
    fields = new_volume(values, caller=caller, version=version, base=base)
    fields["os-vol-tenant-attr:tenant_id"] = values["project_id"]
    if caller.is_admin:
        fields["os-vol-host-attr:host"] = backends.host_of(values["backend__name"])
        fields["os-vol-mig-status-attr:migstat"] = None
        fields["os-vol-mig-status-attr:name_id"] = None
    return fields


def volume_summary(values: Fields, *, caller: callers.Caller, base: str) -> Fields:
    """Return a volume as a short list shows it."""
    path = f"{caller.project_id}/volumes/{values['id']}"
    return {
        "id": values["id"],
        "name": values["name"],
        "links": [
            {"rel": "self", "href": f"{base}/v3/{path}"},
            {"rel": "bookmark", "href": f"{base}/{path}"},
        ],
    }


@functools.lru_cache
def _newer_volume_fields(version: Version, *, is_admin: bool) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Return what came with later versions of the API: the columns that are shown, and what all volumes have alike."""
    since: tuple[tuple[Version, bool, tuple[str, ...], Fields], ...] = (
        (microversions.GROUPS, False, ("group_id",), {}),
        (microversions.PROVIDER_ID, True, (), {"provider_id": None}),
        (microversions.SHARED_TARGETS, False, (), {"shared_targets": False, "service_uuid": None}),
        (microversions.CLUSTER_NAME, True, (), {"cluster_name": None}),
        (microversions.VOLUME_TYPE_ID, False, ("volume_type_id",), {}),
        (microversions.CONSUMES_QUOTA, False, (), {"consumes_quota": True}),
    )
    shown = [row for row in since if version >= row[0] and (is_admin or not row[1])]
    columns = tuple(name for _, _, names, _ in shown for name in names)
    return columns, {name: value for _, _, _, fields in shown for name, value in fields.items()}


def transfer_summary(row: models.Transfer, *, collection: str, caller: callers.Caller, base: str) -> Fields:
    """Return an offer of a volume as a short list shows it."""
    path = f"{caller.project_id}/{collection}/{row.pk}"
    return {
        "id": row.pk,
        "volume_id": row.volume_id,
        "name": row.name,
        "links": [
            {"rel": "self", "href": f"{base}/v3/{path}"},
            {"rel": "bookmark", "href": f"{base}/{path}"},
        ],
    }


def transfer(row: models.Transfer, *, collection: str, caller: callers.Caller, version: Version, base: str) -> Fields:
    """Return an offer in detail. It ends with its row, so that none is ever shown as accepted."""
    fields = {
        **transfer_summary(row, collection=collection, caller=caller, base=base),
        "created_at": time(row.created_at),
    }
    if version >= microversions.TRANSFERRED_SNAPSHOTS:
        fields["no_snapshots"] = row.without_snapshots
    if version >= microversions.TRANSFER_HISTORY:
        fields |= {"source_project_id": row.project_id, "destination_project_id": None, "accepted": False}
    return fields


def snapshot_summary(values: Fields) -> Fields:
    """Return a snapshot as a short list shows it."""
    return {
        "id": values["id"],
        "created_at": time(values["created_at"]),
        "updated_at": time(values["updated_at"]),
        "name": values["name"],
        "description": values["description"],
        "volume_id": values["volume_id"],
        "status": values["status"],
        "size": values["size_gib"],
        "metadata": values["metadata"],
    }


def new_snapshot(values: Fields, *, version: Version) -> Fields:
    """Return a snapshot as the answer to its creation or update shows it, from what `queries.snapshots` found."""
    since: tuple[tuple[Version, Fields], ...] = (
        (microversions.GROUP_SOURCES, {"group_snapshot_id": values["group_snapshot_id"]}),
        (microversions.SNAPSHOT_USER, {"user_id": values["user_id"]}),
        (microversions.CONSUMES_QUOTA, {"consumes_quota": True}),
    )
    newer = {name: value for first, fields in since if version >= first for name, value in fields.items()}
    return {**snapshot_summary(values), **newer}


def snapshot(values: Fields, *, version: Version) -> Fields:
    """Return a snapshot in detail."""
    return {
        **new_snapshot(values, version=version),
        "os-extended-snapshot-attributes:project_id": values["project_id"],
        "os-extended-snapshot-attributes:progress": _progress(values),
    }


def _progress(values: Fields) -> str:
    return _PROGRESS.get(values["status"], values["progress"] or "0%")


def group_snapshot(values: Fields, *, caller: callers.Caller, version: Version) -> Fields:
    """Return a group snapshot in detail, from what `queries.snapshots` found."""
    fields = {
        **{name: values[name] for name in ("id", "group_id", "group_type_id", "status", "name", "description")},
        "created_at": time(values["created_at"]),
    }
    shown = version >= microversions.GROUP_PROJECT
    if shown and policies.allows(caller, "group:group_snapshot_project_attribute"):
        fields["project_id"] = values["project_id"]
    return fields
