"""After the storm: waits until all is at rest, and brings every group to health by verbs that anybody may ask for.

What is done about which state is what `docs/howto/recover.md` says.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.utils import timezone

from groups import models, statuses
from groups.findings import Code
from groups.statuses import Axis, GroupStatus, Health, ReplicationStatus, VolumeStatus
from tests.storm.people import Answer, Cut
from tests.storm.terms import Timing
from tests.storm.verbs import Verbs

_LOOK_SECONDS = 0.5
_MOST_TURNS = 8
"""How many verbs in a row a group may need. Each is asked for when the one before has ended."""
_BACK: Mapping[str, Any] = {"target": "default", "mode": "auto"}
_GONE_BAD = frozenset({VolumeStatus.ERROR, VolumeStatus.ERROR_DELETING})


class Mender:
    """Somebody who reads the status of each group and asks for what is documented."""

    def __init__(self, verbs: Verbs, *, timing: Timing, keep_up: Callable[[], None]) -> None:
        self._verbs, self._keep_up = verbs, keep_up
        self._rest_seconds, self._look_seconds = timing.rest_seconds, timing.look_seconds
        self._turns: collections.Counter[object] = collections.Counter()
        self._refusals: dict[object, str] = {}

    def wait_for_rest(self) -> list[str]:
        """Wait until nothing is open and no status is passing; return what still is after the time."""
        end = time.monotonic() + self._rest_seconds
        while restless := _restless():
            if time.monotonic() > end:
                return [f"Not at rest {self._rest_seconds:g} s after all was well: {each}" for each in restless]
            self._keep_up()
            time.sleep(_LOOK_SECONDS)
        return []

    def mend(self) -> list[str]:
        """Ask for verbs until every group is protected and no volume is bad; return the dead ends."""
        while sick := [*_bad_lone_volumes(), *_sick_groups()]:
            self._wait_for_looks(sick)
            worn_out = [row for row in sick if self._turns[row.pk] >= _MOST_TURNS]
            if worn_out:
                return [self._dead_end(row) for row in worn_out]
            for row in sick:
                self._turns[row.pk] += 1
                self._ask(row)
            if late := self.wait_for_rest():
                return late
        return []

    def wait_for_health(self) -> list[str]:
        """Wait until the looks at the storage find every group healthy; return those that are not after the time."""
        end = time.monotonic() + self._rest_seconds
        while unwell := list(
            models.Group.objects.exclude(health=Health.HEALTHY).filter(volumes__isnull=False).distinct()
        ):
            if time.monotonic() > end:
                return [
                    f"Group {row.pk} ({row.name}) is {row.health}, not healthy: {row.health_detail}" for row in unwell
                ]
            self._keep_up()
            time.sleep(_LOOK_SECONDS)
        return []

    @property
    def verbs_needed(self) -> int:
        """Return how many verbs were asked for in all."""
        return self._turns.total()

    def _wait_for_looks(self, rows: Sequence[models.Group | models.Volume]) -> None:
        """Let every group be looked at again: a look lets clients in at a side that was restarted."""
        groups = models.Group.objects.filter(pk__in=[row.pk for row in rows], status=GroupStatus.AVAILABLE)
        since, end = timezone.now(), time.monotonic() + self._look_seconds
        while groups.filter(Q(observed_at__isnull=True) | Q(observed_at__lt=since), volumes__isnull=False).exists():
            if time.monotonic() > end:
                return
            self._keep_up()
            time.sleep(_LOOK_SECONDS)

    def _ask(self, row: models.Group | models.Volume) -> None:
        try:
            answer = self._treat_group(row) if isinstance(row, models.Group) else self._verbs.delete_volume(str(row.pk))
        except Cut as cut:
            self._refusals[row.pk] = str(cut)
            return
        if answer.status != 202:
            self._refusals[row.pk] = answer.refusal

    def _treat_group(self, group: models.Group) -> Answer:
        group_id = str(group.pk)
        if group.status == GroupStatus.ERROR_DELETING or _was_never_made(group):
            return self._verbs.act("delete", group_id, {})
        if group.status == GroupStatus.ERROR:
            return self._verbs.act("reset", group_id, {"status": GroupStatus.AVAILABLE})
        if bad := _members_in_the_way(group):
            return self._verbs.remove_volumes(group_id, [str(volume.pk) for volume in bad])
        if group.active_backend_id or group.replication_status == ReplicationStatus.FAILOVER_ERROR:
            return self._verbs.act("failback", group_id, _BACK)
        return self._verbs.act("enable", group_id, {})

    def _dead_end(self, row: models.Group | models.Volume) -> str:
        last = models.Operation.objects.filter(subject_id=row.pk).latest("created_at")
        return (
            f"Dead end: {type(row).__name__.lower()} {row.pk} ({row.name}) is {row.status}, {row.replication_status}"
            f" after {_MOST_TURNS} verbs; last refusal: {self._refusals.get(row.pk, 'none')}; its last operation,"
            f" {last.kind}, {last.state}: {last.error} {last.truth}"
        )


def _sick_groups() -> Sequence[models.Group]:
    """Return the groups that are not protected on their primary."""
    well = Q(status=GroupStatus.AVAILABLE, replication_status=ReplicationStatus.ENABLED, active_backend_id="")
    bare = Q(volumes__replication_status=ReplicationStatus.DISABLED) | Q(volumes__status__in=_GONE_BAD)
    return list(models.Group.objects.filter(~well | bare).distinct().order_by("created_at"))


def _bad_lone_volumes() -> Sequence[models.Volume]:
    """Return the volumes that left their groups in a bad state."""
    return list(models.Volume.objects.filter(group__isnull=True, status__in=_GONE_BAD).order_by("created_at"))


def _was_never_made(group: models.Group) -> bool:
    made = models.Operation.objects.filter(subject_id=group.pk, kind=statuses.Kind.CREATE_GROUP, state="succeeded")
    return group.status == GroupStatus.ERROR and not made.exists()


def _members_in_the_way(group: models.Group) -> Sequence[models.Volume]:
    """Return the members that keep the group from its verbs: bad ones, and ones that no storage has."""
    bad = Q(status__in=_GONE_BAD)
    lost = models.Finding.objects.filter(subject_id=group.pk, code=Code.VOLUME_MISSING, closed_at__isnull=True).first()
    members = models.Volume.objects.filter(group=group)
    if lost is not None:
        bad |= Q(pk__in=[volume.pk for volume in members if str(volume.pk) in lost.recorded])
    return list(members.filter(bad))


def _restless() -> list[str]:
    open_ones = models.Operation.objects.filter(state__in=statuses.OPEN)
    found = [f"operation {row.pk}, {row}, {row.state}, step '{row.step}', {row.error}" for row in open_ones]
    passing = Q(status__in=statuses.PASSING[Axis.GROUP]) | Q(replication_status__in=statuses.PASSING[Axis.REPLICATION])
    found += [f"group {row.pk}, {row.status}, {row.replication_status}" for row in models.Group.objects.filter(passing)]
    members = Q(status__in=statuses.PASSING[Axis.VOLUME])
    members |= Q(replication_status__in=statuses.PASSING[Axis.REPLICATION])
    volumes = models.Volume.objects.filter(members)
    return found + [f"volume {row.pk}, {row.status}, {row.replication_status}" for row in volumes]
