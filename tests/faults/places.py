"""Where a process may be killed in an operation, and what is wrong after it was."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Sequence

from drivers.fake.journal import LoggedCall
from groups import models
from tests.faults import killing, logged
from tests.faults.killing import Point
from tests.faults.matrix import Bench, Reference, problems, reference
from tests.support import domain

Disturb = Callable[[Bench, Sequence[Reference]], list[str] | None]
_MOMENTS = ("before", "after")
NOBODY = "nobody was killed"


@dataclasses.dataclass(frozen=True)
class Place:
    """One place to die at."""

    label: str
    disturb: Disturb
    """Runs the operation anew with a death there, and recovers; returns what is wrong then, None when there is no
    such place: a call that is about fewer volumes than its group has."""


def undisturbed(bench: Bench) -> list[Reference]:
    """Return the runs an operation may end like: where it is made to fail once, also as if it had not been."""
    references = []
    for disturbed in (False, True) if bench.case.disturb is not None else (True,):
        bench.begin(disturbed=disturbed)
        run = killing.run(domain.drain, mark=bench.mark)
        references.insert(0, reference(bench, run.points))
    assert references[0].end["operation"][1] == bench.case.ends
    return references


def at_points(undisturbed: Reference) -> list[Place]:
    """Return the worker's deaths at each point of the engine."""
    return [
        Place(f"{number}: {point.name}", functools.partial(_die_at_point, number=number))
        for number, point in enumerate(undisturbed.points, 1)
    ]


def _die_at_point(bench: Bench, references: Sequence[Reference], *, number: int) -> list[str]:
    bench.begin()
    run = killing.run(domain.drain, at=number)
    killing.recover()
    return problems(bench, references) + ([] if run.killed else [NOBODY])


def within_calls(undisturbed: Reference) -> list[Place]:
    """Return the worker's deaths within each changing call: around it, before and after the effect on each volume."""
    ends = [point.marked for point in undisturbed.points if point.begins_call] + [len(undisturbed.log)]
    begins = [(number, point) for number, point in enumerate(undisturbed.points, 1) if point.begins_call]
    return [
        place
        for (number, point), end in zip(begins, ends[1:], strict=True)
        for call in logged.changing(undisturbed.log[point.marked : end], undisturbed.names)
        for place in _within(call, undisturbed, number=number)
    ]


def _within(call: LoggedCall, undisturbed: Reference, *, number: int) -> list[Place]:
    """Return the places in one call, which the point of this number precedes."""
    owner = undisturbed.names[call.owner]
    most = 1 if owner.startswith("volume") else sum(name.startswith("volume") for name in undisturbed.names.values())
    return [
        Place(
            f"{number}: {when} volume {volume or 'all'} in {call.method} of {owner}",
            functools.partial(
                _die_within_call, number=number, method=call.method, owner=owner, volume=volume, when=when
            ),
        )
        for volume, when in itertools.product([None, *range(1, most + 1)], _MOMENTS)
    ]


def _die_within_call(
    bench: Bench,
    references: Sequence[Reference],
    *,
    number: int,
    method: str,
    owner: str,
    volume: int | None,
    when: str,
) -> list[str] | None:
    bench.begin()
    group_id = next(subject for subject, called in bench.names.items() if called == owner)

    def tell_storage() -> None:
        bench.site.control.add_fault(call=method, action="crash", group_id=group_id, volume=volume, when=when, times=1)

    run = killing.run(domain.drain, at=number, act=tell_storage)
    bench.site.control.clear_faults()
    killing.recover()
    found = problems(bench, references)
    return found if run.killed or found else None


def points_of_request(bench: Bench) -> list[Point]:
    """Make a request in a process that lives; return the points it reached."""
    bench.ready()
    points = killing.run(bench.ask).points
    bench.name()
    killing.recover()
    return points


def of_request(bench: Bench) -> list[Place]:
    """Return the web process's deaths at each point of the request."""
    return [
        Place(f"{number}: {point.name}", functools.partial(_die_in_request, number=number))
        for number, point in enumerate(points_of_request(bench), 1)
    ]


def ask_and_die(bench: Bench, *, at: int) -> None:
    """Make the request in a process that is killed at a point."""
    assert killing.run(bench.ask, at=at).killed


def _die_in_request(bench: Bench, references: Sequence[Reference], *, number: int) -> list[str]:
    bench.ready()
    before = _recorded(bench)
    ask_and_die(bench, at=number)
    killing.expire_leases()
    if _recorded(bench) == before:
        bench.ask()
    bench.name()
    bench.site.control.forget_log()
    killing.recover()
    return problems(bench, references)


def _recorded(bench: Bench) -> object:
    """Return all that a request may have changed."""
    newest = models.Operation.objects.latest("created_at")
    tables = (models.Group, models.Volume, models.Operation, models.Event)
    return newest.pk, newest.state, [table.objects.count() for table in tables], bench.state()
