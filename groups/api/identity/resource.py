"""What every address of the identity API has in common."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from groups.api import authentication, describing
from groups.api.identity import answers, shapes
from groups.queries import access


class Public(APIView):
    """Answers in Keystone's form, to anybody."""

    authentication_classes: Any = ()
    http_method_names = ["get", "head", "post", "delete"]
    common: ClassVar[describing.Common] = shapes.COMMON
    address = ""
    """Where it is, as the description of the API writes it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer under an id of the request's own, which the log shows too."""
        request_id = f"req-{uuid.uuid4()}"
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            answer = super().dispatch(request, *args, **kwargs)
        answer["X-Openstack-Request-Id"] = request_id
        answer["Vary"] = authentication.TOKEN_HEADER
        return answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Prepare nothing: there is one form of answer, whatever the client would like."""

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Turn every error into an answer."""
        return answers.of_error(exc, challenge=authentication.challenge(self.request))


class Resource(Public):
    """Knows who asks."""

    authentication_classes = authentication.CLASSES
    asker: access.Access

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks. Raises `NotAuthenticated`."""
        self.asker = authentication.access_of(request)


class NotRouted(Public):
    """An address where nothing is."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whatever is asked."""
        self.http_method_names = []

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """Say that there is nothing."""
        return answers.not_routed()
