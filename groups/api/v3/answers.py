"""Answers in Cinder's form: documents, empty answers, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpResponse
from rest_framework import exceptions

from groups import errors

_NAMES = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "badMethod",
    409: "conflictingRequest",
    413: "overLimit",
    415: "badMediaType",
    429: "overLimit",
    501: "notImplemented",
    503: "serviceUnavailable",
}
_OTHER_NAME = "computeFault"
_LOG_IN = "The request you have made requires authentication."
TOO_LARGE = "Request is too large."
GENERIC = {
    400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    404: "The resource could not be found.",
    500: "The server has either erred or is incapable of performing the requested operation.",
}

log = structlog.get_logger(__name__)


class Refusal(Exception):
    """A request refused by this door itself, for its form."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def document(body: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """Return a JSON answer."""
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/json")


def empty(*, status: int = 202) -> HttpResponse:
    """Return an answer without a body."""
    return HttpResponse(status=status)


def refusal(status: int, message: str) -> HttpResponse:
    """Return an error in the API's form."""
    fault: dict[str, Any] = {"code": status, "message": message}
    if status == 413:
        fault["retryAfter"] = "0"
    answer = document({_NAMES.get(status, _OTHER_NAME): fault}, status=status)
    if status == 413:
        answer["Retry-After"] = "0"
    return answer


def not_routed() -> HttpResponse:
    """Return what Cinder's router says of an address or a method that is not there."""
    message = f"{GENERIC[404]}<br /><br />\n\n\n"
    return document({"message": message, "code": "404 Not Found", "title": "Not Found"}, status=404)


def not_logged_in(*, challenge: str = "") -> HttpResponse:
    """Return what Keystone's clients expect when nobody is logged in."""
    answer = document({"error": {"code": 401, "title": "Unauthorized", "message": _LOG_IN}}, status=401)
    if challenge:
        answer["WWW-Authenticate"] = challenge
    return answer


def of_error(error: Exception, *, challenge: str = "") -> HttpResponse:
    """Return the answer to an error; one that nobody expected is logged and says nothing of itself."""
    match error:
        case errors.NotAuthenticated() | exceptions.NotAuthenticated() | exceptions.AuthenticationFailed():
            return not_logged_in(challenge=challenge)
        case errors.TooManyAttempts():
            answer = refusal(error.http_status, error.message)
            answer["Retry-After"] = str(error.retry_after_seconds)
            return answer
        case errors.ReplsiteError():
            return refusal(error.http_status, error.message)
        case Refusal():
            return refusal(error.status, error.message)
        case exceptions.APIException():
            return refusal(error.status_code, str(error.detail))
        case RequestDataTooBig():
            return refusal(413, TOO_LARGE)
        case OperationalError() | InterfaceError() | InternalError():
            log.error("database_failed", exc_info=error)
            return refusal(503, errors.of_database(error))
        case _:
            log.error("bug", exc_info=error)
            return refusal(500, GENERIC[500])
