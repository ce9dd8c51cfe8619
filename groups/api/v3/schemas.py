"""What the bodies of requests may hold."""

from __future__ import annotations

from typing import Any

from groups import models
from groups.api.v3.bodies import Schema
from groups.services import attaching, replication

_WORDS_TRUE = ("True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t")
_WORDS_FALSE = ("False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f")

_BOOLEAN: Schema = {"enum": [True, *_WORDS_TRUE, False, *_WORDS_FALSE]}
_BOOLEAN_OR_NULL: Schema = {"enum": [None, *_BOOLEAN["enum"]]}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 255, "format": "not blank"}
_NAME_OR_NULL: Schema = {"type": ["string", "null"], "maxLength": 255}
_DESCRIPTION: Schema = {"type": ["string", "null"], "maxLength": 255, "format": "printable"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"], "maxLength": 255}
_REFERENCE: Schema = {"type": "string", "minLength": 1, "maxLength": 255}
_UUID_OR_NULL: Schema = {"type": ["string", "null"], "format": "uuid"}
# Room for a thousand ids; Cinder's 255 characters are six.
_LISTED_IDS: Schema = {"type": ["string", "null"], "maxLength": 40_000}
_SPEC_VALUE: Schema = {"type": ["string", "null"], "maxLength": 255}
_STRINGS: Schema = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 255}}


def boolean(value: bool | str) -> bool:
    """Return the truth value of a checked boolean."""
    return value is True or value in _WORDS_TRUE


def label(wanted: dict[str, Any], name: str) -> str | None:
    """Return a name or description, given under its newer or its older word."""
    value: str | None = wanted.get(name)
    return value if value is not None else wanted.get(f"display_{name}")


