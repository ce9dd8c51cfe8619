"""Events: who changed which status, when, from what to what, and why."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups.api.describing import describe
from groups.api.native import lists, resource, rows, shapes
from groups.queries import events as found


class Events(resource.Resource):
    """All events the caller may see."""

    @describe({200: shapes.EVENTS}, query=shapes.FILTERED_EVENTS)
    def get(self, request: Request) -> HttpResponse:
        """Return a page of them, newest first."""
        page, filters = lists.question(request)
        listed = found.listed(self.caller, page=page, filters=filters)
        return resource.document(lists.page_of(request, "events", [rows.event(values) for values in listed], page=page))
