"""Failovers of whole sites, with whoever works on them killed -9 at every point: they end as if undisturbed."""

from __future__ import annotations

import contextlib

import pytest

from groups import errors, models
from groups.queries import sites as found
from groups.services import groups, hosts, sites
from tests.faults import killing
from tests.faults.test_crash_matrix_ticks import killed_at_each_point
from tests.support import domain, processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(1800)]

SOAK = pytest.mark.soak
SOME = 1


def ready(site: domain.Site) -> list[models.Group]:
    """Return two replicated groups and one that is not, alone on the primary: groups of earlier turns are away."""
    killing.recover()
    for older in models.Group.objects.filter(active_backend_id=""):
        groups.delete(site.admin, group_id=older.pk, delete_volumes=True)
    domain.drain()
    hosts.enable(site.admin, host="replsite@array", binary="cinder-volume")
    return [site.enabled_group(1), site.enabled_group(1), site.new_group(1)]


def start(site: domain.Site) -> None:
    """Ask for it, unless that was done."""
    with contextlib.suppress(errors.Busy):
        sites.start(site.admin, backend="array", concurrency=1)


def begun(site: domain.Site) -> list[models.Group]:
    """Return the groups of a site failover that was asked for, and nothing more."""
    made = ready(site)
    start(site)
    return made


def end(made: list[models.Group]) -> object:
    """Return all that must not depend on how often somebody died."""
    killing.recover()
    run = models.SiteFailover.objects.latest("created_at")
    ids = [group.pk for group in made]
    places = {place.subject_id: found.state_of(place) for place in found.places(run)}
    events = models.Event.objects.filter(subject_id=run.pk).order_by("id")
    return {
        "run": (run.state, run.dispatched_at),
        "events": list(events.values_list("old", "new")),
        "places": [places[pk] for pk in ids],
        "operations": [
            list(models.Operation.objects.filter(subject_id=pk, kind="failover").values_list("state", "undoing"))
            for pk in ids
        ],
        "groups": list(
            models.Group.objects.filter(pk__in=ids).values_list("status", "replication_status", "active_backend_id")
        ),
        "backend": models.Backend.objects.values("enabled", "disabled_reason", "active_backend_id").get(),
    }


@pytest.mark.parametrize("most", [pytest.param(None, marks=SOAK), SOME])
class TestASiteFailover:
    def test_whose_worker_is_killed_ends_as_if_undisturbed(self, site, most):
        count = killed_at_each_point(lambda: begun(site), domain.drain, end=end, most=most)

        assert count >= 60

    def test_whose_request_is_killed_is_accepted_whole_or_not_at_all(self, site, most):
        count = killed_at_each_point(lambda: ready(site), lambda: start(site), end=end, most=most)

        assert count >= 4

    def test_whose_cancellation_is_killed_is_canceled_when_asked_again(self, site, most):
        def cancel() -> None:
            run = models.SiteFailover.objects.latest("created_at")
            with contextlib.suppress(errors.WrongState):
                sites.cancel(site.admin, site_failover_id=run.pk)

        def one_is_begun() -> list[models.Group]:
            made = begun(site)
            domain.go_on_with_sites()
            return made

        count = killed_at_each_point(one_is_begun, cancel, end=end, most=most)

        assert count >= 6


def test_a_site_failover_goes_on_after_its_workers_were_killed(site, crew):
    made = [site.enabled_group(1) for _ in range(3)]
    site.control.add_fault(call="promote", action="hang", times=2)
    first = crew.worker()
    run = sites.start(site.admin, backend="array", concurrency=2)
    processes.wait_until(
        lambda: all(fault.times_left == 0 for fault in site.control.faults()), what="calls of promote that hang"
    )

    first.kill()
    crew.beat()
    crew.worker()

    def is_over() -> bool:
        run.refresh_from_db()
        return not run.is_open

    processes.wait_until(is_over, what="the site failover's end")
    assert (run.state, run.outcome) == ("succeeded", "3 of 3 groups moved, 0 were there already.")
    moves = models.Operation.objects.filter(kind="failover", subject_id__in=[group.pk for group in made])
    assert (moves.count(), moves.filter(site_failover=run, state="succeeded").count()) == (3, 3)
