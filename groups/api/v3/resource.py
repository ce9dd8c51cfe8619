"""What every address of the v3 API has in common."""

from __future__ import annotations

import re
import urllib.parse
import uuid
from typing import Any, ClassVar

import structlog
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from groups import callers
from groups.api import authentication, describing
from groups.api.v3 import answers, microversions, shapes

REQUEST_ID = "X-Openstack-Request-Id"
# The client libraries look for the older name too.
_OLD_REQUEST_ID = "X-Compute-Request-Id"


_GIVEN = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def request_id_of(request: HttpRequest) -> str:
    """Return a request's id: the one its client gave it, in OpenStack's form, so that what it does here and at other
    services is found under one id; else a new one."""
    given = request.headers.get(REQUEST_ID, "")
    return given if _GIVEN.fullmatch(given) else new_request_id()


def new_request_id() -> str:
    """Return an id for one request."""
    return f"req-{uuid.uuid4()}"


class Public(APIView):
    """Answers in the API's form, to anybody."""

    authentication_classes: Any = ()
    http_method_names = ["get", "head", "post", "put", "delete"]
    common: ClassVar[describing.Common] = shapes.COMMON
    address = ""
    """Where it is, as the description of the API writes it."""
    request_id = ""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer under an id of the request's own, which the log shows too."""
        self.request_id = request_id_of(request)
        with structlog.contextvars.bound_contextvars(request_id=self.request_id):
            answer = super().dispatch(request, *args, **kwargs)
        answer[REQUEST_ID] = self.request_id
        return answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Prepare nothing: there is one form of answer, whatever the client would like."""

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """Say that there is nothing: Cinder's router knows no wrong methods."""
        return answers.not_routed()

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]
        """Turn every error into an answer."""
        return answers.of_error(exc, challenge=self.get_authenticate_header(self.request) or "")

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Add none: what is allowed depends on the version."""
        return {}


class NotRouted(Public):
    """An address where nothing is."""

    schema = None
    http_method_names = []


class Resource(Public):
    """Knows who asks, for which project, and in which version of the API."""

    authentication_classes = authentication.CLASSES
    since = microversions.MINIMUM
    """The first version that has it."""
    caller: callers.Caller
    version = microversions.MINIMUM
    _shown_version: microversions.Version | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks and in which version; refuse what never reaches a handler."""
        self.caller = authentication.caller_of(request, request_id=self.request_id)
        refuse_unstorable(request)
        self._read_version(request)
        if self.project_id not in (None, self.caller.project_id):
            raise answers.Refusal(400, "Malformed request url")
        self.require(self.since)

    def require(self, since: microversions.Version) -> None:
        """Say that there is nothing when the request speaks an older version. Raises `Refusal`."""
        if self.version < since:
            raise answers.Refusal(404, answers.GENERIC[404])

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer with the headers that clients read."""
        self.project_id = kwargs.pop("project_id", None)
        answer = super().dispatch(request, *args, **kwargs)
        if self._shown_version is not None:
            answer[microversions.HEADER] = f"{microversions.SERVICE} {self._shown_version}"
            answer["Vary"] = microversions.HEADER
        if getattr(answer, "content", b""):
            answer[_OLD_REQUEST_ID] = self.request_id
        return answer

    def _read_version(self, request: Request) -> None:
        version = microversions.requested(request.headers.get(microversions.HEADER))
        if version.major == microversions.MAXIMUM.major:
            self._shown_version = version
        microversions.check(version)
        self.version = version


def refuse_unstorable(request: Request) -> None:
    """Raise `Refusal` for an address with a character that no database keeps."""
    # Some databases cannot even be asked for this character.
    if "\0" in request.path_info or "\0" in urllib.parse.unquote(request.META.get("QUERY_STRING", "")):
        raise answers.Refusal(400, answers.GENERIC[400])
