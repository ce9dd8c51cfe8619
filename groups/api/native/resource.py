"""What every address of our own API has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
import structlog
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.views import APIView

from groups import callers, errors
from groups.api import authentication, describing
from groups.api.native import conditional, shapes
from groups.api.v3 import answers as v3_answers, resource as v3_resource

_MEDIA_TYPE = "application/json"

log = structlog.get_logger(__name__)


class Resource(APIView):
    """Knows who asks; answers every error with its code, its sentence and what to do next."""

    authentication_classes: Any = authentication.CLASSES
    http_method_names = ["get", "head", "post"]
    common: ClassVar[describing.Common] = shapes.COMMON
    address = ""
    caller: callers.Caller
    request_id = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer under an id of the request's own, which the log shows too."""
        self.request_id = v3_resource.request_id_of(request)
        with structlog.contextvars.bound_contextvars(request_id=self.request_id):
            answer = super().dispatch(request, *args, **kwargs)
        answer[v3_resource.REQUEST_ID] = self.request_id
        answer["Cache-Control"] = "private, no-cache"
        answer["Vary"] = f"{authentication.TOKEN_HEADER}, Authorization"
        return conditional.get(request, answer)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks. Raises `NotAuthenticated`."""
        self.caller = authentication.caller_of(request, request_id=self.request_id)
        v3_resource.refuse_unstorable(request)

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Turn every error into an answer."""
        answer = _of_error(exc)
        if answer.status_code == 401:
            answer["WWW-Authenticate"] = authentication.challenge(self.request)
        return answer


class NotRouted(Resource):
    """An address where nothing is."""

    schema = None
    authentication_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whatever is asked. Raises `NotFound`."""
        raise errors.NotFound(f"There is nothing at {request.path}.", remedy="See /api/docs/ for what there is.")


def document(body: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """Return a JSON answer."""
    return HttpResponse(orjson.dumps(body), status=status, content_type=_MEDIA_TYPE)


def _refusal(status: int, *, code: str, message: str, remedy: str = "") -> HttpResponse:
    return document({"error": {"code": code, "message": message, "remedy": remedy}}, status=status)


def _of_error(error: Exception) -> HttpResponse:
    match error:
        case errors.TooManyAttempts():
            answer = _refusal(error.http_status, code=error.code, message=error.message, remedy=error.remedy)
            answer["Retry-After"] = str(error.retry_after_seconds)
            return answer
        case errors.ReplsiteError():
            status = error.native_status or error.http_status
            return _refusal(status, code=error.code, message=error.message, remedy=error.remedy)
        case v3_answers.Refusal():
            return _refusal(error.status, code=errors.InvalidInput.code, message=error.message)
        case exceptions.APIException():
            return _refusal(error.status_code, code=str(error.default_code), message=str(error.detail))
        case OperationalError() | InterfaceError() | InternalError():
            log.error("database_failed", exc_info=error)
            return _refusal(503, code="database_unavailable", message=errors.of_database(error))
        case _:
            log.error("bug", exc_info=error)
            return _refusal(500, code="bug", message=v3_answers.GENERIC[500])
