"""Operations: list, show, wait for, cancel, run again."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, errors, models
from groups.api.describing import describe
from groups.api.native import lists, resource, rows, shapes, waiting
from groups.queries import operations as found, visible
from groups.services import operations

REQUEST_KEY, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
_LONGEST_KEY = 255


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

    @describe({200: shapes.OPERATION}, query=(shapes.PREFER,), refusals=(404,))
    def get(self, request: Request, operation_id: uuid.UUID) -> HttpResponse:
        """Return it with its steps and events, at once or at its end."""
        seconds = waiting.seconds_asked(request)
        row, applied = _waited_for(self.caller, visible.operation(self.caller, operation_id), seconds)
        return _preferred(resource.document({"operation": rows.operation_in_full(row)}), applied)


class Cancel(resource.Resource):
    """Stop an operation and undo what it did."""

    @describe(shapes.STARTED, query=(shapes.PREFER,), refusals=(404, 409))
    def post(self, request: Request, operation_id: uuid.UUID) -> HttpResponse:
        """Ask for it; one not yet begun ends at once."""
        seconds = waiting.seconds_asked(request)
        row, applied = _waited_for(self.caller, operations.cancel(self.caller, operation_id=operation_id), seconds)
        return _answer(row, applied)


class Retry(resource.Resource):
    """Ask again for what failed or was canceled."""

    @describe(shapes.STARTED, query=shapes.START, refusals=(404, 409, 422))
    def post(self, request: Request, operation_id: uuid.UUID) -> HttpResponse:
        """Accept it as a new operation."""
        return started(self, request, lambda caller: operations.retry(caller, operation_id=operation_id))


def started(
    view: resource.Resource, request: Request, start: Callable[[callers.Caller], models.Operation]
) -> HttpResponse:
    """Start an operation, one for each request key, and answer with it: at once, or at its end for who would wait."""
    seconds = waiting.seconds_asked(request)
    key = request.headers.get(REQUEST_KEY)
    if key is None:
        row, replayed = start(view.caller), False
    else:
        row, replayed = operations.once(view.caller, key=_checked(key), digest=_digest(request), start=start)
    row, applied = _waited_for(view.caller, row, seconds)
    answer = _answer(row, applied)
    if replayed:
        answer[REPLAYED] = "true"
    return answer


def _answer(row: models.Operation, applied: int | None) -> HttpResponse:
    """Return an operation and where to ask how it goes: 202, or 200 for who waited and was there at its end."""
    ended = applied is not None and not row.is_open
    answer = resource.document({"operation": rows.operation(row)}, status=200 if ended else 202)
    answer["Location"] = f"/api/operations/{row.pk}"
    return _preferred(answer, applied)


def _waited_for(
    caller: callers.Caller, row: models.Operation, seconds: int | None
) -> tuple[models.Operation, int | None]:
    """Return the operation, once it has ended or the time to wait is over, and the time that was granted."""
    if seconds is None:
        return row, None
    if not row.is_open:
        return row, seconds
    granted = waiting.for_end(row.pk, seconds=seconds)
    return visible.operation(caller, row.pk), seconds if granted else None


def _preferred(answer: HttpResponse, seconds: int | None) -> HttpResponse:
    if seconds is not None:
        answer[waiting.APPLIED] = f"wait={seconds}"
    return answer


def _checked(key: str) -> str:
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise errors.InvalidInput(f"{REQUEST_KEY} must have 1 to {_LONGEST_KEY} printable characters.")
    return key


def _digest(request: Request) -> str:
    asked = f"{request.method} {request.path}\n".encode() + request.body
    return hashlib.sha256(asked).hexdigest()
