"""Volumes: all of them, and one."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api import addresses
from groups.api.describing import Schema, describe
from groups.api.native import waiting
from groups.api.v3 import answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import filtering, operations, visible, volumes as queries
from groups.services import policies, volumes as services

_OPEN_FILTERS = (
    "name",
    "status",
    "metadata",
    "bootable",
    "migration_status",
    "availability_zone",
    "group_id",
    "size",
    "created_at",
    "updated_at",
    "consumes_quota",
)
GROUP_SECONDS = 5
"""How long a new volume waits, at most, for its group to be made."""
_WITH_COUNT = "with_count"
_SOURCES = ("consistencygroup_id", "backup_id", "imageRef", "image_id")


class _VolumeLists(resource.Resource):
    """What the two lists of volumes do alike."""

    listed: ClassVar[Schema] = shapes.VOLUMES

    def row(self, values: queries.Values, base: str) -> rows.Fields:
        """Return one volume of the list."""
        return rows.volume_summary(values, caller=self.caller, base=base)

    @describe(lambda view: {200: view.listed}, query=shapes.VOLUME_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        policies.require(self.caller, "volume:get_all")
        asked = lists.question(
            request, caller=self.caller, version=self.version, open_filters=_OPEN_FILTERS, flags=(_WITH_COUNT,)
        )
        if self.version < microversions.GROUP_FILTER:
            asked.filters.pop("group_id", None)
        found = queries.listed(self.caller, page=asked.page, filters=asked.filters, all_projects=asked.all_projects)
        base = addresses.base(request)
        items = [self.row(values, base) for values in found]
        body: dict[str, Any] = {
            "volumes": items,
            **lists.links(request, items, page=asked.page, names=("volumes_links",)),
        }
        if self.version >= microversions.COUNTS and filtering.truth(
            asked.flags.get(_WITH_COUNT, "false"), name=_WITH_COUNT
        ):
            body["count"] = queries.counted(self.caller, filters=asked.filters, all_projects=asked.all_projects)
        return answers.document(body)


class Volumes(_VolumeLists):
    """All volumes."""

    @describe({202: shapes.VOLUME}, body=schemas.CREATE_VOLUME_TOLERANTLY)
    def post(self, request: Request) -> HttpResponse:
        """Create one."""
        strict = self.version >= microversions.STRICT_VOLUMES
        schema = schemas.CREATE_VOLUME if strict else schemas.CREATE_VOLUME_TOLERANTLY
        wanted = bodies.checked(request, schema)["volume"]
        _refuse_sources(wanted)
        group_id = wanted.get("group_id") if self.version >= microversions.GROUPS else None
        self._await_group(group_id)
        volume = services.create(
            self.caller,
            size_gib=None if wanted.get("size") is None else int(wanted["size"]),
            snapshot_id=wanted.get("snapshot_id"),
            source_volume_id=wanted.get("source_volid"),
            volume_type=wanted.get("volume_type"),
            group_id=group_id,
            name=schemas.label(wanted, "name"),
            description=schemas.label(wanted, "description"),
            metadata=wanted.get("metadata"),
            availability_zone=wanted.get("availability_zone"),
            multiattach=schemas.boolean(wanted.get("multiattach") or False),
        )
        values = queries.detail(self.caller, volume.pk)
        fields = rows.new_volume(values, caller=self.caller, version=self.version, base=addresses.base(request))
        return answers.document({"volume": fields}, status=202)

    def _await_group(self, group_id: str | None) -> None:
        # Clients of Cinder create a group and at once a volume in it; making a group takes a moment.
        if group_id is not None and policies.allows(self.caller, "volume:create"):
            operation_id = operations.making(self.caller, group_id)
            if operation_id is not None:
                waiting.for_end(operation_id, seconds=GROUP_SECONDS)


class DetailedVolumes(_VolumeLists):
    """All volumes in detail."""

    listed = shapes.DETAILED_VOLUMES

    def row(self, values: queries.Values, base: str) -> rows.Fields:
        """Return one volume of the list."""
        return rows.volume(values, caller=self.caller, version=self.version, base=base)


class VolumeSummary(resource.Resource):
    """What volumes are together."""

    since = microversions.SUMMARY

    @describe({200: shapes.SUMMARY}, query=shapes.VOLUME_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """Count them, add up their sizes and gather their metadata."""
        policies.require(self.caller, "volume:get_all")
        asked = lists.question(request, caller=self.caller, version=self.version, open_filters=_OPEN_FILTERS)
        found = queries.summary(self.caller, filters=asked.filters, all_projects=asked.all_projects)
        fields: dict[str, Any] = {"total_count": found.count, "total_size": found.size_gib}
        if self.version >= microversions.SUMMARY_METADATA:
            fields["metadata"] = found.metadata
        return answers.document({"volume-summary": fields})


class Volume(resource.Resource):
    """One volume."""

    @describe({200: shapes.VOLUME})
    def get(self, request: Request, volume_id: str) -> HttpResponse:
        """Show it."""
        volume = visible.volume(self.caller, volume_id)
        policies.require(self.caller, "volume:get")
        values = queries.detail(self.caller, volume.pk)
        fields = rows.volume(values, caller=self.caller, version=self.version, base=addresses.base(request))
        return answers.document({"volume": fields})

    @describe({200: shapes.VOLUME}, body=schemas.UPDATE_VOLUME_TOLERANTLY)
    def put(self, request: Request, volume_id: str) -> HttpResponse:
        """Change its name or description, or replace its metadata."""
        strict = self.version >= microversions.STRICT_VOLUMES
        schema = schemas.UPDATE_VOLUME if strict else schemas.UPDATE_VOLUME_TOLERANTLY
        wanted = bodies.checked(request, schema)["volume"]
        changes = {
            name: schemas.label(wanted, name)
            for name in ("name", "description")
            if {name, f"display_{name}"} & wanted.keys()
        }
        volume = services.update(self.caller, volume_id=volume_id, changes=changes, metadata=wanted.get("metadata"))
        values = queries.detail(self.caller, volume.pk)
        fields = rows.new_volume(values, caller=self.caller, version=self.version, base=addresses.base(request))
        return answers.document({"volume": fields})

    @describe({202: None}, query=shapes.REMOVAL_QUERY)
    def delete(self, request: Request, volume_id: str) -> HttpResponse:
        """Delete it; `cascade` with its snapshots."""
        force = filtering.truth(request.query_params.get("force", "false"), name="force")
        cascade = filtering.truth(request.query_params.get("cascade", "false"), name="cascade")
        force = force and self.version >= microversions.FORCED_DELETE
        services.delete(self.caller, volume_id=volume_id, force=force, cascade=cascade)
        return answers.empty()


def _refuse_sources(wanted: dict[str, Any]) -> None:
    for name in _SOURCES:
        if wanted.get(name) is not None:
            raise errors.InvalidInput(f"Invalid input received: no volume is made from that here; leave out '{name}'.")
