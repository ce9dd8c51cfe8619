"""What the v3 API answers: the shapes of its documents, and what lists may be asked."""

from __future__ import annotations

from groups import models, statuses
from groups.api import shapes
from groups.api.describing import Common, Parameter, Schema
from groups.api.shapes import BOOLEAN, ID, ID_OR_NULL, STRINGS, TEXT, TEXT_OR_NULL, asked, either, many, record, word
from groups.api.v3 import microversions, rows

TIME: Schema = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$"}
TIME_OR_NULL: Schema = {**TIME, "type": ["string", "null"]}

_REPLICATION = word(statuses.ReplicationStatus)
LINKS = many(record({"rel": TEXT, "href": shapes.URL}, {"type": TEXT}))


def paged(noun: str, shape: Schema, *links: str, **more: Schema) -> Schema:
    """Return the shape of a page of a list; `links` are the keys its link to the next page has."""
    return record({noun: many(shape)}, {**dict.fromkeys(links, LINKS), **more})


# How it refuses.


def _fault(name: str, status: int, **more: Schema) -> Schema:
    return record({name: record({"code": {"const": status}, "message": TEXT, **more})}, title=f"v3-{name}-{status}")


_NOT_ROUTED = record({"message": TEXT, "code": TEXT, "title": TEXT}, title="v3-not-routed")
_NOT_LOGGED_IN = record(
    {"error": record({"code": {"const": 401}, "title": TEXT, "message": TEXT})}, title="v3-not-logged-in"
)
COMMON = Common(
    refusals={
        400: _fault("badRequest", 400),
        401: _NOT_LOGGED_IN,
        403: _fault("forbidden", 403),
        404: either(_fault("itemNotFound", 404), _NOT_ROUTED),
        406: _fault("computeFault", 406),
        409: _fault("conflictingRequest", 409),
        413: _fault("overLimit", 413, retryAfter=TEXT),
        415: _fault("badMediaType", 415),
        429: _fault("overLimit", 429),
        501: _fault("notImplemented", 501),
        503: _fault("serviceUnavailable", 503),
    },
    always=(400, 401, 403, 404, 406, 429, 503),
    with_body=(413, 415),
    parameters=(
        Parameter(
            name=microversions.HEADER,
            place="header",
            schema={"type": "string", "pattern": r"^volume (latest|3\.([0-9]|[1-6][0-9]|7[01]))$"},
            text="The microversion; without it 3.0.",
        ),
    ),
    headers={"X-Openstack-Request-Id": "Names the request, in the log too."},
)

# What lists may be asked.

PAGE = (
    asked("limit", "How many at most; 1000 is the longest page.", {"type": "integer", "minimum": 0}),
    asked("marker", "The id of the last one seen."),
    asked("offset", "How many to leave out.", {"type": "integer", "minimum": 0}),
    asked("sort", "Keys, each with :asc or :desc, separated by commas."),
    asked("sort_key"),
    asked("sort_dir", schema=word(["asc", "desc"])),
)
PROJECTS = asked("all_tenants", "For admins: those of all projects.", BOOLEAN)

# Version documents.

VERSIONS = record(
    {
        "versions": many(
            record(
                {
                    "id": TEXT,
                    "status": TEXT,
                    "version": TEXT,
                    "min_version": TEXT,
                    "updated": TEXT,
                    "links": LINKS,
                    "media-types": many(record({"base": TEXT, "type": TEXT})),
                },
                title="Version",
            )
        )
    }
)

# Types and their specs.

