"""docs/errors.md, from groups/errors.py and the errors of the drivers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from drivers import errors as driver_errors, registry
from groups import errors
from scripts.documents import markdown

_T = TypeVar("_T")

_ABOUT = """\
Every error has a code that does not change, a sentence that says what is wrong with the names of the things
concerned, and what to do next."""
_REFUSALS = """\
A request that cannot be done is refused before anything is changed. The v3 API answers in Cinder's form with the
HTTP status below. Which state or value is meant is in the sentence."""
_FAILURES = """\
Long work can fail after it was accepted. The operation then ends `failed` and keeps the code, the sentence, what is
true about the data now, and what to do next. A *retryable* error is first tried again by itself, with growing
pauses, as often as [`REPLSITE_RETRY_LIMIT`](settings.md) says."""
_ENGINE = """\
The engine adds codes of its own. None is tried again by itself. `driver_bug` and `bug` come with an incident number;
the log has the traceback under that number, the answer never does."""
_ENGINE_CODES = (
    ("not_confirmed", "The storage did not say what the operation was about to claim, so no success is claimed."),
    ("would_discard", "Going on would discard more of what one side alone holds than the request allowed."),
    ("data_differs", "In a full drill, the side to be promoted does not hold what is on the side that is left."),
    ("drill_failed", "A rehearsed failover would not have met its criteria; the drill's report names each gap."),
    ("workers_died", "Worker after worker died at this operation, so no further one is given it."),
    ("driver_bug", "A driver raised what no driver may raise, or returned what the contract does not allow."),
    ("bug", "A fault in Replsite stopped the operation."),
)


def text() -> str:
    """Return the page."""
    return markdown.page(
        "# Errors",
        markdown.note("`groups/errors.py`, `drivers/errors.py` and the drivers"),
        _ABOUT,
        "## Refused requests",
        _REFUSALS,
        markdown.table(["code", "status", "meaning", "what to do"], _refusals()),
        "## Failed operations",
        _FAILURES,
        markdown.table(["code", "retryable", "meaning", "what to do"], _failures()),
        _ENGINE,
        markdown.table(["code", "meaning"], ([f"`{code}`", meaning] for code, meaning in _ENGINE_CODES)),
    )


def _refusals() -> Iterator[list[str]]:
    for kind in _below(errors.ReplsiteError):
        if kind.__module__ != errors.__name__:
            continue
        yield [f"`{kind.code}`", str(kind.http_status), _first_line(kind), kind.remedy]


def _failures() -> Iterator[list[str]]:
    for driver in registry.DRIVERS:
        registry.load(driver)  # brings the driver's own errors
    kinds: list[type[driver_errors.DriverError]] = [driver_errors.DriverError, *_below(driver_errors.DriverError)]
    for kind in kinds:
        if kind.__module__.startswith("drivers."):
            yield [f"`{kind.code}`", "yes" if kind.retryable else "no", _first_line(kind), kind.remedy]


def _below(kind: type[_T]) -> Iterator[type[_T]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").partition("\n")[0]
