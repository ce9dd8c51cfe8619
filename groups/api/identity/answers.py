"""Answers in Keystone's form: documents, empty answers, refusals."""

from __future__ import annotations

import http
from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpResponse
from rest_framework import exceptions

from groups import errors

_NOT_FOUND = "The resource could not be found."
_BUG = "An unexpected error prevented the server from fulfilling your request."

log = structlog.get_logger(__name__)


def document(body: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """Return a JSON answer."""
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/json")


def empty() -> HttpResponse:
    """Return an answer without a body."""
    return HttpResponse(status=204)


def refusal(status: int, message: str) -> HttpResponse:
    """Return an error in Keystone's form."""
    title = http.HTTPStatus(status).phrase
    return document({"error": {"code": status, "title": title, "message": message}}, status=status)


def not_routed() -> HttpResponse:
    """Return what is said of an address where nothing is."""
    return refusal(404, _NOT_FOUND)


def of_error(error: Exception, *, challenge: str) -> HttpResponse:
    """Return the answer to an error; one that nobody expected is logged and says nothing of itself."""
    match error:
        case errors.ReplsiteError():
            return _with_headers(refusal(error.http_status, f"{error.message} {error.remedy}"), error, challenge)
        case exceptions.APIException():
            return refusal(error.status_code, str(error.detail))
        case RequestDataTooBig():
            return refusal(413, "The request is too large.")
        case OperationalError() | InterfaceError() | InternalError():
            log.error("database_failed", exc_info=error)
            return refusal(503, errors.of_database(error))
        case _:
            log.error("bug", exc_info=error)
            return refusal(500, _BUG)


def _with_headers(answer: HttpResponse, error: errors.ReplsiteError, challenge: str) -> HttpResponse:
    if isinstance(error, errors.NotAuthenticated):
        answer["WWW-Authenticate"] = challenge
    if isinstance(error, errors.TooManyAttempts):
        answer["Retry-After"] = str(error.retry_after_seconds)
    return answer
