"""Groups: which side each is on, how well it is protected, what can be done with it now; and the verbs."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api.describing import describe
from groups.api.native import lists, operations, resource, rows, shapes
from groups.api.v3 import bodies
from groups.models.backends import DEFAULT_TARGET
from groups.queries import possible, protection, visible
from groups.services import groups as services, policies, replication

_REASON: bodies.Schema = {"type": "string", "maxLength": 255}
_MOVE: dict[str, bodies.Schema] = {
    "mode": {"enum": list(replication.MODES)},
    "discard_bytes": {"type": ["integer", "null"], "minimum": 0},
    "allow_attached_volume": {"type": "boolean"},
    "reason": _REASON,
}


def _of(properties: dict[str, bodies.Schema], *, required: tuple[str, ...] = ()) -> bodies.Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_SIMPLE = _of({"reason": _REASON})
_FAILOVER = _of({"target": {"type": ["string", "null"], "minLength": 1, "maxLength": 255}, **_MOVE})
_FAILBACK = _of(_MOVE)
_RESET = {
    **_of(
        {
            "status": {"type": "string", "minLength": 1, "maxLength": 255},
            "replication_status": {"type": "string", "minLength": 1, "maxLength": 255},
            "reason": {**_REASON, "format": "not blank"},
        },
        required=("reason",),
    ),
    "minProperties": 2,
}


class Groups(resource.Resource):
    """All groups the caller may see."""

    @describe({200: shapes.GROUPS}, query=shapes.FILTERED_GROUPS, refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """Return a page of them, newest first."""
        policies.require(self.caller, "group:get_all")
        page, filters = lists.question(request)
        found = protection.listed(self.caller, page=page, filters=filters)
        return resource.document(lists.page_of(request, "groups", [rows.group(values) for values in found], page=page))


class Group(resource.Resource):
    """One group."""

    @describe({200: shapes.GROUP}, refusals=(404,))
    def get(self, _request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Return it with its targets, and which verbs are possible now; for those that are not, why."""
        return resource.document({"group": _in_full(self, group_id)})


class Enable(resource.Resource):
    """Replicate a group."""

    @describe(shapes.STARTED, body=_SIMPLE, body_required=False, query=shapes.START, refusals=(404, 409, 422))
    def post(self, request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Accept it as an operation."""
        wanted = bodies.checked(request, _SIMPLE, absent={})
        return operations.started(self, request, lambda caller: replication.enable(caller, group_id=group_id, **wanted))


class Disable(resource.Resource):
    """Stop replicating a group."""

    @describe(shapes.STARTED, body=_SIMPLE, body_required=False, query=shapes.START, refusals=(404, 409, 422))
    def post(self, request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Accept it as an operation."""
        wanted = bodies.checked(request, _SIMPLE, absent={})
        return operations.started(
            self, request, lambda caller: replication.disable(caller, group_id=group_id, **wanted)
        )


class Failover(resource.Resource):
    """Move a group to a secondary."""

    @describe(shapes.STARTED, body=_FAILOVER, body_required=False, query=shapes.START, refusals=(404, 409, 422))
    def post(self, request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Accept it as an operation."""
        wanted = bodies.checked(request, _FAILOVER, absent={})
        target = wanted.pop("target", None)
        if target == DEFAULT_TARGET:
            raise errors.InvalidInput(
                f"'{DEFAULT_TARGET}' is the primary.", remedy="Send failback to return to it; nothing was changed."
            )
        return _moved(self, request, group_id, to=target, **wanted)


class Failback(resource.Resource):
    """Move a group back to its primary."""

    @describe(shapes.STARTED, body=_FAILBACK, body_required=False, query=shapes.START, refusals=(404, 409, 422))
    def post(self, request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Accept it as an operation."""
        return _moved(self, request, group_id, to=DEFAULT_TARGET, **bodies.checked(request, _FAILBACK, absent={}))


class Reset(resource.Resource):
    """Correct the statuses of a group by hand."""

    @describe({200: shapes.GROUP}, body=_RESET, refusals=(404, 409))
    def post(self, request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Do it at once."""
        wanted = bodies.checked(request, _RESET)
        reason = wanted["reason"]
        # Both or neither, should one be refused.
        with transaction.atomic():
            if "status" in wanted:
                services.reset_status(self.caller, group_id=group_id, status=wanted["status"], reason=reason)
            if "replication_status" in wanted:
                replication.reset(
                    self.caller, group_id=group_id, replication_status=wanted["replication_status"], reason=reason
                )
        return resource.document({"group": _in_full(self, group_id)})


def _moved(
    view: resource.Resource, request: Request, group_id: uuid.UUID, *, to: str | None, **how: Any
) -> HttpResponse:
    return operations.started(
        view,
        request,
        lambda caller: replication.failover(caller, group_id=group_id, secondary_backend_id=to, **how),
    )


def _in_full(view: resource.Resource, group_id: uuid.UUID) -> dict[str, Any]:
    row = visible.group(view.caller, group_id)
    policies.require(view.caller, "group:get")
    values = protection.detail(view.caller, row.pk)
    return rows.group_in_full(values, standing=possible.standing(row), caller=view.caller)
