"""Groups: all of them, and one."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups.api.describing import describe
from groups.api.v3 import answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import filtering, groups as queries, paging
from groups.services import groups as services, policies

_LIST_VOLUME = "list_volume"


class _GroupLists(resource.Resource):
    """What the two lists of groups do alike."""

    since = microversions.GROUPS

    def found(self, request: Request) -> tuple[list[queries.Values], paging.Page]:
        """Return the groups asked for, and which page of the list they are."""
        policies.require(self.caller, "group:get_all")
        asked = lists.question(
            request, caller=self.caller, version=self.version, open_filters=("name",), flags=(_LIST_VOLUME,)
        )
        found = queries.listed(
            self.caller,
            page=asked.page,
            filters=asked.filters,
            all_projects=asked.all_projects,
            with_volumes=_with_volumes(asked.flags, self.version),
        )
        return found, asked.page

    def enveloped(self, request: Request, items: list[rows.Fields], page: paging.Page) -> HttpResponse:
        """Return the page with the link to the next one."""
        links = lists.links(request, items, page=page, names=("group_links", "groups_links"))
        return answers.document({"groups": items, **links})


class Groups(_GroupLists):
    """All groups."""

    @describe({200: shapes.GROUPS}, query=shapes.GROUP_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them in short."""
        found, page = self.found(request)
        return self.enveloped(request, [{"id": values["id"], "name": values["name"]} for values in found], page)

    @describe({202: shapes.NEW_GROUP}, body=schemas.CREATE_GROUP)
    def post(self, request: Request) -> HttpResponse:
        """Create one."""
        wanted = bodies.checked(request, schemas.CREATE_GROUP)["group"]
        group = services.create(
            self.caller,
            group_type=wanted["group_type"],
            volume_types=wanted["volume_types"],
            name=wanted.get("name"),
            description=wanted.get("description"),
            availability_zone=wanted.get("availability_zone"),
        )
        return answers.document({"group": {"id": group.pk, "name": group.name}}, status=202)


class DetailedGroups(_GroupLists):
    """All groups in detail."""

    @describe({200: shapes.DETAILED_GROUPS}, query=shapes.GROUP_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        found, page = self.found(request)
        return self.enveloped(
            request, [rows.group(values, caller=self.caller, version=self.version) for values in found], page
        )


class Group(resource.Resource):
    """One group."""

    since = microversions.GROUPS

    @describe({200: shapes.GROUP}, query=(shapes.LIST_VOLUME,))
    def get(self, request: Request, group_id: str) -> HttpResponse:
        """Show it."""
        with_volumes = _with_volumes(request.query_params, self.version)
        values = queries.detail(self.caller, group_id, with_volumes=with_volumes)
        policies.require(self.caller, "group:get")
        return answers.document({"group": rows.group(values, caller=self.caller, version=self.version)})

    @describe({202: None}, body=schemas.UPDATE_GROUP)
    def put(self, request: Request, group_id: str) -> HttpResponse:
        """Rename it; add and remove volumes."""
        wanted = bodies.checked(request, schemas.UPDATE_GROUP)["group"]
        services.update(
            self.caller,
            group_id=group_id,
            name=wanted.get("name"),
            description=wanted.get("description"),
            add_volumes=_ids(wanted.get("add_volumes")),
            remove_volumes=_ids(wanted.get("remove_volumes")),
        )
        return answers.empty()


def _with_volumes(query: Any, version: microversions.Version) -> bool:
    if version < microversions.LISTED_VOLUMES or _LIST_VOLUME not in query:
        return False
    return filtering.truth(query[_LIST_VOLUME], name=_LIST_VOLUME)


def _ids(listed: str | None) -> list[str]:
    """Return the ids of a comma-separated list, each once."""
    return list(dict.fromkeys(part.strip() for part in (listed or "").split(",") if part.strip()))
