"""A site to try the verbs on: the cast, a fake backend with two targets, types, groups, volumes."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import uuid
from pathlib import Path

from django.db.models import Q
from django.utils import timezone

from drivers import base
from drivers.fake.control import Control
from groups import callers, models, specs
from groups.engine import rounds, runner, storage
from groups.services import backends, groups, replication, sites, types, volumes
from groups.statuses import SITE_OPEN, OperationState

SECRET = "wolpertinger"
_NAMES = itertools.count(1)


def caller(name: str, project: models.Project, role: str) -> callers.Caller:
    """Return a named person of a project."""
    return callers.Caller(
        user_id=name,
        user_name=name,
        project_id=project.pk,
        roles=callers.implied(role),
        request_id=f"req-{uuid.uuid4()}",
    )


@dataclasses.dataclass
class Site:
    """A site with its cast and its storage."""

    project: models.Project
    owner: callers.Caller
    colleague: callers.Caller
    reader: callers.Caller
    admin: callers.Caller
    outsider: callers.Caller
    backend: models.Backend
    control: Control
    group_type: models.GroupType
    volume_type: models.VolumeType

    def new_group(self, size: int = 3, *, name: str = "", ready: bool = True) -> models.Group:
        """Create a group with volumes; wait for the storage unless not `ready`."""
        group = groups.create(
            self.owner,
            group_type=self.group_type.name,
            volume_types=[self.volume_type.name],
            name=name or f"shop-{next(_NAMES)}",
        )
        drain()
        for number in range(size):
            volumes.create(
                self.owner,
                size_gib=1,
                volume_type=self.volume_type.name,
                group_id=group.pk,
                name=f"{group.name}-{number + 1}",
            )
        if ready:
            drain()
        group.refresh_from_db()
        return group

    def enabled_group(self, size: int = 3) -> models.Group:
        """Create a group and enable its replication."""
        group = self.new_group(size)
        replication.enable(self.owner, group_id=group.pk)
        drain()
        group.refresh_from_db()
        assert group.replication_status == "enabled", last_operation(group).error
        return group

    def failed_over_group(self, size: int = 3) -> models.Group:
        """Create a group that runs on the first secondary."""
        group = self.enabled_group(size)
        replication.failover(self.owner, group_id=group.pk)
        drain()
        group.refresh_from_db()
        assert group.replication_status == "failed-over", last_operation(group).error
        return group

    def write(self, volume: models.Volume, text: str, *, side: str = "") -> None:
        """Write to a volume as a client on one side would."""
        self.control.write(side=side, volume_id=str(volume.pk), offset=0, data=text.encode().ljust(4096, b"."))

    def read(self, volume: models.Volume, *, side: str = "") -> str:
        """Read what a client on one side sees."""
        data = self.control.read(side=side, volume_id=str(volume.pk), offset=0, length=4096)
        return data.rstrip(b".\0").decode()


def build(folder: Path, *, driver_options: dict[str, object] | None = None) -> Site:
    """Set up a site with a fake backend whose storage is in the folder."""
    ours = models.Project.objects.create(name="shop")
    theirs = models.Project.objects.create(name="elsewhere")
    admin = caller("admin", ours, callers.ADMIN)
    backend = backends.add(
        admin,
        name="array",
        driver="fake",
        options={"state": str(folder), **(driver_options or {})},
        targets={"site-b": {"host": "b.example", "password": SECRET}, "site-c": {"host": "c.example"}},
    )
    group_type = types.create(
        admin, family=types.GROUP, name="replicated", spec_values={specs.CONSISTENT_GROUP_REPLICATION: specs.TRUE}
    )
    volume_type = types.create(
        admin, family=types.VOLUME, name="replicable", spec_values={specs.REPLICATION: specs.TRUE}
    )
    return Site(
        project=ours,
        owner=caller("olga", ours, callers.MEMBER),
        colleague=caller("carl", ours, callers.MEMBER),
        reader=caller("rita", ours, callers.READER),
        admin=admin,
        outsider=caller("otto", theirs, callers.MEMBER),
        backend=backend,
        control=Control(folder=folder),
        group_type=group_type,  # type: ignore[arg-type]
        volume_type=volume_type,  # type: ignore[arg-type]
    )


def drain(*, attempts: int = 50) -> int:
    """Do what workers would: run every operation that is due until none is; return how many runs."""
    runs = 0
    for _ in range(attempts):
        due = Q(state__in=(OperationState.QUEUED, OperationState.CANCELING, OperationState.RUNNING))
        due |= Q(state=OperationState.WAITING, not_before__lte=timezone.now())
        ids = list(models.Operation.objects.filter(due).order_by("created_at").values_list("pk", flat=True))
        ran = sum(runner.run(operation_id=pk, owner="tests") for pk in ids)
        ran += go_on_with_sites()
        if not ran:
            return runs
        runs += ran
    raise AssertionError("operations are still due after many runs")


def go_on_with_sites() -> int:
    """Go on with every open site failover; return how many groups were begun."""
    ids = list(models.SiteFailover.objects.filter(state__in=SITE_OPEN).values_list("pk", flat=True))
    return sum(sites.advance(site_failover_id=pk) for pk in ids)


def drain_with_retries() -> None:
    """Run every operation to its end, without the waits between retries."""
    for _ in range(50):
        drain()
        if not models.Operation.objects.filter(state=OperationState.WAITING).update(
            not_before=timezone.now() - datetime.timedelta(seconds=1)
        ):
            return
    raise AssertionError("operations still wait after many retries")


def run_round(group: models.Group) -> bool:
    """Run a group's next round now."""
    # A second ago: SQLite's clock has milliseconds, ours has microseconds.
    models.Round.objects.filter(pk=group.pk).update(due_at=timezone.now() - datetime.timedelta(seconds=1))
    return rounds.run(group_id=group.pk, owner="tests")


def last_operation(group: models.About) -> models.Operation:
    """Return the newest operation on a group, a volume or a snapshot."""
    return models.Operation.objects.filter(subject_id=group.pk).latest("created_at")


def members(group: models.Group) -> list[models.Volume]:
    """Return a group's volumes, oldest first."""
    return list(models.Volume.objects.filter(group=group).order_by("created_at", "id"))


def storage_driver(group: models.Group) -> base.Driver:
    """Return the driver of a group's backend."""
    return storage.driver_for(group.backend)


def create_on_storage(driver: base.Driver, volume: models.Volume) -> None:
    """Make a volume on the storage without an operation."""
    driver.create_volume(storage.volume_value(volume), call=base.Call(epoch=1))