SPECS = STRINGS
_GROUP_TYPE = record(
    {"id": ID, "name": TEXT, "description": TEXT_OR_NULL, "is_public": BOOLEAN},
    {"group_specs": SPECS},
    title="GroupType",
)
GROUP_TYPE = record({"group_type": _GROUP_TYPE})
GROUP_TYPES = paged("group_types", _GROUP_TYPE, "group_type_links", "group_types_links")
_VOLUME_TYPE = record(
    {"id": ID, "name": TEXT, "is_public": BOOLEAN, "description": TEXT_OR_NULL, "extra_specs": SPECS},
    {rows.ACCESS_IS_PUBLIC: BOOLEAN, "qos_specs_id": ID_OR_NULL},
    title="VolumeType",
)
VOLUME_TYPE = record({"volume_type": _VOLUME_TYPE})
VOLUME_TYPE_ACCESS = record({"volume_type_access": many(record({"volume_type_id": ID, "project_id": TEXT}))})
_ENCRYPTED: dict[str, Schema] = {
    "provider": TEXT,
    "control_location": word(models.CONTROL_LOCATIONS),
    "cipher": TEXT_OR_NULL,
    "key_size": shapes.COUNT_OR_NULL,
}
NEW_ENCRYPTION = record({"encryption": record({**_ENCRYPTED, "volume_type_id": ID, "encryption_id": ID})})
CHANGED_ENCRYPTION = record({"encryption": record({}, _ENCRYPTED)})
ENCRYPTION = record(
    {},
    {
        **_ENCRYPTED,
        "volume_type_id": ID,
        "encryption_id": ID,
        "created_at": TIME,
        "updated_at": TIME_OR_NULL,
        "deleted_at": shapes.NULL,
        "deleted": BOOLEAN,
    },
)
ENCRYPTION_VALUE = record({}, {name: either(TEXT_OR_NULL, shapes.COUNT) for name in _ENCRYPTED})
_DEFAULT_TYPE = record({"project_id": TEXT, "volume_type_id": ID}, title="DefaultType")
DEFAULT_TYPE = record({"default_type": _DEFAULT_TYPE})
DEFAULT_TYPES = record({"default_types": many(_DEFAULT_TYPE)})
VOLUME_TYPES = paged("volume_types", _VOLUME_TYPE, "volume_type_links", "volume_types_links")
TYPE_QUERY = (
    *PAGE,
    asked("is_public", "For admins: true (as when not given), false, or none for both."),
    asked("name"),
)

# Groups.

_GROUP_NAME = record({"id": ID, "name": TEXT_OR_NULL}, title="GroupName")
_GROUP = record(
    {
        "id": ID,
        "status": word(statuses.GroupStatus),
        "availability_zone": TEXT,
        "created_at": TIME,
        "name": TEXT_OR_NULL,
        "description": TEXT_OR_NULL,
        "group_type": ID,
        "volume_types": many(ID),
    },
    {
        "group_snapshot_id": ID_OR_NULL,
        "source_group_id": ID_OR_NULL,
        "volumes": many(ID),
        "replication_status": _REPLICATION,
        "project_id": TEXT,
    },
    title="Group",
)
NEW_GROUP = record({"group": _GROUP_NAME})
GROUP = record({"group": _GROUP})
GROUPS = paged("groups", _GROUP_NAME, "group_links", "groups_links")
DETAILED_GROUPS = paged("groups", _GROUP, "group_links", "groups_links")
LIST_VOLUME = asked("list_volume", "With the ids of its volumes.", BOOLEAN)
GROUP_QUERY = (*PAGE, PROJECTS, LIST_VOLUME, asked("name"))
REPLICATION_TARGETS = record(
    {
        "replication_targets": many(
            {
                "type": "object",
                "properties": {"backend_id": TEXT, "default": BOOLEAN, "active": BOOLEAN},
                "required": ["backend_id", "default", "active"],
            }
        )
    }
)

# Volumes.

