"""What a storm was like, in figures."""

from __future__ import annotations

import collections
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence

from groups import models, statuses
from groups.statuses import Axis
from tests.judging import history
from tests.storm.stack import Spell

_TAKEN_OVER = re.compile(r"taken over from (\S+?)@storm")


def take_overs(events: Iterable[history.Event], spells: Sequence[Spell]) -> Mapping[str, list[float]]:
    """Return, by what had happened to the old owner, how long after that each operation had a new one."""
    by_name: dict[str, list[Spell]] = {}
    for spell in spells:
        by_name.setdefault(spell.name, []).append(spell)
    found: dict[str, list[float]] = {"killed": [], "frozen": []}
    for event in events:
        if event.axis == Axis.OPERATION and (told := _TAKEN_OVER.match(event.reason)):
            before = [each for each in by_name.get(told[1], ()) if each.began < event.at.timestamp()]
            if before:
                found[before[-1].kind].append(event.at.timestamp() - before[-1].began)
    return found


def longest_passing(events: Iterable[history.Event]) -> tuple[float, str]:
    """Return how long a passing status of a group or volume stood at most, and which it was."""
    since: dict[tuple[str, object], history.Event] = {}
    longest, which = 0.0, "none"
    for event in events:
        key = (event.axis, event.subject_id)
        began = since.pop(key, None)
        if began is not None:
            stood = (event.at - began.at).total_seconds()
            if stood > longest:
                longest, which = stood, f"{began.new} of {event.subject_id}"
        if event.axis != Axis.OPERATION and event.new in statuses.PASSING[Axis(event.axis)]:
            since[key] = event
    return longest, which


def operations_by_end() -> Mapping[str, collections.Counter[str]]:
    """Return how many operations of each kind there are in each state."""
    found: dict[str, collections.Counter[str]] = {}
    for kind, state in models.Operation.objects.order_by().values_list("kind", "state"):
        found.setdefault(kind, collections.Counter())[state] += 1
    return found


def failures_by_code() -> collections.Counter[str]:
    """Return how many operations failed for which reason."""
    failed = models.Operation.objects.filter(state=statuses.OperationState.FAILED)
    return collections.Counter(failed.order_by().values_list("error_code", flat=True))


def table(title: str, counted: Mapping[str, int]) -> Iterator[str]:
    """Yield a title with the sum, and a line for each word, the most frequent first."""
    yield f"{title}: {sum(counted.values())}"
    for word, count in sorted(counted.items(), key=lambda each: (-each[1], each[0])):
        yield f"  {count:6d}  {word}"


def spread(seconds: Sequence[float]) -> str:
    """Return number, median and worst of some times."""
    if not seconds:
        return "none"
    return f"{len(seconds)}, median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s"
