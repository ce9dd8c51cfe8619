"""The connection to the database is cut, at any point of any operation: it ends as if undisturbed."""

from __future__ import annotations

import contextlib
import functools
import pprint
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections

from groups import models
from groups.services import replication
from tests.faults import killing, matrix, places
from tests.faults.cases import CASES
from tests.support import databases, domain

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.usefixtures("postgresql"),
]

SOME = 3
QUICK = ("planned failover",)


@pytest.mark.parametrize(
    "name,most",
    [*((name, SOME) for name in QUICK), *(pytest.param(name, None, marks=pytest.mark.soak) for name in CASES)],
)
def test_an_operation_whose_connection_is_cut_at_any_point_ends_as_if_undisturbed(site, name, most):
    """The soak run cuts at every point; each other run at some, others each time."""
    bench = matrix.Bench(site, CASES[name], matrix.Fake(site.control))
    references = places.undisturbed(bench)
    points = references[0].points
    numbers = range(1, len(points) + 1)

    wrong = {}
    for number in numbers if most is None else random.sample(numbers, most):
        bench.begin()
        assert run_cut(number)
        killing.recover()
        if problems := matrix.problems(bench, references):
            wrong[f"{number}: {points[number - 1].name}"] = problems

    assert not wrong, pprint.pformat(wrong, width=200)
    assert len(points) >= 20


def run_cut(number: int) -> bool:
    """Do what workers would, with the connection cut at one point; return whether it was."""
    connection.ensure_connection()
    points = killing.Points(at=number, act=functools.partial(databases.cut, connections["default"]))
    with points.watched(), contextlib.suppress(DatabaseError):
        domain.drain()
    connection.close()
    return points.acted


class LostAnswers:
    """Cuts the connection after a commit that the database did, before it can say so.

    A statement that writes outside of a transaction commits itself.
    """

    def __init__(self, *, at: int = 0) -> None:
        self._at, self.made, self.cut = at, 0, False

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what this thread commits."""
        commit = connection._commit

        def commit_and_lose() -> None:
            commit()
            self._lose()

        def execute_and_lose(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
            result = run(sql, *rest)
            if not connection.in_atomic_block and not killing.reads(sql):
                self._lose()
            return result

        with pytest.MonkeyPatch.context() as patch, connection.execute_wrapper(execute_and_lose):
            patch.setattr(connection, "_commit", commit_and_lose)
            yield

    def _lose(self) -> None:
        self.made += 1
        if self.made == self._at:
            self.cut = True
            databases.cut(connections["default"])
            with connection.wrap_database_errors:
                connection.connection.execute("SELECT 1")


@pytest.mark.parametrize("most", [SOME, pytest.param(None, marks=pytest.mark.soak)])
def test_a_commit_whose_answer_gets_lost_is_found_to_be_done(site, most):
    numbers = range(1, commits_of_a_failover(site) + 1)
    wrong: dict[int, Any] = {}
    for number in numbers if most is None else random.sample(numbers, most):
        group = site.enabled_group(2)
        operation = replication.failover(site.owner, group_id=group.pk)
        lost = LostAnswers(at=number)
        with lost.watched(), contextlib.suppress(DatabaseError):
            domain.drain()
        connection.close()
        killing.recover()

        operation.refresh_from_db()
        group.refresh_from_db()
        ends = models.Event.objects.filter(operation=operation, axis="operation.state", new="succeeded").count()
        found = (operation.state, group.replication_status, group.active_backend_id, ends, lost.cut)
        if found != ("succeeded", "failed-over", "site-b", 1, True):
            wrong[number] = found

    assert wrong == {}
    assert len(numbers) >= 5


def commits_of_a_failover(site) -> int:
    """Return how many commits a worker makes for a failover that nothing disturbs."""
    replication.failover(site.owner, group_id=site.enabled_group(2).pk)
    counted = LostAnswers()
    with counted.watched():
        domain.drain()
    return counted.made
