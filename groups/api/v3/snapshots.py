"""Snapshots: all of them, one, its metadata, and what can be done to it besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, errors
from groups.api.describing import Schema, describe
from groups.api.v3 import actions, answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import filtering, snapshots as queries, visible
from groups.services import policies, snapshots as services

_OPEN_FILTERS = ("name", "status", "volume_id", "metadata", "availability_zone", "consumes_quota")
_WITH_COUNT = "with_count"


class _SnapshotLists(resource.Resource):
    """What the two lists of snapshots do alike."""

    listed: ClassVar[Schema] = shapes.SNAPSHOTS

    def row(self, values: queries.Values) -> rows.Fields:
        """Return one snapshot of the list."""
        return rows.snapshot_summary(values)

    @describe(lambda view: {200: view.listed}, query=shapes.SNAPSHOT_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        policies.require(self.caller, "volume:get_all_snapshots")
        asked = lists.question(
            request, caller=self.caller, version=self.version, open_filters=_OPEN_FILTERS, flags=(_WITH_COUNT,)
        )
        found = queries.listed(self.caller, page=asked.page, filters=asked.filters, all_projects=asked.all_projects)
        items = [self.row(values) for values in found]
        body: dict[str, Any] = {
            "snapshots": items,
            **lists.links(request, items, page=asked.page, names=("snapshots_links",)),
        }
        if self.version >= microversions.COUNTS and filtering.truth(
            asked.flags.get(_WITH_COUNT, "false"), name=_WITH_COUNT
        ):
            body["count"] = queries.counted(self.caller, filters=asked.filters, all_projects=asked.all_projects)
        return answers.document(body)


class Snapshots(_SnapshotLists):
    """All snapshots."""

    @describe({202: shapes.SNAPSHOT}, body=schemas.CREATE_SNAPSHOT)
    def post(self, request: Request) -> HttpResponse:
        """Take one."""
        wanted = bodies.checked(request, schemas.CREATE_SNAPSHOT)["snapshot"]
        snapshot = services.create(
            self.caller,
            volume_id=wanted["volume_id"],
            name=schemas.label(wanted, "name"),
            description=schemas.label(wanted, "description"),
            metadata=wanted.get("metadata"),
            in_use=self._also_in_use(wanted),
        )
        values = queries.detail(self.caller, snapshot.pk)
        return answers.document({"snapshot": rows.new_snapshot(values, version=self.version)}, status=202)

    def _also_in_use(self, wanted: dict[str, Any]) -> bool:
        """Tell whether a volume that is attached will do: from one version on without being asked."""
        forced = wanted.get("force")
        if self.version < microversions.SNAPSHOTS_IN_USE:
            return schemas.boolean(forced or False)
        if forced is not None and not schemas.boolean(forced):
            raise errors.InvalidInput(
                f"Invalid value for 'force': from version {microversions.SNAPSHOTS_IN_USE} on snapshots of attached"
                " volumes are always taken; leave it out."
            )
        return True


class DetailedSnapshots(_SnapshotLists):
    """All snapshots in detail."""

    listed = shapes.DETAILED_SNAPSHOTS

    def row(self, values: queries.Values) -> rows.Fields:
        """Return one snapshot of the list."""
        return rows.snapshot(values, version=self.version)


class Snapshot(resource.Resource):
    """One snapshot."""

    @describe({200: shapes.SNAPSHOT})
    def get(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Show it."""
        snapshot = visible.snapshot(self.caller, snapshot_id)
        policies.require(self.caller, "volume:get_snapshot")
        values = queries.detail(self.caller, snapshot.pk)
        return answers.document({"snapshot": rows.snapshot(values, version=self.version)})

    @describe({200: shapes.SNAPSHOT}, body=schemas.UPDATE_SNAPSHOT)
    def put(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Change its name or description."""
        wanted = bodies.checked(request, schemas.UPDATE_SNAPSHOT)["snapshot"]
        changes = {
            name: schemas.label(wanted, name)
            for name in ("name", "description")
            if {name, f"display_{name}"} & wanted.keys()
        }
        snapshot = services.update(self.caller, snapshot_id=snapshot_id, changes=changes)
        values = queries.detail(self.caller, snapshot.pk)
        return answers.document({"snapshot": rows.new_snapshot(values, version=self.version)})

    @describe({202: None})
    def delete(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Delete it."""
        services.delete(self.caller, snapshot_id=snapshot_id)
        return answers.empty()


class SnapshotMetadata(resource.Resource):
    """All of a snapshot's metadata."""

    @describe({200: shapes.METADATA})
    def get(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"metadata": services.metadata(self.caller, snapshot_id=snapshot_id)})

    @describe({200: shapes.METADATA}, body=schemas.METADATA)
    def post(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Add pairs, and change those that are there."""
        values = bodies.checked(request, schemas.METADATA)["metadata"]
        found = services.set_metadata(self.caller, snapshot_id=snapshot_id, values=values)
        return answers.document({"metadata": found})

    @describe({200: shapes.METADATA}, body=schemas.METADATA)
    def put(self, request: Request, snapshot_id: str) -> HttpResponse:
        """Replace it."""
        values = bodies.checked(request, schemas.METADATA)["metadata"]
        found = services.set_metadata(self.caller, snapshot_id=snapshot_id, values=values, replace=True)
        return answers.document({"metadata": found})


class SnapshotMetadataPair(resource.Resource):
    """One pair of a snapshot's metadata."""

    @describe({200: shapes.METADATA_PAIR})
    def get(self, request: Request, snapshot_id: str, key: str) -> HttpResponse:
        """Show it."""
        found = services.metadata(self.caller, snapshot_id=snapshot_id)
        if key not in found:
            raise errors.NotFound(f"Snapshot {snapshot_id} has no metadata with key {key}.")
        return answers.document({"meta": {key: found[key]}})

    @describe({200: shapes.METADATA_PAIR}, body=schemas.ONE_METADATA)
    def put(self, request: Request, snapshot_id: str, key: str) -> HttpResponse:
        """Set it."""
        meta = bodies.checked(request, schemas.ONE_METADATA)["meta"]
        if key not in meta:
            raise errors.InvalidInput("Request body and URI mismatch")
        services.set_metadata(self.caller, snapshot_id=snapshot_id, values=meta)
        return answers.document({"meta": meta})

    @describe({200: None})
    def delete(self, request: Request, snapshot_id: str, key: str) -> HttpResponse:
        """Remove it."""
        services.delete_metadata(self.caller, snapshot_id=snapshot_id, key=key)
        return answers.empty(status=200)


def _reset(caller: callers.Caller, snapshot_id: str, wanted: dict[str, Any]) -> HttpResponse:
    services.reset_status(caller, snapshot_id=snapshot_id, status=wanted["status"])
    return answers.empty()


def _report(caller: callers.Caller, snapshot_id: str, wanted: dict[str, Any]) -> HttpResponse:
    services.report(caller, snapshot_id=snapshot_id, status=wanted["status"].lower(), progress=wanted.get("progress"))
    return answers.empty()


def _force_delete(caller: callers.Caller, snapshot_id: str, _wanted: dict[str, Any]) -> HttpResponse:
    services.delete(caller, snapshot_id=snapshot_id, force=True)
    return answers.empty()


class SnapshotActions(actions.Actions):
    """Where a snapshot's actions are sent."""

    table: ClassVar[Mapping[str, actions.Action]] = {
        "os-reset_status": actions.Action(do=_reset, schema=schemas.RESET_SNAPSHOT, since=microversions.MINIMUM),
        "os-update_snapshot_status": actions.Action(
            do=_report, schema=schemas.REPORT_SNAPSHOT, since=microversions.MINIMUM
        ),
        "os-force_delete": actions.Action(do=_force_delete, schema=schemas.NOTHING, since=microversions.MINIMUM),
    }
