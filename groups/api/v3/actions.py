"""Actions: `POST .../action` with one key that says what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers
from groups.api.v3 import answers, bodies, microversions, resource

Do = Callable[[callers.Caller, str, dict[str, Any]], HttpResponse]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Action:
    """One thing to do."""

    do: Do
    schema: bodies.Schema
    since: microversions.Version


class Actions(resource.Resource):
    """Where a noun's actions are sent."""

    table: ClassVar[Mapping[str, Action]] = {}

    def post(self, request: Request, subject_id: str) -> HttpResponse:
        """Do what the body's only key says."""
        body = bodies.read(request)
        if len(body) != 1:
            raise answers.Refusal(400, "Malformed request body")
        [(name, wanted)] = body.items()
        action = self.table.get(name)
        if action is None:
            raise answers.Refusal(
                400,
                f"There is no such action: {name[:100]}."
                " Verify the request body and Content-Type header and try again.",
            )
        self.require(action.since)
        bodies.check(body, {"properties": {name: action.schema}})
        return action.do(self.caller, subject_id, wanted or {})
