"""The audit: who did what, through which door."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups.api.describing import describe
from groups.api.native import lists, resource, rows, shapes
from groups.queries import audits as found
from groups.services import policies


class Audits(resource.Resource):
    """Everything that anybody did, for admins."""

    @describe({200: shapes.AUDITS}, query=shapes.FILTERED_AUDITS)
    def get(self, request: Request) -> HttpResponse:
        """Return a page of it, newest first."""
        policies.require(self.caller, "audit:get")
        page, filters = lists.question(request)
        listed = [rows.audit(values) for values in found.listed(page=page, filters=filters)]
        return resource.document(lists.page_of(request, "audit", listed, page=page))
