"""Objectives: what a failover may cost, of one group and of the whole site."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups import objectives
from groups.api.describing import describe
from groups.api.native import resource, shapes
from groups.api.v3 import bodies
from groups.queries import objectives as queries, visible
from groups.services import objectives as services, policies

_LEVELS: bodies.Schema = {
    "type": "object",
    "properties": {
        column: {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1e9} for column in objectives.COLUMNS
    },
    "additionalProperties": False,
}


class OfGroup(resource.Resource):
    """The objectives of a group."""

    http_method_names = [*resource.Resource.http_method_names, "put"]

    @describe({200: shapes.GROUP_OBJECTIVES}, refusals=(404,))
    def get(self, _request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Return its own, those that hold, and how it stands against them."""
        row = visible.group(self.caller, group_id)
        policies.require(self.caller, "group:get")
        return _of_group(row.pk, self)

    @describe({200: shapes.GROUP_OBJECTIVES}, body=_LEVELS, refusals=(404,))
    def put(self, request: Request, group_id: uuid.UUID) -> HttpResponse:
        """Set its own; one that is left out or null is its type's, or else the site's."""
        services.set_levels(self.caller, group_id=group_id, levels=bodies.checked(request, _LEVELS))
        return _of_group(group_id, self)


class OfSite(resource.Resource):
    """The objectives of the whole site."""

    http_method_names = [*resource.Resource.http_method_names, "put"]

    @describe({200: shapes.SITE_OBJECTIVES})
    def get(self, _request: Request) -> HttpResponse:
        """Return what holds for every group for which neither it nor its type says."""
        return resource.document({"objectives": {"hold": dict(queries.site_levels())}})

    @describe({200: shapes.SITE_OBJECTIVES}, body=_LEVELS)
    def put(self, request: Request) -> HttpResponse:
        """Set them; one that is left out or null is as the site's settings say."""
        services.set_site_levels(self.caller, levels=bodies.checked(request, _LEVELS))
        return self.get(request)


def _of_group(group_id: uuid.UUID, view: resource.Resource) -> HttpResponse:
    row = visible.group(view.caller, group_id)
    found = queries.standing(row)
    values: Mapping[str, Any] = {
        "own": {column: getattr(row, column) for column in objectives.COLUMNS},
        "hold": {
            f"{measure}_{level}_seconds": getattr(getattr(found.objectives, measure), level)
            for measure in objectives.Measure
            for level in objectives.LEVELS
        },
        "lag_seconds": found.lag_seconds,
        "rpo_state": found.rpo_state,
        "recovery_seconds": found.recovery_seconds,
        "rto_state": found.rto_state,
    }
    return resource.document({"objectives": values})
