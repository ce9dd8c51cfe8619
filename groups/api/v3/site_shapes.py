"""What the v3 API answers about the site as a whole: services, pools, quotas, messages."""

from __future__ import annotations

from groups import models, statuses
from groups.api.describing import Schema
from groups.api.shapes import ANYTHING, BOOLEAN, COUNT, ID, TEXT, TEXT_OR_NULL, asked, either, many, record, word
from groups.api.v3.shapes import LINKS, PAGE, PROJECTS, TIME, TIME_OR_NULL, paged

_ON: Schema = word(["enabled", "disabled"])
_UP: Schema = word(["up", "down"])
_SERVICE = record(
    {
        "binary": TEXT,
        "host": TEXT,
        "zone": TEXT,
        "status": _ON,
        "state": _UP,
        "updated_at": TIME_OR_NULL,
        "disabled_reason": TEXT_OR_NULL,
    },
    {
        "cluster": TEXT_OR_NULL,
        "replication_status": word(statuses.ReplicationStatus),
        "active_backend_id": TEXT_OR_NULL,
        "frozen": BOOLEAN,
        "backend_state": _UP,
    },
    title="VolumeService",
)
SERVICES = record({"services": many(_SERVICE)})
SERVICE_QUERY = (asked("host"), asked("binary"))
SERVICE_UPDATE = record(
    {"host": TEXT, "service": TEXT, "binary": TEXT, "status": _ON, "disabled": BOOLEAN}, {"disabled_reason": TEXT}
)

# User messages.

_MESSAGE = record(
    {
        "id": ID,
        "event_id": TEXT,
        "user_message": TEXT,
        "message_level": TEXT,
        "created_at": TIME,
        "guaranteed_until": TIME_OR_NULL,
        "request_id": TEXT,
        "resource_type": TEXT,
        "resource_uuid": ID,
        "links": LINKS,
    },
    title="UserMessage",
)
MESSAGE = record({"message": _MESSAGE}, {"messages": _MESSAGE})
MESSAGES = paged("messages", _MESSAGE, "messages_links", "message_links")
MESSAGE_QUERY = (
    *PAGE,
    PROJECTS,
    *(asked(name) for name in ("resource_uuid", "resource_type", "event_id", "request_id", "message_level")),
)

# QoS specs.

_QOS_ROW: dict[str, Schema] = {
    "id": ID,
    "name": TEXT,
    "consumer": word(models.QOS_CONSUMERS),
    "specs": {"type": "object", "additionalProperties": TEXT},
}
QOS_SPECS = record({"qos_specs": record(_QOS_ROW, title="QosSpecs"), "links": LINKS})
ALL_QOS_SPECS = paged("qos_specs", record(_QOS_ROW, title="QosSpecs"), "qos_specs_links")
CHANGED_QOS_SPECS = record({"qos_specs": {"type": "object", "additionalProperties": TEXT}})
QOS_ASSOCIATIONS = record(
    {"qos_associations": many(record({"association_type": {"const": "volume_type"}, "name": TEXT, "id": ID}))}
)
QOS_QUERY = (*PAGE, asked("name"), asked("consumer"))
QOS_REMOVAL_QUERY = (asked("force", "Also from the volume types that have them.", BOOLEAN),)
QOS_ASSOCIATION_QUERY = (asked("vol_type_id", "Of which volume type."),)

# Quotas. What may be limited depends on the volume types there are.

_LIMIT: Schema = {"type": "integer", "minimum": -1}
_USED = record({"limit": _LIMIT, "in_use": COUNT, "reserved": COUNT}, title="QuotaUse")
_LIMITS: Schema = {"type": "object", "additionalProperties": _LIMIT}
_NAMED_LIMITS: Schema = {
    "type": "object",
    "properties": {"id": TEXT},
    "required": ["id"],
    "additionalProperties": either(_LIMIT, _USED),
}
QUOTA_SET = record({"quota_set": _NAMED_LIMITS})
CHANGED_QUOTA_SET = record({"quota_set": _LIMITS})
QUOTA_CLASS_SET = record({"quota_class_set": _NAMED_LIMITS})
CHANGED_QUOTA_CLASS_SET = record({"quota_class_set": _LIMITS})
QUOTA_QUERY = (asked("usage", "With what is in use.", BOOLEAN),)
QUOTA_CHANGE_QUERY = (asked("skip_validation", "False refuses limits below what is in use.", BOOLEAN),)
_ABSOLUTE = (
    "maxTotalVolumes",
    "maxTotalSnapshots",
    "maxTotalVolumeGigabytes",
    "maxTotalBackups",
    "maxTotalBackupGigabytes",
    "totalVolumesUsed",
    "totalGigabytesUsed",
    "totalSnapshotsUsed",
    "totalBackupsUsed",
    "totalBackupGigabytesUsed",
)
LIMITS = record(
    {"limits": record({"rate": many(ANYTHING), "absolute": record(dict.fromkeys(_ABSOLUTE, _LIMIT), title="Limits")})}
)
LIMITS_QUERY = (asked("project_id", "For admins: of which project."),)

# Pools, hosts, and what the API has.

POOLS = record({"pools": many(record({"name": TEXT}, {"capabilities": ANYTHING}))})
POOL_QUERY = (
    asked("detail", "With what they can do.", BOOLEAN),
    asked("name"),
    asked("volume_type", "Those that can hold volumes of a type, given by id or name."),
)
CAPABILITIES = record(
    {
        "namespace": TEXT,
        "vendor_name": TEXT,
        "volume_backend_name": TEXT,
        "pool_name": TEXT_OR_NULL,
        "driver_version": TEXT,
        "storage_protocol": TEXT,
        "display_name": TEXT_OR_NULL,
        "description": TEXT_OR_NULL,
        "visibility": TEXT_OR_NULL,
        "replication_targets": many(TEXT),
        "properties": ANYTHING,
    }
)
ZONES = record({"availabilityZoneInfo": many(record({"zoneName": TEXT, "zoneState": record({"available": BOOLEAN})}))})
HOSTS = record(
    {
        "hosts": many(
            record(
                {
                    "host_name": TEXT,
                    "service": TEXT,
                    "zone": TEXT,
                    "service-status": word(["available", "unavailable"]),
                    "service-state": _ON,
                    "last-update": TIME_OR_NULL,
                }
            )
        )
    }
)
_HELD = ("host", "project", "volume_count", "total_volume_gb", "snapshot_count", "total_snapshot_gb")
HOST = record({"host": many(record({"resource": record(dict.fromkeys(_HELD, TEXT))}))})
_EXTENSION = record(
    {"alias": TEXT, "name": TEXT, "description": TEXT, "updated": TEXT, "links": many(ANYTHING)}, title="Extension"
)
EXTENSION = record({"extension": _EXTENSION})
EXTENSIONS = record({"extensions": many(_EXTENSION)})
RESOURCE_FILTERS = record({"resource_filters": many(record({"resource": TEXT, "filters": many(TEXT)}))})
RESOURCE_FILTER_QUERY = (asked("resource", "Of one kind of thing alone, such as volume."),)


def nothing(key: str) -> Schema:
    """Return the shape of a list that is always empty."""
    return record({key: {"type": "array", "maxItems": 0}})
