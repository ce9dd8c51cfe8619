"""Whole sites in the console: what going would lose, one start for all groups, a live board, the rest again."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from groups import models
from groups.engine import observing
from groups.services import sites
from tests.admin.conftest import Cast, page, rows, text
from tests.support.domain import Site, drain


def settle(run: models.SiteFailover) -> None:
    """Do what workers would until the site failover has ended."""
    for _ in range(20):
        sites.advance(site_failover_id=run.pk)
        if not drain():
            break
    run.refresh_from_db()
    assert not run.is_open


def test_the_page_names_every_group_with_what_it_would_lose_and_why_others_stay(site: Site, cast: Cast):
    moved, bare = site.enabled_group(2), site.new_group(1)
    observing.observe_all()

    shown = text(cast.admin.get(page(site.backend, "failover-site")))
    back = text(cast.admin.get(page(site.backend, "failover-site") + "?target=default"))

    assert "1 of 2 groups to site-b" in shown
    assert moved.name in shown
    assert bare.name in shown
    assert "up to the last" in shown
    assert "no: unprotected" in shown
    assert "0 of 2 groups to default" in back


def test_a_site_failover_that_may_lose_data_needs_the_backends_typed_name(site: Site, cast: Cast):
    site.enabled_group(1)
    before = rows()
    wanted = {"target": "site-c", "mode": "unplanned", "concurrency": "3"}

    refused = cast.admin.post(page(site.backend, "failover-site"), wanted)
    unchanged = rows() == before
    answer = cast.admin.post(page(site.backend, "failover-site"), wanted | {"confirmed_name": "array"})

    run = models.SiteFailover.objects.get()
    assert (refused.status_code, unchanged) == (400, True)
    assert answer.headers["Location"] == page(run)
    assert (run.target, run.mode, run.concurrency, run.door) == ("site-c", "unplanned", 3, "console")


def test_the_board_counts_and_is_polled_until_the_end(site: Site, cast: Cast):
    group = site.enabled_group(1)
    run = sites.start(site.admin, backend="array", mode="planned")
    live = reverse("admin:groups_sitefailover_live", args=(run.pk,))

    begun = text(cast.reader.get(page(run)))
    polled = cast.reader.get(live)
    settle(run)
    ended = text(cast.reader.get(page(run)))

    assert live in begun
    assert polled.status_code == 200
    assert cast.reader.get(live).status_code == 286
    assert live not in ended
    assert "1 of 1 groups settled" in ended
    assert group.name in ended


def test_the_rest_is_moved_by_starting_again(site: Site, cast: Cast):
    broken, fine = site.enabled_group(1), site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail", group_id=str(broken.pk))
    first = sites.start(site.admin, backend="array", mode="planned")
    settle(first)
    site.control.clear_faults()

    shown = text(cast.admin.get(page(first)))
    cast.admin.post(page(first, "resume"))
    second = models.SiteFailover.objects.exclude(pk=first.pk).get()
    settle(second)

    assert first.state == "failed"
    assert shown.index(broken.name) < shown.index(fine.name)
    assert second.state == "succeeded"
    assert second.groups.get(subject_id=fine.pk).refusal_code == "already-there"


def test_the_cost_of_the_pages_does_not_grow_with_the_groups(site: Site, cast: Cast):
    counts = []
    for more in (1, 3):
        for _ in range(more):
            site.enabled_group(1)
        run = sites.start(site.admin, backend="array", mode="planned")
        found = []
        for address in (page(site.backend, "failover-site"), page(run)):
            with CaptureQueriesContext(connection) as statements:
                cast.admin.get(address)
            found.append(len(statements))
        counts.append(found)
        sites.cancel(site.admin, site_failover_id=run.pk)
        settle(run)

    assert counts[0] == counts[1]


def test_the_overview_leads_to_the_failover_of_a_site_whose_active_side_does_not_answer(site: Site, cast: Cast):
    site.enabled_group(1)
    address, front = page(site.backend, "failover-site"), reverse("admin:index")
    observing.observe_all()
    assert address not in text(cast.admin.get(front))

    site.control.site_down("site-b")
    observing.observe_all()
    assert address not in text(cast.admin.get(front))
    site.control.site_down("")
    observing.observe_all()

    assert address in text(cast.admin.get(front))
    assert address not in text(cast.member.get(front))
