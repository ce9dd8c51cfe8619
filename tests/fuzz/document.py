"""The document with real ids among what may be sent: pure chance would only ever find that nothing is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groups import models
from groups.api import openapi

Known = Mapping[str, Sequence[str]]
"""Values that mean something on the site, by the word that comes before them in an address, or by a field's name."""

_FIELDS = {
    "group_type": "group_types",
    "volume_type": "types",
    "group_id": "groups",
    "volume_id": "volumes",
    "volume_uuid": "volumes",
    "source_volid": "volumes",
    "source_group_id": "groups",
    "subject_id": "groups",
    "operation_id": "operations",
    "secondary_backend_id": "targets",
    "target": "targets",
    "backend_id": "targets",
    "add_volumes": "volumes",
    "remove_volumes": "volumes",
    "snapshot_id": "snapshots",
    "group_snapshot_id": "group_snapshots",
    "marker": "volumes",
    "host": "hosts",
    "project_id": "projects",
    "vol_type_id": "types",
}
# A request to remove these would put out whoever asks.
_SPARED = ("/identity/v3/users/", "/identity/v3/projects/", "/identity/v3/roles/")


def known() -> Known:
    """Return what there is on the site."""

    def ids(model: Any) -> list[str]:
        return [str(pk) for pk in model.objects.values_list("pk", flat=True)[:8]]

    found = {
        "groups": ids(models.Group),
        "volumes": ids(models.Volume),
        "group_types": ids(models.GroupType),
        "types": ids(models.VolumeType),
        "operations": ids(models.Operation),
        "findings": ids(models.Finding),
        "snapshots": ids(models.Snapshot),
        "group_snapshots": ids(models.GroupSnapshot),
        "attachments": ids(models.Attachment),
        "volume-transfers": ids(models.Transfer),
        "os-volume-transfer": ids(models.Transfer),
        "qos-specs": ids(models.QosSpecs),
        "projects": ids(models.Project),
        "backends": list(models.Backend.objects.values_list("name", flat=True)),
        "targets": ["site-b", "site-c", "default"],
        "hosts": [row.host for row in models.Backend.objects.all()],
        "extra_specs": ["replication_enabled"],
        "group_specs": ["consistent_group_replication_enabled"],
        "metadata": ["key"],
    }
    return {name: values for name, values in found.items() if values}


def with_known(values: Known) -> dict[str, Any]:
    """Return the document, real ids among what its addresses, queries and bodies take."""
    document = dict(openapi.document())
    document["paths"] = {
        path: {method: _operation(path, method, operation, values) for method, operation in methods.items()}
        for path, methods in document["paths"].items()
    }
    return document


def _operation(path: str, method: str, operation: Mapping[str, Any], values: Known) -> dict[str, Any]:
    spared = method in ("delete", "patch", "put", "post") and path.startswith(_SPARED)
    parameters = [_parameter(path, each, {} if spared else values) for each in operation["parameters"]]
    found = {**operation, "parameters": parameters}
    if "requestBody" in operation:
        found["requestBody"] = _fields(operation["requestBody"], values)
    return found


def _parameter(path: str, parameter: Mapping[str, Any], values: Known) -> dict[str, Any]:
    name = parameter["name"]
    if parameter["in"] == "path":
        noun = path.partition("{" + name + "}")[0].rstrip("/").rpartition("/")[2]
    else:
        noun = _FIELDS.get(name, "")
    schema = _or_known(parameter["schema"], values.get(noun, ()))
    if parameter["in"] == "path":
        # An empty part of an address leads somewhere else.
        schema = {"anyOf": [each if "enum" in each else {**each, "minLength": 1} for each in _choices(schema)]}
    return {**parameter, "schema": schema}


def _fields(part: Any, values: Known) -> Any:
    if isinstance(part, list):
        return [_fields(each, values) for each in part]
    if not isinstance(part, Mapping):
        return part
    found = {key: _fields(value, values) for key, value in part.items()}
    if isinstance(found.get("properties"), dict):
        found["properties"] = {
            name: _or_known(schema, values.get(_FIELDS.get(name, ""), ()))
            for name, schema in found["properties"].items()
        }
    return found


def _or_known(schema: Any, values: Sequence[str]) -> Any:
    if not values or "array" in str(schema.get("type")):
        return schema
    return {"anyOf": [{"enum": list(values)}, *_choices(schema)]}


def _choices(schema: Any) -> list[Any]:
    return list(schema["anyOf"]) if set(schema) == {"anyOf"} else [schema]
