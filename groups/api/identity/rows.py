"""Projects, users and tokens as Keystone shows them."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from django.contrib.auth.models import User

from groups import callers, models
from groups.api.identity import bodies
from groups.queries import access

REGION = "RegionOne"

_DOMAIN = {"id": bodies.DOMAIN_ID, "name": bodies.DOMAIN_NAME}
# Ids that stay the same for ever, made from a name.
_IDS = uuid.UUID("5d4c1f0e-6a0b-4f0e-9a51-6f4f2f3c7d10")


def token(granted: access.Access, row: models.Token, *, base: str, with_catalog: bool = True) -> dict[str, Any]:
    """Return what a token stands for."""
    body: dict[str, Any] = {
        "methods": row.methods.split(","),
        "user": {
            "id": str(granted.user.pk),
            "name": granted.user.username,
            "domain": _DOMAIN,
            "password_expires_at": None,
        },
        "audit_ids": [row.audit_id],
        "issued_at": _time(row.issued_at),
        "expires_at": _time(row.expires_at),
    }
    if granted.project is not None:
        body["project"] = {"id": granted.project.pk, "name": granted.project.name, "domain": _DOMAIN}
        body["is_domain"] = False
        own = (*callers.ROLES, *sorted(granted.roles - set(callers.ROLES)))
        body["roles"] = [{"id": role_id(role), "name": role} for role in own if role in granted.roles]
        if with_catalog:
            body["catalog"] = catalog(granted.project, base=base)
    return body


def catalog(row: models.Project, *, base: str) -> list[dict[str, Any]]:
    """Return where the services are, for a project."""
    return [
        _service("block-storage", "cinder", f"{base}/v3"),
        _service("volumev3", "cinderv3", f"{base}/v3/{row.pk}"),
        _service("identity", "keystone", f"{base}/identity"),
    ]


def project(row: models.Project, *, base: str) -> dict[str, Any]:
    """Return a project."""
    return {
        "id": row.pk,
        "name": row.name,
        "description": row.description,
        "enabled": row.enabled,
        "domain_id": bodies.DOMAIN_ID,
        "parent_id": bodies.DOMAIN_ID,
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"{base}/identity/v3/projects/{row.pk}"},
    }


def user(row: User, *, base: str) -> dict[str, Any]:
    """Return a user."""
    return {
        "id": str(row.pk),
        "name": row.username,
        "enabled": row.is_active,
        "email": row.email or None,
        "domain_id": bodies.DOMAIN_ID,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{base}/identity/v3/users/{row.pk}"},
    }


def role_id(name: str) -> str:
    """Return the id of a role: the same for ever."""
    return _id("role", name)


def role(name: str, *, base: str) -> dict[str, Any]:
    """Return a role."""
    found = role_id(name)
    return {
        "id": found,
        "name": name,
        "domain_id": None,
        "description": None,
        "options": {},
        "links": {"self": f"{base}/identity/v3/roles/{found}"},
    }


def assignment(row: models.RoleAssignment, *, with_names: bool, base: str) -> dict[str, Any]:
    """Return who has which role in which project."""
    who: dict[str, Any] = {"id": str(row.user.pk)}
    where: dict[str, Any] = {"id": row.project.pk}
    which: dict[str, Any] = {"id": role_id(row.role)}
    if with_names:
        who |= {"name": row.user.username, "domain": _DOMAIN}
        where |= {"name": row.project.name, "domain": _DOMAIN}
        which |= {"name": row.role}
    at = f"{base}/identity/v3/projects/{row.project.pk}/users/{row.user.pk}/roles/{which['id']}"
    return {"scope": {"project": where}, "user": who, "role": which, "links": {"assignment": at}}


def domain(*, base: str) -> dict[str, Any]:
    """Return the one domain."""
    return {
        **_DOMAIN,
        "description": "The one domain there is.",
        "enabled": True,
        "tags": [],
        "options": {},
        "links": {"self": f"{base}/identity/v3/domains/{bodies.DOMAIN_ID}"},
    }


def region(*, base: str) -> dict[str, Any]:
    """Return the one region."""
    return {
        "id": REGION,
        "description": "",
        "parent_region_id": None,
        "links": {"self": f"{base}/identity/v3/regions/{REGION}"},
    }


def service(listed: dict[str, Any], *, base: str) -> dict[str, Any]:
    """Return a service of the catalog as it is shown alone."""
    return {
        "id": listed["id"],
        "type": listed["type"],
        "name": listed["name"],
        "description": "",
        "enabled": True,
        "links": {"self": f"{base}/identity/v3/services/{listed['id']}"},
    }


def endpoint(listed: dict[str, Any], *, service_id: str, base: str) -> dict[str, Any]:
    """Return an endpoint of the catalog as it is shown alone."""
    return {
        **listed,
        "service_id": service_id,
        "enabled": True,
        "links": {"self": f"{base}/identity/v3/endpoints/{listed['id']}"},
    }


def _service(kind: str, name: str, url: str) -> dict[str, Any]:
    endpoints = [
        {
            "id": _id("endpoint", f"{kind} {interface}"),
            "interface": interface,
            "region": REGION,
            "region_id": REGION,
            "url": url,
        }
        for interface in ("public", "internal", "admin")
    ]
    return {"id": _id("service", kind), "type": kind, "name": name, "endpoints": endpoints}


def _id(noun: str, name: str) -> str:
    return uuid.uuid5(_IDS, f"{noun} {name}").hex


def _time(moment: datetime.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
