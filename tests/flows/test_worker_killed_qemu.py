"""A worker killed -9 in the middle of each operation on real storage: it ends right, with the right bytes."""

from __future__ import annotations

import dataclasses
import hashlib
import random
from collections.abc import Iterator

import pytest

from groups import models
from groups.services import backends, groups, replication, volumes
from tests.drivers.qemu.daemons import Sites
from tests.support import domain, processes
from tests.support.crew import ended

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

MIB = 1 << 20
DATA_MIB = 48


@dataclasses.dataclass
class Real:
    """A group on two real sites."""

    site: domain.Site
    sites: Sites
    group: models.Group

    def fill(self, side: str, seed: int) -> None:
        """Write data a copy takes a while for."""
        for volume in domain.members(self.group):
            data = random.Random(seed).randbytes(DATA_MIB * MIB)
            self.sites.write(side, str(volume.pk), 0, data)

    def digests(self, side: str) -> list[str]:
        """Return the digests of what a side's clients read."""
        return [
            hashlib.sha256(
                b"".join(self.sites.read(side, str(volume.pk), number * MIB, MIB) for number in range(DATA_MIB))
            ).hexdigest()
            for volume in domain.members(self.group)
        ]

    def enable(self) -> None:
        replication.enable(self.site.owner, group_id=self.group.pk)
        domain.drain()

    def fail_over(self) -> None:
        replication.failover(self.site.owner, group_id=self.group.pk)
        domain.drain()


@pytest.fixture
def real(site) -> Iterator[Real]:
    sites = Sites(targets=["west"])
    try:
        yield Real(site, sites, make_group(site, sites))
    finally:
        sites.end()


def make_group(site: domain.Site, sites: Sites) -> models.Group:
    """Create a group of two volumes on the real sites."""
    paths = {side: str(folder.path) for side, folder in sites.folders.items()}
    backend = backends.add(
        site.admin, name="real", driver="qemu", options={"site": paths[""]}, targets={"west": {"site": paths["west"]}}
    )
    models.Backend.objects.exclude(pk=backend.pk).update(enabled=False)
    group = groups.create(site.owner, group_type="replicated", volume_types=["replicable"], name="real")
    domain.drain()
    for number in range(2):
        volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk, name=f"real-{number}")
    domain.drain()
    return group


def prepare_enable(real: Real) -> None:
    real.fill("", seed=1)


def prepare_disable(real: Real) -> None:
    real.fill("", seed=1)
    real.enable()


def prepare_failover(real: Real) -> None:
    real.enable()
    real.fill("", seed=1)


def prepare_failback(real: Real) -> None:
    real.enable()
    real.fail_over()
    real.fill("west", seed=2)


CASES = [
    (prepare_enable, replication.enable, {}, "copy", "enabled", ""),
    (prepare_disable, replication.disable, {}, "take down", "disabled", ""),
    (prepare_failover, replication.failover, {}, "final round", "failed-over", "west"),
    (prepare_failover, replication.failover, {}, "promote", "failed-over", "west"),
    (prepare_failback, replication.failover, {"secondary_backend_id": "default"}, "resync primary", "enabled", ""),
    (prepare_failback, replication.failover, {"secondary_backend_id": "default"}, "promote", "enabled", ""),
    (prepare_failback, replication.failover, {"secondary_backend_id": "default"}, "replicate again", "enabled", ""),
]

# The crash matrix kills everywhere; beside it one case of each verb is enough for a quick run.
QUICK = {("enabled", "copy"), ("failed-over", "final round"), ("enabled", "resync primary")}


@pytest.mark.parametrize(
    "prepare, verb, options, step, status, side",
    [
        pytest.param(
            *case,
            id=f"{case[4]} killed in {case[3]}",
            marks=[] if (case[4], case[3]) in QUICK else pytest.mark.soak,
        )
        for case in CASES
    ],
)
def test_a_worker_killed_in_a_step_is_taken_over(real, crew, prepare, verb, options, step, status, side):
    prepare(real)
    active = models.Group.objects.get(pk=real.group.pk).active_backend_id
    before = real.digests(active)
    first = crew.worker()
    operation = verb(real.site.owner, group_id=real.group.pk, **options)
    processes.wait_until(
        lambda: operation.steps.exclude(state="pending").filter(name=step).exists() or ended(operation),
        what=f"step {step}",
        pause=0.002,
    )

    first.kill()
    crew.beat()
    crew.worker()
    crew.wait_for_end(operation)

    real.group.refresh_from_db()
    assert (operation.state, real.group.replication_status) == ("succeeded", status), operation.error
    assert real.group.active_backend_id == side
    assert real.digests(side) == before
    assert models.Event.objects.filter(operation=operation, axis="operation.state", new="succeeded").count() == 1
