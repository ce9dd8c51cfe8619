"""How an address describes itself, for the OpenAPI document: a decorator beside the view's method.

    @describe({200: shapes.GROUPS}, query=shapes.GROUP_QUERY)
    def get(self, request): ...

A description says what is answered to a request that is taken, by status, and what may be sent.
What a whole API has in common (how it refuses, who may ask, its headers) is said once, by `Common`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

Schema = Mapping[str, Any]
Answers = Mapping[int, Schema | None]
"""What is answered, by status; None is an answer without a body."""

_Method = TypeVar("_Method", bound=Callable[..., Any])
_ATTRIBUTE = "description"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Parameter:
    """Something that goes into an address's query part, or into a header."""

    name: str
    schema: Schema
    text: str = ""
    place: str = "query"
    required: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Description:
    """What one method of an address takes and answers; what depends on the view's options is a function of the view."""

    answers: Answers | Callable[[Any], Answers]
    body: Schema | Callable[[Any], Schema] | None = None
    body_required: bool = True
    query: Sequence[Parameter] = ()
    refusals: Sequence[int] = ()
    """The statuses it refuses with besides those the whole API has in common."""
    is_open: bool = False
    """Whether nobody need be logged in, where the others of its class need it."""

    def answers_of(self, view: object) -> Answers:
        """Return what is answered."""
        return self.answers(view) if callable(self.answers) else self.answers

    def body_of(self, view: object) -> Schema | None:
        """Return what may be sent; None where nothing is read."""
        return self.body(view) if callable(self.body) else self.body


@dataclasses.dataclass(frozen=True, kw_only=True)
class Common:
    """What all addresses of one API have in common."""

    refusals: Mapping[int, Schema]
    """The form of a refusal, by status: of every status with which anything of this API refuses."""
    always: Sequence[int]
    """The statuses with which any of its addresses may refuse."""
    with_body: Sequence[int] = ()
    """The statuses with which those refuse that read a body."""
    parameters: Sequence[Parameter] = ()
    on_get: Answers = dataclasses.field(default_factory=dict)
    """What is answered to reading besides."""
    parameters_on_get: Sequence[Parameter] = ()
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The headers of every answer, each with a sentence."""


def describe(
    answers: Answers | Callable[[Any], Answers],
    *,
    body: Schema | Callable[[Any], Schema] | None = None,
    body_required: bool = True,
    query: Sequence[Parameter] = (),
    refusals: Sequence[int] = (),
    is_open: bool = False,
) -> Callable[[_Method], _Method]:
    """Describe a view's method: what it answers by status, the schema of its body, its query part."""
    description = Description(
        answers=answers, body=body, body_required=body_required, query=query, refusals=refusals, is_open=is_open
    )

    def remember(method: _Method) -> _Method:
        setattr(method, _ATTRIBUTE, description)
        return method

    return remember


def of(view: object, method: str) -> Description | None:
    """Return the description of a view's method, None where there is none."""
    return getattr(getattr(view, method.lower()), _ATTRIBUTE, None)
