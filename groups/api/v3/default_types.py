"""Default volume types: which one a project's volumes get that name none."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import models
from groups.api.describing import describe
from groups.api.v3 import answers, bodies, microversions, resource, rows, schemas, shapes
from groups.services import default_types


def _row(row: models.DefaultVolumeType) -> rows.Fields:
    return {"project_id": row.project_id, "volume_type_id": row.volume_type_id}


class DefaultTypes(resource.Resource):
    """The defaults of all projects that have one."""

    since = microversions.DEFAULT_TYPES

    @describe({200: shapes.DEFAULT_TYPES})
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        return answers.document({"default_types": [_row(row) for row in default_types.listed(self.caller)]})


class DefaultType(resource.Resource):
    """The default of one project."""

    since = microversions.DEFAULT_TYPES

    @describe({200: shapes.DEFAULT_TYPE})
    def get(self, request: Request, default_for: str) -> HttpResponse:
        """Show it."""
        return answers.document({"default_type": _row(default_types.get(self.caller, project_id=default_for))})

    @describe({200: shapes.DEFAULT_TYPE}, body=schemas.DEFAULT_TYPE)
    def put(self, request: Request, default_for: str) -> HttpResponse:
        """Set it."""
        wanted = bodies.checked(request, schemas.DEFAULT_TYPE)["default_type"]["volume_type"]
        row = default_types.put(self.caller, project_id=default_for, volume_type=wanted)
        return answers.document({"default_type": _row(row)})

    @describe({204: None})
    def delete(self, request: Request, default_for: str) -> HttpResponse:
        """Take it away."""
        default_types.unset(self.caller, project_id=default_for)
        return answers.empty(status=204)
