"""How backends, their targets and the drivers look in our own API."""

from __future__ import annotations

import datetime
from typing import Any

from groups import models
from groups.services import backends


def backend(row: models.Backend) -> dict[str, Any]:
    """Return a backend with its targets, the default one first; secrets are masked."""
    return {
        "id": str(row.pk),
        "name": row.name,
        "driver": row.driver,
        "description": row.description,
        "enabled": row.enabled,
        "host": row.host,
        "options": backends.shown_options(row),
        "targets": [target(row, each) for each in row.targets.all()],
        "created_at": _time(row.created_at),
        "updated_at": _time(row.updated_at),
    }


def target(row: models.Backend, found: models.ReplicationTarget) -> dict[str, Any]:
    """Return a target; secrets are masked."""
    return {"backend_id": found.backend_id, "options": backends.shown_target_options(row, found)}


def check(row: models.ConnectionCheck) -> dict[str, Any]:
    """Return what a worker saw of a backend's sides, or that none has looked yet."""
    return {
        "asked_by": row.user_name,
        "asked_at": _time(row.created_at),
        "done_at": _time(row.done_at),
        "worker": row.worker,
        "sides": row.sides,
        "error": row.error,
        "remedy": row.remedy,
    }


def driver(sheet: backends.Sheet) -> dict[str, Any]:
    """Return a driver and the options it takes."""
    return {
        "name": sheet.driver,
        "summary": sheet.summary,
        "options": [_option(each) for each in sheet.options],
        "target_options": [_option(each) for each in sheet.target_options],
    }


def _option(option: backends.Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "help": option.help,
        "kind": option.kind,
        "default": option.default,
        "required": option.required,
        "secret": option.secret,
        "choices": list(option.choices),
    }


def _time(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
