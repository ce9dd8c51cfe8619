"""Whole sites: what a failover would find, start one, see how it goes, cancel it."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors, models
from groups.api.describing import describe
from groups.api.native import lists, resource, shapes as page_shapes, site_rows, site_shapes as shapes
from groups.api.v3 import bodies
from groups.queries import sites as found, visible
from groups.services import policies, replication, sites

_START: bodies.Schema = {
    "type": "object",
    "properties": {
        "secondary_backend_id": {"type": ["string", "null"], "maxLength": 255},
        "mode": {"enum": list(replication.MODES)},
        "concurrency": {"type": ["integer", "null"]},
        "in_waves": {"type": "boolean"},
        "allow_attached_volume": {"type": "boolean"},
        "discard_bytes": {"type": ["integer", "null"]},
        "reason": {"type": "string", "maxLength": 255},
    },
    "additionalProperties": False,
}
_CANCEL: bodies.Schema = {
    "type": "object",
    "properties": {"stop_running": {"type": "boolean"}},
    "additionalProperties": False,
}
_PRIORITY: bodies.Schema = {
    "type": "object",
    "properties": {"priority": {"type": "integer"}},
    "required": ["priority"],
    "additionalProperties": False,
}


class BackendFailover(resource.Resource):
    """The failover of a backend's whole site."""

    @describe({200: shapes.SITE_FAILOVER}, refusals=(404,))
    def get(self, _request: Request, backend: str) -> HttpResponse:
        """Return the newest one. Raises `NotFound` when there has been none."""
        policies.require(self.caller, "backend:get")
        row = visible.backend_called(backend)
        newest = found.runs(backend_id=row.pk).first()
        if newest is None:
            raise errors.NotFound(f"Backend {row.name} was never failed over as a whole.")
        return _shown(newest)

    @describe(shapes.BEGUN, body=_START, refusals=(404, 409))
    def post(self, request: Request, backend: str) -> HttpResponse:
        """Accept one."""
        run = sites.start(self.caller, backend=backend, **bodies.checked(request, _START))
        answer = _shown(run, status=202)
        answer["Location"] = f"/api/site-failovers/{run.pk}"
        return answer


class Outlook(resource.Resource):
    """What a failover of a backend's site would find and lose."""

    @describe({200: shapes.OUTLOOK}, query=shapes.TARGET_QUERY, refusals=(404, 409))
    def get(self, request: Request, backend: str) -> HttpResponse:
        """Return all its groups in the order in which they would be moved."""
        policies.require(self.caller, "backend:get")
        row = visible.backend_called(backend)
        target = sites.target_of(row, request.query_params.get("target"))
        listed = found.outlook(row, target=target)
        return resource.document(
            {"backend": row.name, "target": target or "default", "groups": [site_rows.outlook(each) for each in listed]}
        )


class SiteFailovers(resource.Resource):
    """All failovers of whole sites."""

    @describe({200: shapes.SITE_FAILOVERS}, query=shapes.SITE_FAILOVER_QUERY, refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """Return a page of them, newest first."""
        policies.require(self.caller, "backend:get")
        page, filters = lists.question(request)
        listed = found.listed(page=page, filters=filters)
        counts = found.totals(listed)
        rows = [site_rows.site_failover(row, counts[row.pk]) for row in listed]
        return resource.document(lists.page_of(request, "site_failovers", rows, page=page))


class SiteFailover(resource.Resource):
    """One failover of a whole site."""

    @describe({200: shapes.SITE_FAILOVER}, refusals=(404,))
    def get(self, _request: Request, site_failover_id: uuid.UUID) -> HttpResponse:
        """Return it with its totals."""
        policies.require(self.caller, "backend:get")
        return _shown(visible.site_failover(site_failover_id))


class Places(resource.Resource):
    """The groups of a failover of a whole site."""

    @describe({200: shapes.PLACES}, query=page_shapes.PAGE, refusals=(404,))
    def get(self, request: Request, site_failover_id: uuid.UUID) -> HttpResponse:
        """Return a page of them, in their order."""
        policies.require(self.caller, "backend:get")
        page, filters = lists.question(request)
        if filters:
            raise errors.InvalidInput(f"There is no filter '{next(iter(filters))}' here.")
        rows = [site_rows.place(row) for row in found.listed_places(visible.site_failover(site_failover_id), page=page)]
        return resource.document(lists.page_of(request, "groups", rows, page=page))


class Cancel(resource.Resource):
    """Begin no further group."""

    @describe(shapes.BEGUN, body=_CANCEL, body_required=False, refusals=(404, 409))
    def post(self, request: Request, site_failover_id: uuid.UUID) -> HttpResponse:
        """Accept it."""
        wanted: dict[str, Any] = bodies.checked(request, _CANCEL) if request.body else {}
        return _shown(sites.cancel(self.caller, site_failover_id=site_failover_id, **wanted), status=202)


class Priority(resource.Resource):
    """When a group has its turn."""

    @describe({200: shapes.PRIORITY}, body=_PRIORITY, refusals=(404,))
    def post(self, request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Set it."""
        wanted = bodies.checked(request, _PRIORITY)
        row = sites.set_priority(self.caller, group_id=group_id, priority=wanted["priority"])
        return resource.document({"group": {"id": str(row.pk), "failover_priority": row.failover_priority}})


def _shown(run: models.SiteFailover, *, status: int = 200) -> HttpResponse:
    counts = found.totals([run])[run.pk]
    return resource.document({"site_failover": site_rows.site_failover(run, counts)}, status=status)
