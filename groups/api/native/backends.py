"""Backends and their targets, for admins: what there is, add, change, remove, see whether they answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors, models
from groups.api.describing import describe
from groups.api.native import backend_rows as rows, backend_shapes as shapes, conditional, resource
from groups.api.v3 import bodies
from groups.queries import overview, visible
from groups.services import backends, policies

_OPTIONS: bodies.Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean", "null"], "maxLength": 4096},
}
_CHANGE: dict[str, bodies.Schema] = {
    "options": _OPTIONS,
    "targets": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"backend_id": {"type": "string", "minLength": 1, "maxLength": 255}, "options": _OPTIONS},
            "required": ["backend_id"],
            "additionalProperties": False,
        },
    },
    "description": {"type": "string", "maxLength": 255},
}
_CREATE_BACKEND: bodies.Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 200},
        "driver": {"type": "string", "minLength": 1, "maxLength": 64},
        **_CHANGE,
    },
    "required": ["name", "driver"],
    "additionalProperties": False,
}
_REPLACE_BACKEND: bodies.Schema = {
    "type": "object",
    "properties": {**_CHANGE, "enabled": {"type": "boolean"}},
    "required": ["options", "targets", "enabled"],
    "additionalProperties": False,
}
_SET_TARGET: bodies.Schema = {
    "type": "object",
    "properties": {"options": _OPTIONS},
    "required": ["options"],
    "additionalProperties": False,
}


class _OfAdmins(resource.Resource):
    """What only admins see and do."""

    http_method_names = ["get", "head", "post", "put", "delete"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Find out who asks. Raises `NotAuthenticated` or `Forbidden`."""
        super().initial(request, *args, **kwargs)
        policies.require(self.caller, "backend:get")

    def unchanged(self, request: Request) -> Callable[[models.Backend], None]:
        """Return what refuses a change of something else than the client has read, if it says what that was."""
        return lambda row: conditional.require(request, _document(row), noun=f"Backend {row.name}")


class Drivers(_OfAdmins):
    """The drivers there are."""

    @describe({200: shapes.DRIVERS})
    def get(self, _request: Request) -> HttpResponse:
        """Return what each takes for options."""
        return resource.document({"drivers": [rows.driver(each) for each in backends.sheets()]})


class Backends(_OfAdmins):
    """All backends."""

    @describe({200: shapes.BACKENDS})
    def get(self, _request: Request) -> HttpResponse:
        """Return them, secrets masked."""
        return resource.document({"backends": [rows.backend(row) for row in overview.backends().order_by("name")]})

    @describe({201: shapes.BACKEND}, body=_CREATE_BACKEND, refusals=(409,))
    def post(self, request: Request) -> HttpResponse:
        """Add one; the first of its targets is the default one."""
        wanted = bodies.checked(request, _CREATE_BACKEND)
        row = backends.add(
            self.caller,
            name=wanted["name"],
            driver=wanted["driver"],
            options=wanted.get("options", {}),
            targets=_targets(wanted.get("targets", [])),
            description=wanted.get("description", ""),
        )
        answer = resource.document(_document(row), status=201)
        answer["Location"] = f"/api/backends/{row.name}"
        return answer


class Backend(_OfAdmins):
    """One backend."""

    @describe({200: shapes.BACKEND}, refusals=(404,))
    def get(self, _request: Request, backend: str) -> HttpResponse:
        """Return it, secrets masked."""
        return resource.document(_document(visible.backend_called(backend)))

    @describe({200: shapes.BACKEND}, body=_REPLACE_BACKEND, query=shapes.IF_MATCH, refusals=(404, 409, 412))
    def put(self, request: Request, backend: str) -> HttpResponse:
        """Replace what it is made of; a secret sent as it is shown stays as it is."""
        wanted = bodies.checked(request, _REPLACE_BACKEND)
        row = visible.backend_called(backend)
        row = backends.change(
            self.caller,
            name=row.name,
            options=wanted["options"],
            targets=_targets(wanted["targets"]),
            enabled=wanted["enabled"],
            description=wanted.get("description", row.description),
            check=self.unchanged(request),
        )
        return resource.document(_document(row))

    @describe({204: None}, query=shapes.IF_MATCH, refusals=(404, 409, 412))
    def delete(self, request: Request, backend: str) -> HttpResponse:
        """Remove it; it must hold no group and no volume."""
        backends.remove(self.caller, name=visible.backend_called(backend).name, check=self.unchanged(request))
        return HttpResponse(status=204)


class Target(_OfAdmins):
    """One target of a backend."""

    @describe({200: shapes.TARGET}, refusals=(404,))
    def get(self, _request: Request, backend: str, target: str) -> HttpResponse:
        """Return it, secrets masked."""
        row = visible.backend_called(backend)
        return resource.document({"target": rows.target(row, _one_of(row, target))})

    @describe({200: shapes.TARGET}, body=_SET_TARGET, query=shapes.IF_MATCH, refusals=(404, 412))
    def put(self, request: Request, backend: str, target: str) -> HttpResponse:
        """Add it behind the others, or replace its options."""
        options = bodies.checked(request, _SET_TARGET)["options"]
        name = visible.backend_called(backend).name
        row = backends.set_target(
            self.caller, name=name, backend_id=target, options=options, check=self.unchanged(request)
        )
        return resource.document({"target": rows.target(row, _one_of(row, target))})

    @describe({204: None}, query=shapes.IF_MATCH, refusals=(404, 409, 412))
    def delete(self, request: Request, backend: str, target: str) -> HttpResponse:
        """Remove it; no group may be replicated to it."""
        name = visible.backend_called(backend).name
        backends.remove_target(self.caller, name=name, backend_id=target, check=self.unchanged(request))
        return HttpResponse(status=204)


class Connection(_OfAdmins):
    """Whether a backend's sides answer."""

    @describe({200: shapes.CONNECTION}, refusals=(404,))
    def get(self, _request: Request, backend: str) -> HttpResponse:
        """Return what a worker saw when somebody asked last."""
        row = visible.backend_called(backend)
        check = row.connection_checks.first()
        if check is None:
            raise errors.NotFound(f"Nobody has asked yet whether backend {row.name} answers.", remedy="Send a POST.")
        return resource.document({"connection": rows.check(check)})

    @describe({202: shapes.CONNECTION}, refusals=(404,))
    def post(self, _request: Request, backend: str) -> HttpResponse:
        """Ask a worker to look."""
        name = visible.backend_called(backend).name
        check = backends.check_connection(self.caller, name=name)
        answer = resource.document({"connection": rows.check(check)}, status=202)
        answer["Location"] = f"/api/backends/{name}/connection"
        return answer


def _document(row: models.Backend) -> dict[str, Any]:
    return {"backend": rows.backend(row)}


def _one_of(row: models.Backend, backend_id: str) -> models.ReplicationTarget:
    for target in row.targets.all():
        if target.backend_id == backend_id:
            return target
    raise errors.NotFound(f"Target {backend_id} of backend {row.name} could not be found.")


def _targets(listed: list[dict[str, Any]]) -> backends.Targets:
    names = [each["backend_id"] for each in listed]
    if doubled := next((name for name in names if names.count(name) > 1), None):
        raise errors.InvalidInput(f"Target '{doubled}' is named twice.")
    return {each["backend_id"]: each.get("options", {}) for each in listed}
