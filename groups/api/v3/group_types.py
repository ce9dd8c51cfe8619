"""Group types."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api.describing import describe
from groups.api.v3 import answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import types as queries, visible
from groups.services import default_types, types


class GroupTypes(resource.Resource):
    """All group types."""

    since = microversions.GROUP_TYPES

    @describe({200: shapes.GROUP_TYPES}, query=shapes.TYPE_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        asked = lists.question(
            request,
            caller=self.caller,
            version=self.version,
            open_filters=("name",),
            flags=("is_public",),
            strict_since=None,
        )
        found = queries.group_types(
            self.caller,
            page=asked.page,
            filters=asked.filters,
            is_public=lists.is_public(asked.flags.get("is_public")) if self.caller.is_admin else True,
        )
        items = [rows.group_type(row, caller=self.caller) for row in found]
        names = ("group_type_links", "group_types_links")
        return answers.document({"group_types": items, **lists.links(request, items, page=asked.page, names=names)})

    @describe({202: shapes.GROUP_TYPE}, body=schemas.CREATE_GROUP_TYPE, refusals=(409,))
    def post(self, request: Request) -> HttpResponse:
        """Create one."""
        wanted = bodies.checked(request, schemas.CREATE_GROUP_TYPE)["group_type"]
        created = types.create(
            self.caller,
            family=types.GROUP,
            name=wanted["name"],
            description=wanted.get("description"),
            is_public=schemas.boolean(wanted.get("is_public", True)),
            spec_values=wanted.get("group_specs"),
        )
        row = visible.group_type(self.caller, created.pk)
        return answers.document({"group_type": rows.group_type(row, caller=self.caller)}, status=202)


class DefaultGroupType(resource.Resource):
    """The group type that clients show as the default one."""

    since = microversions.GROUP_TYPES

    @describe({200: shapes.GROUP_TYPE})
    def get(self, request: Request) -> HttpResponse:
        """Show it, if there is one."""
        row = default_types.of_groups(self.caller)
        if row is None:
            raise errors.NotFound("Default group type can not be found.")
        return answers.document({"group_type": rows.group_type(row, caller=self.caller)})


class GroupType(resource.Resource):
    """One group type."""

    since = microversions.GROUP_TYPES

    @describe({200: shapes.GROUP_TYPE})
    def get(self, request: Request, type_id: str) -> HttpResponse:
        """Show it."""
        row = visible.group_type(self.caller, type_id)
        return answers.document({"group_type": rows.group_type(row, caller=self.caller)})

    @describe({200: shapes.GROUP_TYPE}, body=schemas.UPDATE_GROUP_TYPE, refusals=(409,))
    def put(self, request: Request, type_id: str) -> HttpResponse:
        """Change its name, description or visibility."""
        wanted = bodies.checked(request, schemas.UPDATE_GROUP_TYPE)["group_type"]
        types.update(self.caller, family=types.GROUP, type_id=type_id, changes=schemas.changes(wanted))
        row = visible.group_type(self.caller, type_id)
        return answers.document({"group_type": rows.group_type(row, caller=self.caller)})

    @describe({202: None})
    def delete(self, request: Request, type_id: str) -> HttpResponse:
        """Delete it, if no group uses it."""
        types.delete(self.caller, family=types.GROUP, type_id=type_id)
        return answers.empty()
