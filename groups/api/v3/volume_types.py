"""Volume types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, errors
from groups.api.describing import describe
from groups.api.shapes import asked
from groups.api.v3 import actions, answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import types as queries, visible
from groups.services import default_types, types


class VolumeTypes(resource.Resource):
    """All volume types."""

    @describe({200: shapes.VOLUME_TYPES}, query=(*shapes.TYPE_QUERY, asked("extra_specs")))
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        asked = lists.question(
            request,
            caller=self.caller,
            version=self.version,
            # Cinder refuses `name` to members, and thereby breaks `cinder type-show NAME`.
            open_filters=("name", "extra_specs"),
            flags=("is_public",),
            strict_since=microversions.CHECKED_TYPE_FILTERS,
        )
        found = queries.volume_types(
            self.caller,
            page=asked.page,
            filters=asked.filters,
            is_public=lists.is_public(asked.flags.get("is_public")) if self.caller.is_admin else True,
        )
        items = [rows.volume_type(row, caller=self.caller) for row in found]
        names = ("volume_type_links", "volume_types_links")
        return answers.document({"volume_types": items, **lists.links(request, items, page=asked.page, names=names)})

    @describe({200: shapes.VOLUME_TYPE}, body=schemas.CREATE_VOLUME_TYPE, refusals=(409,))
    def post(self, request: Request) -> HttpResponse:
        """Create one."""
        wanted = bodies.checked(request, schemas.CREATE_VOLUME_TYPE)["volume_type"]
        created = types.create(
            self.caller,
            family=types.VOLUME,
            name=wanted["name"],
            description=wanted.get("description"),
            is_public=schemas.boolean(wanted.get(rows.ACCESS_IS_PUBLIC, True)),
            spec_values=wanted.get("extra_specs"),
        )
        row = visible.volume_type(self.caller, created.pk)
        return answers.document({"volume_type": rows.created_volume_type(row, caller=self.caller)})


class DefaultVolumeType(resource.Resource):
    """The volume type of volumes that name none."""

    @describe({200: shapes.VOLUME_TYPE})
    def get(self, request: Request) -> HttpResponse:
        """Show it, if there is one."""
        row = default_types.of(self.caller)
        if row is None:
            raise errors.NotFound("Default volume type can not be found.")
        return answers.document({"volume_type": rows.volume_type(row, caller=self.caller)})


class VolumeType(resource.Resource):
    """One volume type."""

    @describe({200: shapes.VOLUME_TYPE})
    def get(self, request: Request, type_id: str) -> HttpResponse:
        """Show it."""
        row = visible.volume_type(self.caller, type_id)
        return answers.document({"volume_type": rows.volume_type(row, caller=self.caller)})

    @describe({200: shapes.VOLUME_TYPE}, body=schemas.UPDATE_VOLUME_TYPE, refusals=(409,))
    def put(self, request: Request, type_id: str) -> HttpResponse:
        """Change its name, description or visibility."""
        wanted = bodies.checked(request, schemas.UPDATE_VOLUME_TYPE)["volume_type"]
        types.update(self.caller, family=types.VOLUME, type_id=type_id, changes=schemas.changes(wanted))
        row = visible.volume_type(self.caller, type_id)
        return answers.document({"volume_type": rows.updated_volume_type(row, caller=self.caller)})

    @describe({202: None})
    def delete(self, request: Request, type_id: str) -> HttpResponse:
        """Delete it, if nothing uses it."""
        types.delete(self.caller, family=types.VOLUME, type_id=type_id)
        return answers.empty()


class VolumeTypeAccess(resource.Resource):
    """Which projects may use a volume type that is not public."""

    @describe({200: shapes.VOLUME_TYPE_ACCESS})
    def get(self, request: Request, type_id: str) -> HttpResponse:
        """List them."""
        found = types.accesses(self.caller, type_id=type_id)
        return answers.document(
            {
                "volume_type_access": [
                    {"volume_type_id": row.volume_type_id, "project_id": row.project_id} for row in found
                ]
            }
        )


def _add_access(caller: callers.Caller, type_id: str, wanted: dict[str, Any]) -> HttpResponse:
    types.add_access(caller, type_id=type_id, project_id=wanted["project"])
    return answers.empty()


def _remove_access(caller: callers.Caller, type_id: str, wanted: dict[str, Any]) -> HttpResponse:
    types.remove_access(caller, type_id=type_id, project_id=wanted["project"])
    return answers.empty()


def _changing(do: actions.Do) -> actions.Action:
    return actions.Action(do=do, schema=schemas.PROJECT_ACCESS, since=microversions.MINIMUM)


class VolumeTypeActions(actions.Actions):
    """Where a volume type's actions are sent."""

    table: ClassVar[Mapping[str, actions.Action]] = {
        "addProjectAccess": _changing(_add_access),
        "removeProjectAccess": _changing(_remove_access),
    }
