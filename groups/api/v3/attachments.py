"""Attachments: all of them, and one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, models
from groups.api.describing import Schema, describe
from groups.api.v3 import actions, answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import attachments as queries, visible
from groups.services import attachments as services, connections, policies

_OPEN_FILTERS = ("volume_id", "status", "instance_id", "attach_status")


def _detail(row: models.Attachment, *, status: int = 200) -> HttpResponse:
    return answers.document(
        {"attachment": rows.attachment(row, connection=connections.of([row])[row.pk])}, status=status
    )


class _AttachmentLists(resource.Resource):
    """What the two lists of attachments do alike."""

    since = microversions.ATTACHMENTS
    listed: ClassVar[Schema] = shapes.ATTACHMENTS

    def items(self, found: list[models.Attachment]) -> list[rows.Fields]:
        """Return what the list shows of its attachments."""
        return [rows.attachment_summary(row) for row in found]

    @describe(lambda view: {200: view.listed}, query=shapes.ATTACHMENT_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        policies.require(self.caller, "volume:attachment_get")
        asked = lists.question(request, caller=self.caller, version=self.version, open_filters=_OPEN_FILTERS)
        found = queries.listed(self.caller, page=asked.page, filters=asked.filters, all_projects=asked.all_projects)
        items = self.items(found)
        links = lists.links(request, items, page=asked.page, names=("attachments_links",))
        return answers.document({"attachments": items, **links})


class Attachments(_AttachmentLists):
    """All attachments."""

    @describe({200: shapes.ATTACHMENT}, body=schemas.CREATE_ATTACHMENT_WITH_MODE)
    def post(self, request: Request) -> HttpResponse:
        """Create one."""
        with_mode = self.version >= microversions.ATTACHMENT_MODE
        schema = schemas.CREATE_ATTACHMENT_WITH_MODE if with_mode else schemas.CREATE_ATTACHMENT
        wanted = bodies.checked(request, schema)["attachment"]
        row = services.create(
            self.caller,
            volume_id=wanted["volume_uuid"],
            instance_id=wanted.get("instance_uuid"),
            connector=wanted.get("connector"),
            mode=wanted.get("mode"),
        )
        return _detail(row)


class DetailedAttachments(_AttachmentLists):
    """All attachments in detail."""

    listed = shapes.DETAILED_ATTACHMENTS

    def items(self, found: list[models.Attachment]) -> list[rows.Fields]:
        """Return what the list shows of its attachments."""
        known = connections.of(found)
        return [rows.attachment(row, connection=known[row.pk]) for row in found]


class Attachment(resource.Resource):
    """One attachment."""

    since = microversions.ATTACHMENTS

    @describe({200: shapes.ATTACHMENT})
    def get(self, request: Request, attachment_id: str) -> HttpResponse:
        """Show it, with the way to the volume's active side as it is now."""
        row = visible.attachment(self.caller, attachment_id)
        policies.require(self.caller, "volume:attachment_get")
        return _detail(row)

    @describe({200: shapes.ATTACHMENT}, body=schemas.UPDATE_ATTACHMENT)
    def put(self, request: Request, attachment_id: str) -> HttpResponse:
        """Take in what the host says of itself."""
        connector = bodies.checked(request, schemas.UPDATE_ATTACHMENT)["attachment"]["connector"]
        return _detail(services.update(self.caller, attachment_id=attachment_id, connector=connector))

    @describe({200: shapes.ATTACHMENTS})
    def delete(self, request: Request, attachment_id: str) -> HttpResponse:
        """End it; show what the volume has left."""
        left = services.delete(self.caller, attachment_id=attachment_id)
        return answers.document({"attachments": [rows.attachment_summary(row) for row in left]})


def _complete(caller: callers.Caller, attachment_id: str, _wanted: dict[str, Any]) -> HttpResponse:
    services.complete(caller, attachment_id=attachment_id)
    return answers.empty(status=204)


class AttachmentActions(actions.Actions):
    """Where an attachment's only action is sent."""

    since = microversions.COMPLETED_ATTACHMENTS
    table: ClassVar[Mapping[str, actions.Action]] = {
        # The SDK sends the attachment's id, `cinder` sends null: what is sent says nothing.
        "os-complete": actions.Action(
            do=_complete, schema={}, since=microversions.COMPLETED_ATTACHMENTS, answers={204: None}
        ),
    }
