"""Where the services are, and the one domain and the one region there are."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors
from groups.api import addresses
from groups.api.describing import describe
from groups.api.identity import answers, resource, rows, shapes


class Catalog(resource.Resource):
    """Where the services are."""

    @describe({200: shapes.CATALOG})
    def get(self, request: Request) -> HttpResponse:
        """Show it for the asker's project."""
        return resource.listed(request, "catalog", _catalog(self, request))


class Services(resource.Resource):
    """The services."""

    @describe({200: shapes.SERVICES}, query=shapes.SERVICE_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them, all or those of a name or a type."""
        return resource.listed(request, "services", _matching(request, _services(self, request), "name", "type"))


class Service(resource.Resource):
    """One of them."""

    @describe({200: shapes.SERVICE}, refusals=(404,))
    def get(self, request: Request, service_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"service": _one(_services(self, request), service_id, noun="service")})


class Endpoints(resource.Resource):
    """The addresses of the services."""

    @describe({200: shapes.ENDPOINTS}, query=shapes.ENDPOINT_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them, all or those of a service or an interface."""
        return resource.listed(
            request, "endpoints", _matching(request, _endpoints(self, request), "service_id", "interface", "region_id")
        )


class Endpoint(resource.Resource):
    """One of them."""

    @describe({200: shapes.ENDPOINT}, refusals=(404,))
    def get(self, request: Request, endpoint_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"endpoint": _one(_endpoints(self, request), endpoint_id, noun="endpoint")})


class Regions(resource.Resource):
    """The one region."""

    @describe({200: shapes.REGIONS})
    def get(self, request: Request) -> HttpResponse:
        """List it."""
        return resource.listed(request, "regions", [rows.region(base=addresses.base(request))])


class Region(resource.Resource):
    """The region by its id."""

    @describe({200: shapes.REGION}, refusals=(404,))
    def get(self, request: Request, region_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"region": _one([rows.region(base=addresses.base(request))], region_id, noun="region")})


class Domains(resource.Resource):
    """The one domain."""

    @describe({200: shapes.DOMAINS}, query=(shapes.NAME,))
    def get(self, request: Request) -> HttpResponse:
        """List it."""
        found = _matching(request, [rows.domain(base=addresses.base(request))], "name")
        return resource.listed(request, "domains", found)


class Domain(resource.Resource):
    """The domain by its id."""

    @describe({200: shapes.DOMAIN}, refusals=(404,))
    def get(self, request: Request, domain_id: str) -> HttpResponse:
        """Show it."""
        return answers.document({"domain": _one([rows.domain(base=addresses.base(request))], domain_id, noun="domain")})


class LogInDomains(resource.Resource):
    """The domains one may log in for: none, as there are projects only."""

    @describe({200: shapes.DOMAINS})
    def get(self, request: Request) -> HttpResponse:
        """List none."""
        return resource.listed(request, "domains", [])


class LogInSystem(resource.Resource):
    """Whether one may log in for the whole system: there are projects only."""

    @describe({200: shapes.SYSTEMS})
    def get(self, request: Request) -> HttpResponse:
        """List none."""
        return resource.listed(request, "system", [])


def _catalog(view: resource.Resource, request: Request) -> list[dict[str, Any]]:
    project = view.asker.project
    return rows.catalog(project, base=addresses.base(request)) if project else []


def _services(view: resource.Resource, request: Request) -> list[dict[str, Any]]:
    base = addresses.base(request)
    return [rows.service(each, base=base) for each in _catalog(view, request)]


def _endpoints(view: resource.Resource, request: Request) -> list[dict[str, Any]]:
    base = addresses.base(request)
    return [
        rows.endpoint(endpoint, service_id=each["id"], base=base)
        for each in _catalog(view, request)
        for endpoint in each["endpoints"]
    ]


def _matching(request: Request, found: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    asked = {name: request.query_params[name] for name in names if name in request.query_params}
    return [each for each in found if all(each[name] == value for name, value in asked.items())]


def _one(found: list[dict[str, Any]], wanted: str, *, noun: str) -> dict[str, Any]:
    for each in found:
        if each["id"] == wanted:
            return each
    raise errors.NotFound(f"Could not find {noun}: {wanted}.")