PAIRS: Schema = {"type": "object", "additionalProperties": TEXT}
_VOLUME_NAME = record({"id": ID, "name": TEXT_OR_NULL, "links": LINKS}, title="VolumeName")
_VOLUME = record(
    {
        **_VOLUME_NAME["properties"],
        "status": word(statuses.VolumeStatus),
        "size": {"type": "integer", "minimum": 1},
        "availability_zone": TEXT,
        "created_at": TIME,
        "updated_at": TIME_OR_NULL,
        "description": TEXT_OR_NULL,
        "volume_type": TEXT,
        "metadata": PAIRS,
        "user_id": TEXT,
        "bootable": word(["true", "false"]),
        "replication_status": _REPLICATION,
        "multiattach": BOOLEAN,
        "snapshot_id": ID_OR_NULL,
        "source_volid": ID_OR_NULL,
        "consistencygroup_id": ID_OR_NULL,
        "encrypted": BOOLEAN,
        "attachments": many(
            record(
                {
                    "id": ID,
                    "attachment_id": ID,
                    "volume_id": ID,
                    "server_id": TEXT_OR_NULL,
                    "host_name": TEXT_OR_NULL,
                    "device": TEXT_OR_NULL,
                    "attached_at": TIME_OR_NULL,
                }
            )
        ),
    },
    {
        "volume_image_metadata": PAIRS,
        "migration_status": TEXT_OR_NULL,
        "os-vol-tenant-attr:tenant_id": TEXT,
        "os-vol-host-attr:host": TEXT,
        "os-vol-mig-status-attr:migstat": TEXT_OR_NULL,
        "os-vol-mig-status-attr:name_id": TEXT_OR_NULL,
        "group_id": ID_OR_NULL,
        "provider_id": TEXT_OR_NULL,
        "shared_targets": {"type": ["boolean", "null"]},
        "service_uuid": ID_OR_NULL,
        "cluster_name": TEXT_OR_NULL,
        "volume_type_id": ID,
        "consumes_quota": BOOLEAN,
    },
    title="Volume",
)
VOLUME = record({"volume": _VOLUME})
VOLUMES = paged("volumes", _VOLUME_NAME, "volumes_links", count=shapes.COUNT)
DETAILED_VOLUMES = paged("volumes", _VOLUME, "volumes_links", count=shapes.COUNT)
VOLUME_QUERY = (
    *PAGE,
    PROJECTS,
    asked("with_count", "With the number of all.", BOOLEAN),
    *(asked(name) for name in ("name", "status", "group_id", "availability_zone", "bootable")),
)
REMOVAL_QUERY = (asked("force", "For admins.", BOOLEAN), asked("cascade", schema=BOOLEAN))
METADATA = record({"metadata": PAIRS})
METADATA_PAIR = record({"meta": PAIRS})
SUMMARY = record(
    {
        "volume-summary": record(
            {"total_count": shapes.COUNT, "total_size": shapes.COUNT},
            {"metadata": {"type": "object", "additionalProperties": many(TEXT)}},
        )
    }
)

# Attachments.

CONNECTION = record({"connection_info": shapes.ANYTHING})
_ATTACHMENT_NAME = record(
    {"id": ID, "status": word(statuses.AttachStatus), "instance": TEXT_OR_NULL, "volume_id": ID}, title="AttachmentName"
)
_ATTACHMENT = record(
    {
        **_ATTACHMENT_NAME["properties"],
        "attached_at": TEXT,
        "detached_at": TEXT,
        "attach_mode": word([*models.ATTACHMENT_MODES, "null"]),
        "connection_info": shapes.ANYTHING,
    },
    title="Attachment",
)
ATTACHMENT = record({"attachment": _ATTACHMENT})
ATTACHMENTS = paged("attachments", _ATTACHMENT_NAME, "attachments_links")
DETAILED_ATTACHMENTS = paged("attachments", _ATTACHMENT, "attachments_links")
ATTACHMENT_QUERY = (
    *PAGE,
    PROJECTS,
    *(asked(name) for name in ("volume_id", "status", "instance_id", "attach_status")),
)

# Transfers.

