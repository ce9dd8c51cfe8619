"""Operations: list, show, cancel, run again."""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from rest_framework.request import Request

from groups import models
from groups.api.describing import describe
from groups.api.native import lists, resource, rows, shapes
from groups.queries import operations as found, visible
from groups.services import operations


class Operations(resource.Resource):
    """All operations the caller may see."""

    @describe({200: shapes.OPERATIONS}, query=shapes.FILTERED_OPERATIONS, refusals=(404,))
    def get(self, request: Request) -> HttpResponse:
        """Return a page of them, newest first."""
        page, filters = lists.question(request)
        listed = found.listed(self.caller, page=page, filters=filters)
        return resource.document(
            lists.page_of(request, "operations", [rows.operation(row) for row in listed], page=page)
        )


class Operation(resource.Resource):
    """One operation."""

    @describe({200: shapes.OPERATION}, refusals=(404,))
    def get(self, _request: Request, operation_id: uuid.UUID) -> HttpResponse:
        """Return it with its steps."""
        row = visible.operation(self.caller, operation_id)
        return resource.document({"operation": rows.operation(row, with_steps=True)})


class Cancel(resource.Resource):
    """Stop an operation and undo what it did."""

    @describe(shapes.ACCEPTED, refusals=(404, 409))
    def post(self, _request: Request, operation_id: uuid.UUID) -> HttpResponse:
        """Ask for it; one not yet begun ends at once."""
        return accepted(operations.cancel(self.caller, operation_id=operation_id))


class Retry(resource.Resource):
    """Ask again for what failed or was canceled."""

    @describe(shapes.ACCEPTED, refusals=(404, 409))
    def post(self, _request: Request, operation_id: uuid.UUID) -> HttpResponse:
        """Accept it as a new operation."""
        return accepted(operations.retry(self.caller, operation_id=operation_id))


def accepted(row: models.Operation) -> HttpResponse:
    """Return an accepted operation and where to ask how it goes."""
    answer = resource.document({"operation": rows.operation(row)}, status=202)
    answer["Location"] = f"/api/operations/{row.pk}"
    return answer
