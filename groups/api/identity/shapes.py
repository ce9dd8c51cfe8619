"""What the identity API takes and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic import json_schema

from groups.api.describing import Common, Schema
from groups.api.identity import bodies
from groups.api.shapes import ANYTHING, BOOLEAN, STRINGS, TEXT, TEXT_OR_NULL, URL, asked, many, record

_FAULT = record({"error": record({"code": {"type": "integer"}, "title": TEXT, "message": TEXT})}, title="IdentityError")
COMMON = Common(
    refusals=dict.fromkeys((400, 401, 403, 404, 405, 409, 413, 429, 503), _FAULT),
    always=(401, 429, 503),
    with_body=(400, 413),
    headers={"X-Openstack-Request-Id": "Names the request, in the log too."},
)
TIME: Schema = {"type": "string", "format": "date-time"}


class _Untitled(json_schema.GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """Give no field a title: it would say its name again."""
        return False


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a part of a schema with what it refers to in the place of its references."""
    if isinstance(part, list):
        return [_inlined(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"]], definitions)
    return {key: _inlined(value, definitions) for key, value in part.items() if key not in ("$defs", "title")}


def _read_by(form: type[pydantic.BaseModel]) -> Schema:
    """Return the schema of what a body is read by."""
    found = form.model_json_schema(ref_template="{model}", schema_generator=_Untitled)
    return _inlined(found, found["$defs"])


LOGIN = _read_by(bodies.LoginBody)
NEW_PROJECT = _read_by(bodies.NewProjectBody)
CHANGED_PROJECT = _read_by(bodies.ChangedProjectBody)
NEW_USER = _read_by(bodies.NewUserBody)
CHANGED_USER = _read_by(bodies.ChangedUserBody)
NEW_PASSWORD = _read_by(bodies.NewPasswordBody)
_LINKS = many(record({"rel": TEXT, "href": URL}))
_VERSION = record(
    {
        "id": TEXT,
        "status": TEXT,
        "updated": TEXT,
        "links": _LINKS,
        "media-types": many(record({"base": TEXT, "type": TEXT})),
    },
    title="IdentityVersion",
)
VERSIONS = record({"versions": record({"values": many(_VERSION)})})
VERSION = record({"version": _VERSION})

_DOMAIN = record({"id": TEXT, "name": TEXT})
_NAMED = {"id": TEXT, "name": TEXT}
_ENDPOINT = record({"id": TEXT, "interface": TEXT, "region": TEXT, "region_id": TEXT, "url": URL})
_SERVICE = record({**_NAMED, "type": TEXT, "endpoints": many(_ENDPOINT)}, title="Service")
TOKEN = record(
    {
        "token": record(
            {
                "methods": many(TEXT),
                "user": record({**_NAMED, "domain": _DOMAIN, "password_expires_at": TEXT_OR_NULL}),
                "audit_ids": many(TEXT),
                "issued_at": TIME,
                "expires_at": TIME,
            },
            {
                "project": record({**_NAMED, "domain": _DOMAIN}),
                "is_domain": BOOLEAN,
                "roles": many(record(_NAMED)),
                "catalog": many(_SERVICE),
            },
            title="Token",
        )
    }
)
_SELF = record({"self": URL})
_PROJECT = record(
    {
        **_NAMED,
        "description": TEXT,
        "enabled": BOOLEAN,
        "domain_id": TEXT,
        "parent_id": TEXT,
        "is_domain": BOOLEAN,
        "tags": many(TEXT),
        "options": STRINGS,
        "links": _SELF,
    },
    title="Project",
)
_USER = record(
    {
        **_NAMED,
        "enabled": BOOLEAN,
        "email": TEXT_OR_NULL,
        "domain_id": TEXT,
        "password_expires_at": TEXT_OR_NULL,
        "options": STRINGS,
        "links": _SELF,
    },
    title="User",
)
_ROLE = record(
    {**_NAMED, "domain_id": TEXT_OR_NULL, "description": TEXT_OR_NULL, "options": STRINGS, "links": _SELF},
    title="Role",
)
_WHO = record({"id": TEXT}, {"name": TEXT, "domain": _DOMAIN})
_ASSIGNMENT = record(
    {
        "scope": record({"project": _WHO}),
        "user": _WHO,
        "role": record({"id": TEXT}, {"name": TEXT}),
        "links": record({"assignment": URL}),
    },
    title="RoleAssignment",
)
_WHOLE_SERVICE = record({**_NAMED, "type": TEXT, "description": TEXT, "enabled": BOOLEAN, "links": _SELF})
_WHOLE_ENDPOINT = record(
    {
        "id": TEXT,
        "interface": TEXT,
        "region": TEXT,
        "region_id": TEXT,
        "url": URL,
        "service_id": TEXT,
        "enabled": BOOLEAN,
        "links": _SELF,
    }
)
_REGION = record({"id": TEXT, "description": TEXT, "parent_region_id": TEXT_OR_NULL, "links": _SELF})
_WHOLE_DOMAIN = record(
    {**_NAMED, "description": TEXT, "enabled": BOOLEAN, "tags": many(TEXT), "options": STRINGS, "links": _SELF}
)


def _listed(noun: str, shape: Schema) -> Schema:
    links = record({"self": URL, "next": TEXT_OR_NULL, "previous": TEXT_OR_NULL})
    return record({noun: many(shape), "links": links})


PROJECT = record({"project": _PROJECT})
PROJECTS = _listed("projects", _PROJECT)
USER = record({"user": _USER})
USERS = _listed("users", _USER)
CATALOG = _listed("catalog", _SERVICE)
USER_GROUPS = _listed("groups", ANYTHING)
ROLE = record({"role": _ROLE})
ROLES = _listed("roles", _ROLE)
ASSIGNMENTS = _listed("role_assignments", _ASSIGNMENT)
SERVICE = record({"service": _WHOLE_SERVICE})
SERVICES = _listed("services", _WHOLE_SERVICE)
ENDPOINT = record({"endpoint": _WHOLE_ENDPOINT})
ENDPOINTS = _listed("endpoints", _WHOLE_ENDPOINT)
REGION = record({"region": _REGION})
REGIONS = _listed("regions", _REGION)
DOMAIN = record({"domain": _WHOLE_DOMAIN})
DOMAINS = _listed("domains", _WHOLE_DOMAIN)
SYSTEMS = _listed("system", ANYTHING)
NAME = asked("name")
NAMED = (NAME, asked("domain_id"))
NAMED_OR_DISABLED = (*NAMED, asked("enabled"))
SERVICE_QUERY = (NAME, asked("type"))
ENDPOINT_QUERY = (asked("service_id"), asked("interface"), asked("region_id"))
ASSIGNMENT_QUERY = (asked("user.id"), asked("scope.project.id"), asked("role.id"), asked("include_names"))
