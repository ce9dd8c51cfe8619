"""The number of SQL statements does not depend on the number of volumes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups import clock, models
from groups.engine import leases
from groups.services import group_snapshots, groups, replication
from tests.support import domain


def filled(site: domain.Site, size: int) -> models.Group:
    """Create a group and put many volumes into it at once; the storage learns of them when enabling."""
    group = groups.create(site.owner, group_type="replicated", volume_types=["replicable"], name=f"of-{size}")
    domain.drain()
    volumes = models.Volume.objects.bulk_create(
        models.Volume(
            project_id=group.project_id,
            user_id="olga",
            backend_id=group.backend_id,
            group=group,
            volume_type=site.volume_type,
            size_gib=1,
            status="available",
            name=f"{group.name}-{number}",
        )
        for number in range(size)
    )
    driver = domain.storage_driver(group)
    for volume in volumes:
        domain.create_on_storage(driver, volume)
    return group


def cost(verb, site: domain.Site, group: models.Group, options: dict[str, object]) -> int:
    """Return how many statements a verb takes, from the request to the operation's end."""
    with CaptureQueriesContext(connection) as captured:
        verb(site.owner, group_id=group.pk, **options)
        domain.drain()
    return len(captured)


VERBS = {
    "enable": (replication.enable, {}),
    "failover": (replication.failover, {}),
    "failback": (replication.failover, {"secondary_backend_id": "default"}),
    "disable": (replication.disable, {}),
    "delete": (groups.delete, {"delete_volumes": True}),
}


@pytest.mark.slow
def test_a_group_of_500_volumes_costs_as_many_statements_as_one_of_1(site, monkeypatch):
    # What a worker asks each second while it waits depends on time, not on volumes.
    monkeypatch.setattr(leases, "_LOOK_SECONDS", 3600)
    monkeypatch.setattr(clock, "_GOOD_SECONDS", 3600)
    small, large = filled(site, 1), filled(site, 500)

    costs = {
        name: [cost(verb, site, group, options) for group in (small, large)] for name, (verb, options) in VERBS.items()
    }

    assert all(few == many for few, many in costs.values()), costs
    # What was measured, with little to spare: one that needs more is to say why.
    assert costs["enable"][0] <= 50, costs
    assert max(few for few, _ in costs.values()) <= 77, costs
    assert not models.Group.objects.exists()


@pytest.mark.slow
def test_a_snapshot_and_a_copy_of_100_volumes_cost_as_many_statements_as_of_1(site, monkeypatch):
    """But for the rows that are new: SQLite takes so many values in one statement."""
    monkeypatch.setattr(leases, "_LOOK_SECONDS", 3600)
    monkeypatch.setattr(clock, "_GOOD_SECONDS", 3600)
    kept, copied, deleted = [], [], []

    for group in (filled(site, 1), filled(site, 100)):
        kept.append(counted(lambda group=group: group_snapshots.create(site.owner, group_id=group.pk)))
        snapshot = group.snapshots.get()
        copied.append(
            counted(lambda snapshot=snapshot: group_snapshots.create_group(site.owner, group_snapshot_id=snapshot.pk))
        )
        deleted.append(
            counted(lambda snapshot=snapshot: group_snapshots.delete(site.owner, group_snapshot_id=snapshot.pk))
        )

    for few, many in (kept, copied, deleted):
        assert few == many < 100
    assert not models.Snapshot.objects.exists()
    assert models.Volume.objects.filter(status="available").count() == 202


def counted(ask) -> int:
    """Return how many statements a verb takes to its operation's end, those left out that only add new rows."""
    with CaptureQueriesContext(connection) as captured:
        ask()
        domain.drain()
    new = ('INSERT INTO "groups_snapshot"', 'INSERT INTO "groups_volume"')
    return sum(not query["sql"].startswith(new) for query in captured.captured_queries)
