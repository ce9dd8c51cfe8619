"""Makes up requests out of the document, sends them, and keeps whatever is answered otherwise than described."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, errors
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import SchemathesisError
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi import checks

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
# As docs/api.md has it: the web server refuses longer ones itself, in words of its own.
LONGEST_LINE = 8190
Send = Callable[[schemathesis.Case, Mapping[str, str]], Any]


@dataclasses.dataclass
class Tally:
    """How many requests were sent, what was answered, and what of it was wrong."""

    sent: int = 0
    statuses: collections.Counter[tuple[str, int]] = dataclasses.field(default_factory=collections.Counter)
    """How often each person got each status."""
    wrong: dict[str, str] = dataclasses.field(default_factory=dict)
    """The first request for each thing that was wrong."""

    say: Callable[[str], None] = lambda _text: None
    """Told of what is wrong when it is found, and of how far the run is."""

    def note(self, who: str, case: schemathesis.Case, response: Any) -> None:
        """Count an answer, and keep it when it is not as described."""
        self.sent += 1
        self.statuses[who, response.status_code] += 1
        if response.status_code == 414 and len(_line(response.request)) > LONGEST_LINE:
            return
        try:
            case.validate_response(response, checks=CHECKS)
        except FailureGroup as failures:
            for failure in failures.exceptions:
                what = f"{case.method} {case.operation.path} {response.status_code}: {failure.title}"
                if what not in self.wrong:
                    self.wrong[what] = f"{what}\n{who}: {failure}\n{failures}"
                    self.say(self.wrong[what])
        if self.sent % 500 == 0:
            self.say(f"{self.sent} requests, {len(self.wrong)} wrong")

    def report(self) -> str:
        """Return it in words."""
        lines = [f"{self.sent} requests"]
        for who in sorted({who for who, _ in self.statuses}):
            counts = sorted((status, count) for (whose, status), count in self.statuses.items() if whose == who)
            lines.append(f"  {who}: " + ", ".join(f"{status} x {count}" for status, count in counts))
        return "\n".join([*lines, f"{len(self.wrong)} wrong", *self.wrong.values()])


def _line(request: Any) -> str:
    return f"{request.method} {request.path_url} HTTP/1.1"


def ask_all(
    document: Mapping[str, Any], people: Mapping[str, Mapping[str, str]], *, each: int, send: Send, tally: Tally
) -> None:
    """Send so many requests to each address and method; `people` have headers that say who they are."""
    schema = schemathesis.openapi.from_dict(dict(document))
    wrongly = each // 3
    for found in schema.get_all_operations():
        for mode, count in ((GenerationMode.POSITIVE, each - wrongly), (GenerationMode.NEGATIVE, wrongly)):
            if count:
                _ask(found.ok(), people, mode=mode, count=count, send=send, tally=tally)


def _ask(
    operation: Any,
    people: Mapping[str, Mapping[str, str]],
    *,
    mode: GenerationMode,
    count: int,
    send: Send,
    tally: Tally,
) -> None:
    turns = itertools.cycle(people)

    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(operation.as_strategy(mode))
    def once(case: schemathesis.Case) -> None:
        who = next(turns)
        tally.note(who, case, send(case, people[who]))

    try:
        once()
    except errors.Unsatisfiable:
        # There is nothing that this address could be asked wrongly.
        return
    except SchemathesisError as error:
        what = f"{operation.method.upper()} {operation.path} cannot be asked"
        tally.wrong.setdefault(what, f"{what}: {error}")