def changes(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return what a checked update of a type changes: null leaves a field as it is."""
    given = {name: value for name, value in wanted.items() if value is not None}
    if "is_public" in given:
        given["is_public"] = boolean(given["is_public"])
    return given


def _object(properties: dict[str, Schema], *, required: tuple[str, ...] = (), least: int = 0) -> Schema:
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    if least:
        schema["minProperties"] = least
    return schema


def _envelope(name: str, inner: Schema, *, open_ended: bool = False) -> Schema:
    schema = _object({name: inner}, required=(name,))
    return {**schema, "additionalProperties": open_ended}


def _specs(keys: str) -> Schema:
    return {"type": "object", "patternProperties": {keys: _SPEC_VALUE}, "additionalProperties": False}


_SPECS = _specs(r"^[a-zA-Z0-9-_:.]{1,255}$")
_SPECS_AT_CREATION: Schema = {"anyOf": [_specs(r"^[a-zA-Z0-9-_:. /]{1,255}$"), {"type": "null"}]}

ONE_SPEC: Schema = {**_SPECS, "maxProperties": 1}
GROUP_SPECS = _envelope("group_specs", _SPECS)
EXTRA_SPECS = _envelope("extra_specs", _SPECS)

CREATE_GROUP_TYPE = _envelope(
    "group_type",
    _object(
        {"name": _NAME, "description": _DESCRIPTION, "is_public": _BOOLEAN, "group_specs": _SPECS_AT_CREATION},
        required=("name",),
    ),
)
UPDATE_GROUP_TYPE = _envelope(
    "group_type", _object({"name": _NAME_OR_NULL, "description": _DESCRIPTION, "is_public": _BOOLEAN_OR_NULL})
)
CREATE_VOLUME_TYPE = _envelope(
    "volume_type",
    _object(
        {
            "name": _NAME,
            "description": _DESCRIPTION,
            "extra_specs": _SPECS_AT_CREATION,
            "os-volume-type-access:is_public": _BOOLEAN,
        },
        required=("name",),
    ),
)
UPDATE_VOLUME_TYPE = _envelope(
    "volume_type", _object({"name": _NAME_OR_NULL, "description": _DESCRIPTION, "is_public": _BOOLEAN_OR_NULL})
)

CREATE_GROUP = _envelope(
    "group",
    _object(
        {
            "name": _NAME_OR_NULL,
            "description": _DESCRIPTION,
            "group_type": _REFERENCE,
            "volume_types": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _REFERENCE},
            "availability_zone": _TEXT_OR_NULL,
        },
        required=("group_type", "volume_types"),
    ),
)
UPDATE_GROUP = _envelope(
    "group",
    _object(
        {
            "name": _NAME_OR_NULL,
            "description": _DESCRIPTION,
            "add_volumes": _LISTED_IDS,
            "remove_volumes": _LISTED_IDS,
        },
        least=1,
    ),
)
DELETE_GROUP = _object({"delete-volumes": _BOOLEAN})
# Cinder knows the status only; the rest is ours, so that no admin ever needs SQL.
RESET_GROUP = _object(
    {"status": _REFERENCE, "replication_status": _REFERENCE, "reason": {"type": "string", "maxLength": 255}}, least=1
)
FAILOVER = _object(
    {
        "allow_attached_volume": _BOOLEAN,
        "secondary_backend_id": _TEXT_OR_NULL,
        "mode": {"enum": list(replication.MODES)},
        "discard_bytes": {"type": ["integer", "null"], "minimum": 0},
    }
)
# The content is ignored. Cinder refuses null, which is what openstacksdk sends.
NOTHING: Schema = {"type": ["object", "null"]}

_SIZE: Schema = {
    "type": ["integer", "string", "null"],
    "pattern": "^[0-9]+$",
    "minimum": 1,
    "minLength": 1,
    "maxLength": 10,
}
_VOLUME: dict[str, Schema] = {
    "size": _SIZE,
    "name": _TEXT_OR_NULL,
    "display_name": _TEXT_OR_NULL,
    "description": _DESCRIPTION,
    "display_description": _DESCRIPTION,
    "volume_type": _TEXT_OR_NULL,
    "metadata": {"anyOf": [_STRINGS, {"type": "null"}]},
    "group_id": _UUID_OR_NULL,
    "availability_zone": _TEXT_OR_NULL,
    "multiattach": _BOOLEAN_OR_NULL,
    "snapshot_id": _UUID_OR_NULL,
    "source_volid": _UUID_OR_NULL,
    "consistencygroup_id": _UUID_OR_NULL,
    "backup_id": _UUID_OR_NULL,
    "imageRef": _TEXT_OR_NULL,
    "image_id": _TEXT_OR_NULL,
}
CREATE_VOLUME = _envelope("volume", _object(_VOLUME), open_ended=True)
CREATE_VOLUME_TOLERANTLY = _envelope("volume", {"type": "object", "properties": _VOLUME}, open_ended=True)
_CHANGES = {name: _VOLUME[name] for name in ("name", "display_name", "description", "display_description", "metadata")}
UPDATE_VOLUME = _envelope("volume", _object(_CHANGES, least=1))
UPDATE_VOLUME_TOLERANTLY = _envelope("volume", {"type": "object", "properties": _CHANGES}, open_ended=True)
RESET_VOLUME = _object(
    {"status": _REFERENCE, "attach_status": {"enum": list(attaching.RESETS)}, "migration_status": _TEXT_OR_NULL},
    least=1,
)
SET_BOOTABLE = _object({"bootable": _BOOLEAN}, required=("bootable",))
SET_READONLY = _object({"readonly": _BOOLEAN}, required=("readonly",))
RETYPE = _object(
    {"new_type": _REFERENCE, "migration_policy": {"enum": ["on-demand", "never", None]}}, required=("new_type",)
)

_PAIRS: Schema = {
    "type": "object",
    "patternProperties": {r"^[^\x00]{1,255}\Z": {"type": "string", "maxLength": 255}},
    "additionalProperties": False,
}
METADATA = _envelope("metadata", _PAIRS)
ONE_METADATA = _envelope("meta", {**_PAIRS, "minProperties": 1, "maxProperties": 1})
SET_IMAGE_METADATA = _object({"metadata": _PAIRS}, required=("metadata",))
UNSET_IMAGE_METADATA = _object({"key": _REFERENCE}, required=("key",))

_UUID: Schema = {"type": "string", "format": "uuid"}
_MODE: Schema = {"enum": list(models.ATTACHMENT_MODES)}
_CONNECTOR: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("host", "ip", "initiator", "platform", "os_type", "mountpoint"), _TEXT_OR_NULL),
        "mode": _MODE,
    },
}
_NEW_ATTACHMENT: dict[str, Schema] = {
    "volume_uuid": _UUID,
    "instance_uuid": _UUID_OR_NULL,
    "connector": {**_CONNECTOR, "type": ["object", "null"]},
}
CREATE_ATTACHMENT = _envelope("attachment", _object(_NEW_ATTACHMENT, required=("volume_uuid",)))
CREATE_ATTACHMENT_WITH_MODE = _envelope(
    "attachment",
    _object({**_NEW_ATTACHMENT, "mode": {"enum": [*models.ATTACHMENT_MODES, None]}}, required=("volume_uuid",)),
)
UPDATE_ATTACHMENT = _envelope(
    "attachment", _object({"connector": {**_CONNECTOR, "minProperties": 1}}, required=("connector",))
)
ATTACH = _object(
    {
        "mountpoint": _REFERENCE,
        "instance_uuid": _UUID_OR_NULL,
        "host_name": {"type": ["string", "null"], "maxLength": 255, "pattern": r"^[a-zA-Z0-9-._]*\Z"},
        "mode": _MODE,
    },
    required=("mountpoint",),
)
DETACH: Schema = {**_object({"attachment_id": _UUID_OR_NULL}), "type": ["object", "null"]}
FORCE_DETACH = _object({"attachment_id": _UUID_OR_NULL, "connector": {**_CONNECTOR, "type": ["object", "null"]}})
CONNECTION = _object({"connector": _CONNECTOR}, required=("connector",))
PROJECT_ACCESS = _object(
    {"project": {"type": "string", "minLength": 1, "maxLength": 64, "format": "printable"}}, required=("project",)
)
DEFAULT_TYPE = _envelope("default_type", _object({"volume_type": _REFERENCE}, required=("volume_type",)))

_QOS_VALUES: dict[str, Schema] = {r"^[a-zA-Z0-9-_:. ]{1,255}\Z": {"type": "string", "maxLength": 255}}
_QOS_CONSUMER: Schema = {"enum": list(models.QOS_CONSUMERS)}
CREATE_QOS_SPECS = _envelope(
    "qos_specs",
    {
        **_object({"name": _NAME, "consumer": _QOS_CONSUMER, "id": {"not": {}}}, required=("name",)),
        "patternProperties": _QOS_VALUES,
    },
)
# The name stays as it is: clients show it for what the values are of.
SET_QOS_KEYS = _envelope(
    "qos_specs",
    {
        **_object({"consumer": _QOS_CONSUMER, "id": {"not": {}}, "name": {"not": {}}}, least=1),
        "patternProperties": _QOS_VALUES,
    },
)
DELETE_QOS_KEYS = _object(
    {"keys": {"type": "array", "minItems": 1, "uniqueItems": True, "items": _REFERENCE}}, required=("keys",)
)

_NEW_TRANSFER: dict[str, Schema] = {"volume_id": _UUID, "name": _TEXT_OR_NULL}
CREATE_TRANSFER = _envelope("transfer", _object(_NEW_TRANSFER, required=("volume_id",)))
CREATE_TRANSFER_WITH_SNAPSHOTS = _envelope(
    "transfer", _object({**_NEW_TRANSFER, "no_snapshots": _BOOLEAN}, required=("volume_id",))
)
ACCEPT_TRANSFER = _envelope(
    # Keys of Cinder's can be all digits, and clients have sent them as numbers.
    "accept",
    _object({"auth_key": {"type": ["string", "integer"], "minLength": 1, "maxLength": 255}}, required=("auth_key",)),
)

_SNAPSHOT_LABELS: dict[str, Schema] = {
    "name": _TEXT_OR_NULL,
    "display_name": _TEXT_OR_NULL,
    "description": _DESCRIPTION,
    "display_description": _DESCRIPTION,
}
CREATE_SNAPSHOT = _envelope(
    "snapshot",
    _object(
        {
            **_SNAPSHOT_LABELS,
            # With null, Cinder looks for such a volume too, and finds none.
            "volume_id": _UUID_OR_NULL,
            "force": _BOOLEAN_OR_NULL,
            "metadata": {"anyOf": [_PAIRS, {"type": "null"}]},
        },
        required=("volume_id",),
    ),
)
UPDATE_SNAPSHOT = _envelope("snapshot", _object(_SNAPSHOT_LABELS, least=1))
REPORT_SNAPSHOT = _object(
    {"status": _REFERENCE, "progress": {"type": "string", "pattern": r"^(100|[1-9]?[0-9])%\Z"}}, required=("status",)
)
RESET_SNAPSHOT = _object({"status": _REFERENCE}, required=("status",))
CREATE_GROUP_SNAPSHOT = _envelope(
    "group_snapshot",
    _object({"group_id": _UUID, "name": _NAME_OR_NULL, "description": _DESCRIPTION}, required=("group_id",)),
)
# Cinder refuses the key that is not used, which openstacksdk sends as null.
CREATE_FROM_SOURCE = _envelope(
    "create-from-src",
    _object(
        {
            "name": _NAME_OR_NULL,
            "description": _DESCRIPTION,
            "group_snapshot_id": _UUID_OR_NULL,
            "source_group_id": _UUID_OR_NULL,
        }
    ),
)
EXTEND = _object({"new_size": {**_SIZE, "type": ["integer", "string"]}}, required=("new_size",))
_ENCRYPTION: dict[str, Schema] = {
    "provider": _REFERENCE,
    "control_location": {"enum": list(models.CONTROL_LOCATIONS)},
    "cipher": _TEXT_OR_NULL,
    "key_size": {"type": ["integer", "null"], "minimum": 0, "maximum": 2**31 - 1},
}
CREATE_ENCRYPTION = _envelope("encryption", _object(_ENCRYPTION, required=("provider", "control_location")))
UPDATE_ENCRYPTION = _envelope("encryption", _object(_ENCRYPTION, least=1))
