"""Real storage that was moved, split or stopped behind our back: found, adopted, restored, with the right bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from groups import models
from groups.engine import observing
from groups.services import findings, groups, replication, volumes
from tests.drivers.qemu.daemons import Sites
from tests.flows.test_worker_killed_qemu import MIB, make_group
from tests.support import differing, domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def sites() -> Iterator[Sites]:
    """Two real sites."""
    made = Sites(targets=["west"])
    yield made
    made.end()


@pytest.fixture
def group(site: domain.Site, sites: Sites) -> models.Group:
    """A protected group of two volumes with data."""
    group = make_group(site, sites)
    replication.enable(site.owner, group_id=group.pk)
    domain.drain()
    write(sites, group, "", b"before")
    return group


def write(sites: Sites, group: models.Group, side: str, data: bytes) -> None:
    """Write to every member as a client of a side."""
    for volume in domain.members(group):
        sites.write(side, str(volume.pk), 3 * MIB, data.ljust(4096))


def read(sites: Sites, group: models.Group, side: str) -> set[bytes]:
    """Return what clients of a side read of the members."""
    return {sites.read(side, str(volume.pk), 3 * MIB, 4096).rstrip() for volume in domain.members(group)}


def only(group: models.Group, code: str) -> models.Finding:
    """Look, and return the one open finding of the group."""
    observing.observe_all()
    rows = models.Finding.objects.filter(subject_id=group.pk, closed_at__isnull=True)
    assert [row.code for row in rows] == [code], [row.actual for row in rows]
    return rows[0]


def mend(operation: models.Operation) -> None:
    """Run an operation to its end; it must succeed and leave nothing to find."""
    domain.drain_with_retries()
    operation.refresh_from_db()
    assert operation.state == "succeeded", f"{operation.error} {operation.truth}"
    observing.observe_all()
    assert not models.Finding.objects.filter(subject_id=operation.subject_id, closed_at__isnull=True).exists()


def test_a_moved_group_is_restored_with_what_was_written_there(site, sites, group):
    differing.moved(group, to="west")
    write(sites, group, "west", b"written there")
    finding = only(group, "active-elsewhere")

    mend(findings.restore(site.admin, finding_id=finding.pk, reason="a mistake"))

    group.refresh_from_db()
    assert (group.replication_status, group.active_backend_id) == ("enabled", "")
    assert read(sites, group, "") == {b"written there"}
    assert not any(sites.can_write("west", str(volume.pk)) for volume in domain.members(group))


def test_a_moved_group_is_adopted_where_it_is_and_can_be_failed_back(site, sites, group):
    differing.moved(group, to="west")
    finding = only(group, "active-elsewhere")

    mend(findings.adopt(site.admin, finding_id=finding.pk, reason="it was meant"))
    write(sites, group, "west", b"later")
    mend(replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default"))

    assert read(sites, group, "") == {b"later"}


def test_a_group_no_longer_replicated_is_protected_again(site, sites, group):
    differing.disarmed(group)
    finding = only(group, "not-replicating")

    mend(findings.restore(site.admin, finding_id=finding.pk, reason="protect it"))

    mend(replication.failover(site.owner, group_id=group.pk, mode="unplanned"))
    assert read(sites, group, "west") == {b"before"}


def test_stopped_writes_are_let_through_again(site, sites, group):
    differing.shut(group)
    finding = only(group, "not-writable")

    mend(findings.restore(site.admin, finding_id=finding.pk, reason="open it"))

    write(sites, group, "", b"again")
    assert read(sites, group, "") == {b"again"}


def test_unsent_writes_of_a_primary_that_came_back_are_found_and_stated_when_discarded(site, sites, group):
    sites.kill("")
    replication.failover(site.owner, group_id=group.pk, mode="unplanned")
    domain.drain_with_retries()
    sites.start("")
    observing.observe_all()
    finding = only(group, "unsent-writes")

    operation = replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default")
    mend(operation)

    operation.refresh_from_db()
    assert "never reached the active side" in finding.actual
    assert operation.result["discarded"] > 0


def test_a_volume_that_is_nowhere_is_taken_out_and_the_others_stay_protected(site, sites, group):
    gone, kept = domain.members(group)
    differing.lost(group, volume=0)
    only(group, "volume-missing")

    mend(groups.update(site.owner, group_id=group.pk, remove_volumes=[str(gone.pk)]))
    volumes.delete(site.owner, volume_id=gone.pk)
    domain.drain()
    replication.failover(site.owner, group_id=group.pk)
    domain.drain()

    group.refresh_from_db()
    assert (group.replication_status, group.active_backend_id) == ("failed-over", "west")
    assert sites.read("west", str(kept.pk), 3 * MIB, 4096).rstrip() == b"before"
