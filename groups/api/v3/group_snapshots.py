"""Snapshots of groups: all of them, one, and what can be done to it; and groups made from a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers
from groups.api.describing import Schema, describe
from groups.api.v3 import actions, answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import paging, snapshots as queries, visible
from groups.services import group_snapshots as services, policies

_OPEN_FILTERS = ("name", "status", "group_id")
_FROM_SOURCE = "create-from-src"


class _GroupSnapshotLists(resource.Resource):
    """What the two lists of group snapshots do alike."""

    since = microversions.GROUP_SOURCES
    listed: ClassVar[Schema] = shapes.GROUP_SNAPSHOTS

    def row(self, values: queries.Values) -> rows.Fields:
        """Return one group snapshot of the list."""
        return {"id": values["id"], "name": values["name"]}

    @describe(lambda view: {200: view.listed}, query=shapes.GROUP_SNAPSHOT_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them; older versions know neither filters nor pages."""
        policies.require(self.caller, "group:get_all_group_snapshots")
        asked = lists.question(request, caller=self.caller, version=self.version, open_filters=_OPEN_FILTERS)
        plain = self.version < microversions.GROUP_SNAPSHOT_FILTERS
        page = paging.Page() if plain else asked.page
        found = queries.listed_of_groups(
            self.caller, page=page, filters={} if plain else asked.filters, all_projects=asked.all_projects
        )
        items = [self.row(values) for values in found]
        names = ("group_snapshot_links", "group_snapshots_links")
        return answers.document({"group_snapshots": items, **lists.links(request, items, page=page, names=names)})


class GroupSnapshots(_GroupSnapshotLists):
    """All group snapshots."""

    @describe({202: shapes.NEW_GROUP_SNAPSHOT}, body=schemas.CREATE_GROUP_SNAPSHOT)
    def post(self, request: Request) -> HttpResponse:
        """Take one."""
        wanted = bodies.checked(request, schemas.CREATE_GROUP_SNAPSHOT)["group_snapshot"]
        snapshot = services.create(
            self.caller,
            group_id=wanted["group_id"],
            name=wanted.get("name"),
            description=wanted.get("description"),
        )
        fields = {"id": snapshot.pk, "name": snapshot.name, "group_type_id": snapshot.group_type_id}
        return answers.document({"group_snapshot": fields}, status=202)


class DetailedGroupSnapshots(_GroupSnapshotLists):
    """All group snapshots in detail."""

    listed = shapes.DETAILED_GROUP_SNAPSHOTS

    def row(self, values: queries.Values) -> rows.Fields:
        """Return one group snapshot of the list."""
        return rows.group_snapshot(values, caller=self.caller, version=self.version)


class GroupSnapshot(resource.Resource):
    """One group snapshot."""

    since = microversions.GROUP_SOURCES

    @describe({200: shapes.GROUP_SNAPSHOT})
    def get(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Show it."""
        snapshot = visible.group_snapshot(self.caller, snapshot_id)
        policies.require(self.caller, "group:get_group_snapshot")
        values = queries.detail_of_group(self.caller, snapshot.pk)
        fields = rows.group_snapshot(values, caller=self.caller, version=self.version)
        return answers.document({"group_snapshot": fields})

    @describe({202: None})
    def delete(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Delete it."""
        services.delete(self.caller, group_snapshot_id=snapshot_id)
        return answers.empty()


def _reset(caller: callers.Caller, snapshot_id: str, wanted: dict[str, Any]) -> HttpResponse:
    services.reset_status(caller, group_snapshot_id=snapshot_id, status=wanted["status"])
    return answers.empty()


class GroupSnapshotActions(actions.Actions):
    """Where a group snapshot's actions are sent."""

    since = microversions.GROUP_SOURCES
    table: ClassVar[Mapping[str, actions.Action]] = {
        "reset_status": actions.Action(
            do=_reset, schema=schemas.RESET_SNAPSHOT, since=microversions.RESET_GROUP_SNAPSHOT
        ),
    }


class GroupsFromSource(resource.Resource):
    """Where groups that are made from something are asked for."""

    since = microversions.GROUP_SOURCES

    @describe({202: shapes.NEW_GROUP}, body=schemas.CREATE_FROM_SOURCE)
    def post(self, request: Request) -> HttpResponse:
        """Make one from a group snapshot, or from another group."""
        wanted = bodies.checked(request, schemas.CREATE_FROM_SOURCE)[_FROM_SOURCE]
        group = services.create_group(
            self.caller,
            group_snapshot_id=wanted.get("group_snapshot_id"),
            source_group_id=wanted.get("source_group_id"),
            name=wanted.get("name"),
            description=wanted.get("description"),
        )
        return answers.document({"group": {"id": group.pk, "name": group.name}}, status=202)
