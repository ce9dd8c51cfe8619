"""Actions: `POST .../action` with one key that says what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers
from groups.api import describing, shapes
from groups.api.v3 import answers, bodies, microversions, resource

Do = Callable[[callers.Caller, str, dict[str, Any]], HttpResponse]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Action:
    """One thing to do."""

    do: Do
    schema: bodies.Schema
    since: microversions.Version
    answers: describing.Answers = dataclasses.field(default_factory=lambda: {202: None})
    """What it answers, for the description of the API; as a rule nothing, with 202."""
    later: tuple[microversions.Version, Do] | None = None
    """From which version on something else is done, and what."""

    def done_at(self, version: microversions.Version) -> Do:
        """Return what is done in a version."""
        return self.later[1] if self.later is not None and version >= self.later[0] else self.do


class Actions(resource.Resource):
    """Where a noun's actions are sent."""

    table: ClassVar[Mapping[str, Action]] = {}

    @describing.describe(lambda view: _answers(view.table), body=lambda view: _bodies(view.table))
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
        return action.done_at(self.version)(self.caller, subject_id, wanted or {})


def _bodies(table: Mapping[str, Action]) -> describing.Schema:
    return shapes.either(
        *(
            {**shapes.record({name: action.schema}), "description": f"From version {action.since} on."}
            for name, action in table.items()
        )
    )


def _answers(table: Mapping[str, Action]) -> describing.Answers:
    found: dict[int, list[describing.Schema]] = {}
    for action in table.values():
        for status, shape in action.answers.items():
            found.setdefault(status, []).extend([] if shape is None else [shape])
    return {status: shapes.either(*known) if known else None for status, known in found.items()}
