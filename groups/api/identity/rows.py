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
        body["roles"] = [{"id": _id("role", role), "name": role} for role in callers.ROLES if role in granted.roles]
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
        "domain_id": bodies.DOMAIN_ID,
        "password_expires_at": None,
        "options": {},
        "links": {"self": f"{base}/identity/v3/users/{row.pk}"},
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
