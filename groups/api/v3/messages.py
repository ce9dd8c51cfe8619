"""User messages: list, show, delete. The list answers at every version: `openstack` names none for it."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import models
from groups.api import addresses
from groups.api.describing import describe
from groups.api.v3 import answers, lists, microversions, resource, rows, site_shapes as shapes
from groups.queries import messages as found
from groups.services import messages, policies


class Messages(resource.Resource):
    """All user messages."""

    @describe({200: shapes.MESSAGES}, query=shapes.MESSAGE_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them, the newest first."""
        policies.require(self.caller, "message:get_all")
        asked = lists.question(request, caller=self.caller, version=self.version, open_filters=found.FILTERS)
        base = addresses.base(request)
        listed = [
            _row(row, project_id=self.caller.project_id, base=base)
            for row in found.listed(self.caller, page=asked.page, filters=asked.filters)
        ]
        links = lists.links(request, listed, page=asked.page, names=("messages_links", "message_links"))
        return answers.document({"messages": listed, **links})


class Message(resource.Resource):
    """One user message."""

    @describe({200: shapes.MESSAGE})
    def get(self, request: Request, message_id: str) -> HttpResponse:
        """Show it."""
        row = found.one(self.caller, message_id)
        policies.require(self.caller, "message:get")
        shown = _row(row, project_id=self.caller.project_id, base=addresses.base(request))
        if self.version < microversions.MESSAGES:
            # openstacksdk, which names no version here, looks for the one message where lists are.
            return answers.document({"message": shown, "messages": shown})
        return answers.document({"message": shown})

    @describe({204: None})
    def delete(self, _request: Request, message_id: str) -> HttpResponse:
        """Delete it."""
        messages.delete(self.caller, message_id=message_id)
        return answers.empty(status=204)


def _row(row: models.Message, *, project_id: str, base: str) -> rows.Fields:
    path = f"{project_id}/messages/{row.pk}"
    return {
        "id": row.pk,
        "event_id": row.event_id,
        "user_message": row.user_message,
        "message_level": row.message_level,
        "created_at": rows.time(row.created_at),
        "guaranteed_until": rows.time(row.expires_at),
        "request_id": row.request_id,
        "resource_type": row.resource_type,
        "resource_uuid": row.resource_uuid,
        "links": [
            {"rel": "self", "href": f"{base}/v3/{path}"},
            {"rel": "bookmark", "href": f"{base}/{path}"},
        ],
    }
