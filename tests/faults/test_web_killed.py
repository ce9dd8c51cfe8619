"""The web server is killed -9 while it accepts a request: all of it happens, or nothing."""

from __future__ import annotations

import pytest

from groups import models, statuses
from tests.support import domain, doors

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def deadly_place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the next web server that is asked for something dies."""
    monkeypatch.setenv("TESTS_DIE_AT", request.param)


@pytest.mark.parametrize("deadly_place", ["before send"], indirect=True)
@pytest.mark.usefixtures("deadly_place")
def test_killed_between_commit_and_send_the_operation_is_found_and_runs(site, crew):
    group = site.new_group(2)
    door = crew.web(application="tests.faults.deadly")

    answer = door.act(doors.token_of_member(site.project), group, enable_replication={})
    operation = domain.last_operation(group)
    accepted = (operation.kind, operation.state)
    crew.beat()
    crew.worker()
    crew.wait_for_end(operation)

    assert (answer.status, door.process.has_ended) == (doors.NOBODY, True)
    assert accepted == (statuses.Kind.ENABLE, "queued")
    assert (operation.state, operation.attempt) == ("succeeded", 1)


@pytest.mark.parametrize("deadly_place", ["before commit"], indirect=True)
@pytest.mark.usefixtures("deadly_place")
def test_killed_before_the_commit_nothing_is_left_and_the_next_request_is_taken(site, crew):
    group = site.new_group(2)
    token = doors.token_of_member(site.project)
    before = everything(group)

    answer = crew.web(application="tests.faults.deadly").act(token, group, enable_replication={})
    after = everything(group)
    again = crew.web().act(token, group, enable_replication={})

    assert answer.status == doors.NOBODY
    assert after == before
    assert again.status == 202


def everything(group: models.Group) -> list[object]:
    """Return all that the record holds of a group and its operations."""
    return [
        list(rows.order_by("pk").values())
        for rows in (
            models.Group.objects.filter(pk=group.pk),
            models.Volume.objects.all(),
            models.Operation.objects.all(),
            models.Event.objects.all(),
        )
    ]
