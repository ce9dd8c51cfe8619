"""What every address of the identity API has in common."""

from __future__ import annotations

from typing import Any, ClassVar, TypeVar

import structlog
from django.db import models as db
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from groups import callers, errors
from groups.api import addresses, authentication, describing
from groups.api.identity import answers, bodies, shapes
from groups.api.v3 import resource as v3_resource
from groups.queries import access
from groups.services import policies

_Row = TypeVar("_Row", bound=db.Model)


class Public(APIView):
    """Answers in Keystone's form, to anybody."""

    authentication_classes: Any = ()
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    request_id = ""
    common: ClassVar[describing.Common] = shapes.COMMON
    address = ""
    """Where it is, as the description of the API writes it."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer under an id of the request's own, which the log shows too."""
        self.request_id = v3_resource.request_id_of(request)
        with structlog.contextvars.bound_contextvars(request_id=self.request_id):
            answer = super().dispatch(request, *args, **kwargs)
        answer[v3_resource.REQUEST_ID] = self.request_id
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

    @property
    def caller(self) -> callers.Caller:
        """Return who asks, for the verbs. Raises `Forbidden` without a project."""
        return self.asker.caller(door="api", request_id=self.request_id)

    def require_admin(self) -> None:
        """Raise `Forbidden` for who may not see everybody's."""
        policies.require(self.caller, "identity:manage")


class NotRouted(Public):
    """An address where nothing is."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whatever is asked."""
        self.http_method_names = []

    def http_method_not_allowed(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        """Say that there is nothing."""
        return answers.not_routed()


def asked(request: Request, found: db.QuerySet[_Row], *, name: str) -> db.QuerySet[_Row]:
    """Return of the rows found those of the name and domain that a list asks for."""
    wanted = request.query_params.get("name")
    domain = request.query_params.get("domain_id", bodies.DOMAIN_ID)
    if domain != bodies.DOMAIN_ID or not access.storable(wanted or ""):
        return found.none()
    return found if wanted is None else found.filter(**{name: wanted})


def enabled(request: Request, found: db.QuerySet[_Row], *, column: str) -> db.QuerySet[_Row]:
    """Return of the rows found those that are enabled, or those that are not, when a list asks for it."""
    wanted = request.query_params.get("enabled")
    return found if wanted is None else found.filter(**{column: wanted.lower() not in ("false", "0")})


def listed(request: Request, noun: str, found: list[dict[str, Any]]) -> HttpResponse:
    """Return a list in Keystone's form."""
    links = {"self": f"{addresses.base(request)}{request.path}", "next": None, "previous": None}
    return answers.document({noun: found, "links": links})


def refuse_other_domain(domain_id: str) -> None:
    """Raise `InvalidInput` for a domain that is not the one there is."""
    if domain_id != bodies.DOMAIN_ID:
        raise errors.InvalidInput(f"There is one domain, {bodies.DOMAIN_ID}; no {domain_id}.")
