"""Tells whether a storage's log of calls is that of an undisturbed run, but for attempts.

An undisturbed run is a row of steps, each with its changing calls. A disturbed one is cut into
attempts: each begins, at the start of a step, with the step the attempt before it stopped in or
with the next one, and goes on in order. So nothing is left out, nothing comes out of order, and
nothing but the step somebody died in is done again.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from drivers.errors import StaleEpoch
from drivers.fake.journal import LoggedCall
from tests.faults.killing import Point

_LOOKS = frozenset(
    {
        "observe",
        "serve",
        "digest",
        "check_connection",
        "whole_snapshots",
        "test_copies",
        "check_test_copy",
        "read_test_copy",
        "read_active",
        "inventory",
    }
)


class Changing(NamedTuple):
    """One call that changes something, told apart from others only by what it is about."""

    method: str
    owner: str
    backend_id: str | None
    touched: tuple[str, ...]
    outcome: str | None


Steps = Sequence[Sequence[Changing]]


def changing(log: Sequence[LoggedCall], names: Mapping[str, str]) -> list[LoggedCall]:
    """Return the calls that change something, those that the fence refused left out."""
    return [
        call for call in log if call.method not in _LOOKS and call.outcome != StaleEpoch.code and call.owner in names
    ]


def steps(log: Sequence[LoggedCall], points: Sequence[Point], names: Mapping[str, str]) -> Steps:
    """Return an undisturbed run's changing calls, step by step; points are marked with the log's length."""
    marks = [point.marked for point in points if point.begins_call]
    found = [
        [_plain(call, names) for call in changing(log[start:end], names)]
        for start, end in itertools.pairwise([*marks, len(log)])
    ]
    return [step for step in found if step]


def attempts(log: Sequence[LoggedCall], names: Mapping[str, str]) -> list[list[LoggedCall]]:
    """Return a disturbed run's changing calls, attempt by attempt."""
    by_attempt: dict[tuple[int, int], list[LoggedCall]] = {}
    for call in changing(log, names):
        by_attempt.setdefault((call.epoch, call.process_id), []).append(call)
    return list(by_attempt.values())


def explains(undisturbed: Steps, disturbed: Sequence[Sequence[LoggedCall]], names: Mapping[str, str]) -> bool:
    """Tell whether attempts are the undisturbed run cut into pieces."""
    if [call.epoch for attempt in disturbed for call in attempt] != sorted(
        call.epoch for attempt in disturbed for call in attempt
    ):
        return False
    return _from({0}, undisturbed, disturbed, names)


def sides_asked(log: Sequence[LoggedCall], names: Mapping[str, str]) -> set[str]:
    """Return all sides that anything was asked of."""
    return {side for call in log if call.owner in names for side in call.touched}


def _from(
    starts: Collection[int], undisturbed: Steps, left: Sequence[Sequence[LoggedCall]], names: Mapping[str, str]
) -> bool:
    """Tell whether the attempts left go on at one of some steps and end with the last one."""
    if not left:
        return len(undisturbed) in starts
    for start in starts:
        if (after := _matched(undisturbed, start, left[0], names)) and _from(after, undisturbed, left[1:], names):
            return True
    return False


def _matched(undisturbed: Steps, start: int, attempt: Sequence[LoggedCall], names: Mapping[str, str]) -> set[int]:
    """Return the steps the next attempt may begin with; none when this one does not fit."""
    places = [(number, call) for number, step in enumerate(undisturbed) for call in step if number >= start]
    if len(attempt) > len(places):
        return set()
    for call, (_, expected) in zip(attempt, places, strict=False):
        found = _plain(call, names)
        # Somebody died in it, or of what it met before that could be written down.
        cut_off = call is attempt[-1] and call.outcome != expected.outcome != "driver_error"
        if found[:3] != expected[:3] or (not cut_off and found != expected):
            return set()
    last = places[len(attempt) - 1][0]
    whole = len(attempt) == len(places) or places[len(attempt)][0] != last
    ended = attempt[-1].outcome == places[len(attempt) - 1][1].outcome
    return {last, last + 1} if whole and ended else {last}


def _plain(call: LoggedCall, names: Mapping[str, str]) -> Changing:
    return Changing(call.method, names[call.owner], call.backend_id, call.touched, call.outcome)
