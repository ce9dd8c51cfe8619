"""The specs of types, as a whole and one by one: extra specs of volume types, group specs of group types."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, errors
from groups.api.describing import Schema, describe
from groups.api.shapes import record
from groups.api.v3 import answers, bodies, resource, rows, schemas, shapes
from groups.services import policies, types

Values = Mapping[str, str | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shape:
    """What tells extra specs and group specs apart."""

    family: types.Family
    envelope: str
    schema: bodies.Schema
    created_status: int
    index_rule: str
    show_rule: str
    shown: Callable[[Any, callers.Caller], Values]
    missing: str


GROUP = Shape(
    family=types.GROUP,
    envelope="group_specs",
    schema=schemas.GROUP_SPECS,
    created_status=202,
    index_rule="group:group_types_specs:get_all",
    show_rule="group:group_types_specs:get",
    shown=lambda row, caller: row.specs,
    missing="Group Type {id} has no extra spec with key {key}.",
)
VOLUME = Shape(
    family=types.VOLUME,
    envelope="extra_specs",
    schema=schemas.EXTRA_SPECS,
    created_status=200,
    index_rule="volume_extension:types_extra_specs:index",
    show_rule="volume_extension:types_extra_specs:show",
    shown=lambda row, caller: rows.extra_specs(row, caller=caller),
    missing="Volume Type {id} has no extra specs with key {key}.",
)


class Specs(resource.Resource):
    """All specs of a type."""

    shape: ClassVar[Shape] = GROUP

    @describe(lambda view: {200: _enveloped(view.shape)})
    def get(self, request: Request, type_id: str) -> HttpResponse:
        """Show them."""
        found = _read(self.caller, self.shape, type_id, rule=self.shape.index_rule)
        return answers.document({self.shape.envelope: found})

    @describe(lambda view: {view.shape.created_status: _enveloped(view.shape)}, body=lambda view: view.shape.schema)
    def post(self, request: Request, type_id: str) -> HttpResponse:
        """Add some, and change those that are there."""
        body = bodies.checked(request, self.shape.schema)
        types.set_specs(self.caller, family=self.shape.family, type_id=type_id, values=body[self.shape.envelope])
        return answers.document(body, status=self.shape.created_status)


class Spec(resource.Resource):
    """One spec of a type."""

    shape: ClassVar[Shape] = GROUP

    @describe({200: shapes.SPECS})
    def get(self, request: Request, type_id: str, key: str) -> HttpResponse:
        """Show it."""
        found = _read(self.caller, self.shape, type_id, rule=self.shape.show_rule)
        if key not in found:
            raise errors.NotFound(self.shape.missing.format(id=type_id, key=key))
        return answers.document({key: found[key]})

    @describe({200: shapes.SPECS}, body=schemas.ONE_SPEC)
    def put(self, request: Request, type_id: str, key: str) -> HttpResponse:
        """Set it."""
        body = bodies.checked(request, schemas.ONE_SPEC)
        if key not in body:
            raise errors.InvalidInput("Request body and URI mismatch")
        types.set_specs(self.caller, family=self.shape.family, type_id=type_id, values=body, new=False)
        return answers.document(body)

    @describe({202: None})
    def delete(self, request: Request, type_id: str, key: str) -> HttpResponse:
        """Remove it."""
        types.delete_spec(self.caller, family=self.shape.family, type_id=type_id, key=key)
        return answers.empty()


def _enveloped(shape: Shape) -> Schema:
    return record({shape.envelope: shapes.SPECS})


def _read(caller: callers.Caller, shape: Shape, type_id: str, *, rule: str) -> Values:
    row = shape.family.find(caller, type_id)
    policies.require(caller, rule)
    return shape.shown(row, caller)
