"""Findings: list, show, adopt, restore, ignore."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from rest_framework.request import Request

from groups.api.describing import describe
from groups.api.native import lists, operations, resource, rows, shapes
from groups.api.v3 import bodies
from groups.queries import filtering, findings as found, visible
from groups.services import findings, policies

_REASON = {"type": "string", "minLength": 1, "maxLength": 255, "format": "not blank"}
_ADOPT: bodies.Schema = {
    "type": "object",
    "properties": {"reason": _REASON},
    "required": ["reason"],
    "additionalProperties": False,
}
_RESTORE: bodies.Schema = {
    **_ADOPT,
    "properties": {"reason": _REASON, "discard_bytes": {"type": "integer", "minimum": 0}},
}
_IGNORE: bodies.Schema = {
    **_ADOPT,
    "properties": {"reason": _REASON, "until": {"type": "string"}},
    "required": ["reason", "until"],
}
_NOTHING: bodies.Schema = {"type": "object", "additionalProperties": False}


class Findings(resource.Resource):
    """All findings the caller may see."""

    @describe({200: shapes.FINDINGS}, query=shapes.FILTERED_FINDINGS, refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """Return a page of them: the open ones, unless closed or ignored ones are asked for too."""
        policies.require(self.caller, "finding:get")
        page, filters = lists.question(request)
        listed = found.listed(self.caller, page=page, filters=filters)
        return resource.document(lists.page_of(request, "findings", [rows.finding(row) for row in listed], page=page))


class Finding(resource.Resource):
    """One finding."""

    @describe({200: shapes.FINDING}, refusals=(404,))
    def get(self, _request: Request, finding_id: uuid.UUID) -> HttpResponse:
        """Return it."""
        policies.require(self.caller, "finding:get")
        return resource.document({"finding": rows.finding(visible.finding(self.caller, finding_id))})


class Adopt(resource.Resource):
    """Record what the storage says."""

    @describe(shapes.STARTED, body=_ADOPT, query=shapes.START, refusals=(404, 409, 422))
    def post(self, request: Request, finding_id: uuid.UUID) -> HttpResponse:
        """Accept it as an operation."""
        wanted = bodies.checked(request, _ADOPT)
        return operations.started(self, request, lambda caller: findings.adopt(caller, finding_id=finding_id, **wanted))


class Restore(resource.Resource):
    """Bring the storage to what is recorded."""

    @describe(shapes.STARTED, body=_RESTORE, query=shapes.START, refusals=(404, 409, 422))
    def post(self, request: Request, finding_id: uuid.UUID) -> HttpResponse:
        """Accept it as an operation."""
        wanted = bodies.checked(request, _RESTORE)
        return operations.started(
            self, request, lambda caller: findings.restore(caller, finding_id=finding_id, **wanted)
        )


class Ignore(resource.Resource):
    """Keep a finding from calling for anybody."""

    @describe({200: shapes.FINDING}, body=_IGNORE, refusals=(404, 409))
    def post(self, request: Request, finding_id: uuid.UUID) -> HttpResponse:
        """Do it until the time given."""
        wanted = bodies.checked(request, _IGNORE)
        until = filtering.moment(wanted["until"], name="until")
        row = findings.ignore(self.caller, finding_id=finding_id, until=until, reason=wanted["reason"])
        return resource.document({"finding": rows.finding(row)})


class Heed(resource.Resource):
    """Stop ignoring a finding."""

    @describe({200: shapes.FINDING}, body=_NOTHING, refusals=(404, 409))
    def post(self, request: Request, finding_id: uuid.UUID) -> HttpResponse:
        """Do it at once."""
        bodies.checked(request, _NOTHING)
        return resource.document({"finding": rows.finding(findings.heed(self.caller, finding_id=finding_id))})