_TRANSFER_NAME = record({"id": ID, "volume_id": ID, "name": TEXT_OR_NULL, "links": LINKS}, title="TransferName")
_NEWER_OF_TRANSFERS: dict[str, Schema] = {
    "no_snapshots": BOOLEAN,
    "source_project_id": TEXT,
    "destination_project_id": shapes.NULL,
    "accepted": {"const": False},
}
_TRANSFER_ROW = {**_TRANSFER_NAME["properties"], "created_at": TIME}
_TRANSFER = record(_TRANSFER_ROW, _NEWER_OF_TRANSFERS, title="Transfer")
NEW_TRANSFER = record(
    {"transfer": record({**_TRANSFER_ROW, "auth_key": TEXT}, _NEWER_OF_TRANSFERS, title="NewTransfer")}
)
ACCEPTED_TRANSFER = record({"transfer": _TRANSFER_NAME})
TRANSFER = record({"transfer": _TRANSFER})
TRANSFERS = paged("transfers", _TRANSFER_NAME, "transfers_links")
DETAILED_TRANSFERS = paged("transfers", _TRANSFER, "transfers_links")
TRANSFER_QUERY = (*PAGE, PROJECTS, asked("name"), asked("volume_id"))

# Snapshots.

_SNAPSHOT_ROW = {
    "id": ID,
    "created_at": TIME,
    "updated_at": TIME_OR_NULL,
    "name": TEXT_OR_NULL,
    "description": TEXT_OR_NULL,
    "volume_id": ID,
    "status": word(statuses.SnapshotStatus),
    "size": {"type": "integer", "minimum": 1},
    "metadata": PAIRS,
}
_SNAPSHOT = record(
    _SNAPSHOT_ROW,
    {
        "group_snapshot_id": ID_OR_NULL,
        "user_id": TEXT,
        "consumes_quota": BOOLEAN,
        "os-extended-snapshot-attributes:project_id": TEXT,
        "os-extended-snapshot-attributes:progress": TEXT,
    },
    title="Snapshot",
)
SNAPSHOT = record({"snapshot": _SNAPSHOT})
SNAPSHOTS = paged("snapshots", record(_SNAPSHOT_ROW, title="SnapshotRow"), "snapshots_links", count=shapes.COUNT)
DETAILED_SNAPSHOTS = paged("snapshots", _SNAPSHOT, "snapshots_links", count=shapes.COUNT)
SNAPSHOT_QUERY = (
    *PAGE,
    PROJECTS,
    asked("with_count", "With the number of all.", BOOLEAN),
    *(asked(name) for name in ("name", "status", "volume_id", "metadata", "availability_zone")),
)
_GROUP_SNAPSHOT_NAME = record({"id": ID, "name": TEXT_OR_NULL}, title="GroupSnapshotName")
_GROUP_SNAPSHOT = record(
    {
        "id": ID,
        "group_id": ID,
        "group_type_id": ID,
        "status": word(statuses.SnapshotStatus),
        "created_at": TIME,
        "name": TEXT_OR_NULL,
        "description": TEXT_OR_NULL,
    },
    {"project_id": TEXT},
    title="GroupSnapshot",
)
_GROUP_SNAPSHOT_LINKS = ("group_snapshot_links", "group_snapshots_links")
NEW_GROUP_SNAPSHOT = record({"group_snapshot": record({"id": ID, "name": TEXT_OR_NULL, "group_type_id": ID})})
GROUP_SNAPSHOT = record({"group_snapshot": _GROUP_SNAPSHOT})
GROUP_SNAPSHOTS = paged("group_snapshots", _GROUP_SNAPSHOT_NAME, *_GROUP_SNAPSHOT_LINKS)
DETAILED_GROUP_SNAPSHOTS = paged("group_snapshots", _GROUP_SNAPSHOT, *_GROUP_SNAPSHOT_LINKS)
GROUP_SNAPSHOT_QUERY = (*PAGE, PROJECTS, *(asked(name) for name in ("name", "status", "group_id")))
