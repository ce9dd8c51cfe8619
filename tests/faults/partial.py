"""Operations on a group of four, whose driver fails at one volume of them, and what must be true then."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence

from groups import models, statuses
from groups.engine import observing, storage
from groups.services import groups, replication
from tests.faults import cases, matrix
from tests.support import domain

SIZE = 4
_MOMENTS = ("before", "after")
_RAISING = ("fail", "fail-retryable", "raise-value-error", "return-none")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verb:
    """One operation, the driver's calls it makes, and where it is to end."""

    prepare: Callable[[domain.Site, int], models.Group]
    ask: Callable[[domain.Site, models.Group], object]
    calls: Sequence[str]
    side: str | None
    """The side the group is to be active on; None when it is to be gone."""
    status: str
    planned: bool = False
    """Whether a failure is to leave it where it was, with nothing lost."""


def fail_over(mode: str, target: str = "") -> Callable[[domain.Site, models.Group], object]:
    """Return what asks for a move."""
    return lambda site, group: replication.failover(
        site.owner, group_id=group.pk, secondary_backend_id=target or None, mode=mode
    )


def remove_all_but_one(site: domain.Site, group: models.Group) -> None:
    """Ask for volumes to leave."""
    leaving = [str(volume.pk) for volume in domain.members(group)[1:]]
    groups.update(site.owner, group_id=group.pk, remove_volumes=leaving)


VERBS: dict[str, Verb] = {
    "planned failover": Verb(
        prepare=cases.enabled,
        ask=fail_over("planned"),
        calls=("stop_writes", "replicate", "promote", "retire"),
        side="site-b",
        status="failed-over",
        planned=True,
    ),
    "unplanned failover": Verb(
        prepare=cases.dark_primary,
        ask=fail_over("unplanned"),
        calls=("promote",),
        side="site-b",
        status="failed-over",
    ),
    "planned failback": Verb(
        prepare=cases.failed_over,
        ask=fail_over("planned", "default"),
        calls=("stop_writes", "replicate", "promote", "retire", "enable_replication"),
        side="",
        status="enabled",
        planned=True,
    ),
    "unplanned failback": Verb(
        prepare=cases.failed_over,
        ask=fail_over("unplanned", "default"),
        calls=("promote", "enable_replication"),
        side="",
        status="enabled",
    ),
    "enable": Verb(
        prepare=cases.new,
        ask=lambda site, group: replication.enable(site.owner, group_id=group.pk),
        calls=("enable_replication",),
        side="",
        status="enabled",
    ),
    "disable": Verb(
        prepare=cases.enabled,
        ask=lambda site, group: replication.disable(site.owner, group_id=group.pk),
        calls=("disable_replication",),
        side="",
        status="disabled",
    ),
    "remove volumes": Verb(
        prepare=cases.enabled, ask=remove_all_but_one, calls=("update_group",), side="", status="enabled"
    ),
    "delete group": Verb(
        prepare=cases.enabled,
        ask=lambda site, group: groups.delete(site.owner, group_id=group.pk, delete_volumes=True),
        calls=("delete_group", "delete_volume"),
        side=None,
        status="",
    ),
}


@dataclasses.dataclass(frozen=True)
class Failure:
    """One way in which a driver's call goes wrong."""

    call: str
    action: str
    volume: int | None = None
    when: str = "before"

    def __str__(self) -> str:
        return f"{self.action} {self.when} volume {self.volume or 'all'} in {self.call}"

    def tell(self, site: domain.Site) -> None:
        """Let the storage show it, as long as nobody mends it."""
        # One that is raised once is met once: what undoes it must not meet it again.
        lasting = self.action in {"fail-retryable", "wrong-facts"}
        site.control.add_fault(
            call=self.call, action=self.action, volume=self.volume, when=self.when, times=None if lasting else 1
        )


def failures(calls: Sequence[str]) -> Iterator[Failure]:
    """Return every way in which one of these calls may go wrong, at each volume."""
    for call in calls:
        volumes = range(1, SIZE + 1) if call != "delete_volume" else [1]
        for action, volume, when in itertools.product(_RAISING, volumes, _MOMENTS):
            yield Failure(call, action, volume, when)
        for action, volume in itertools.product(("skip", "wrong-facts"), [None, *volumes]):
            yield Failure(call, action, volume)
    for volume in (None, *range(1, SIZE + 1)):
        yield Failure("observe", "wrong-facts", volume)


class Judge:
    """What is true of a group after an operation that met a failure."""

    def __init__(self, site: domain.Site, group: models.Group, verb: Verb) -> None:
        self.site, self.group, self.verb = site, group, verb
        self.origin = group.active_backend_id
        self.members = domain.members(group)

    def wrong(self, operation: models.Operation) -> list[str]:
        """Return every promise that does not hold; once the storage behaves again."""
        operation.refresh_from_db()
        if operation.state == "succeeded":
            return [] if self.is_finished() else ["success is claimed, and the storage does not confirm it"]
        if operation.state != "failed":
            return [f"it ended {operation.state}"]
        return [*self._says_why(operation), *self._statuses(), *self._whole(), *self._names_places(operation)]

    def is_finished(self) -> bool:
        """Tell whether the storage has every member where the verb was to bring it."""
        if self.verb.side is None:
            return not any(self._copies(volume) for volume in self.members)
        self.group.refresh_from_db()
        if (self.group.status, self.group.replication_status) != ("available", self.verb.status):
            return False
        if self.group.active_backend_id != self.verb.side:
            return False
        stays = {volume.pk for volume in domain.members(self.group)}
        if any(not self._writable(volume, self.verb.side) for volume in self.members):
            return False
        bare = [volume for volume in self.members if not self._protected(volume)]
        if self.verb.status == "enabled":
            return {volume.pk for volume in self.members} - {volume.pk for volume in bare} == stays
        return self.verb.status != "disabled" or len(bare) == SIZE

    def _says_why(self, operation: models.Operation) -> list[str]:
        said = operation.error and operation.remedy
        return [] if said else [f"it does not say why, or what to do: {operation.error!r}, {operation.remedy!r}"]

    def _statuses(self) -> list[str]:
        self.group.refresh_from_db()
        rows = domain.members(self.group)
        found = {self.group.status, *(row.status for row in rows)}
        moves_replication = self.verb.status and self.verb.calls != ("update_group",)
        wrong = []
        if found & {*statuses.PASSING[statuses.Axis.GROUP], *statuses.PASSING[statuses.Axis.VOLUME]}:
            wrong.append(f"a passing status stays: {found}")
        if moves_replication and found != {"available"}:
            wrong.append(f"a life cycle is disturbed: {found}")
        if len({self.group.replication_status, *(row.replication_status for row in rows)}) > 1:
            wrong.append("group and volumes have different replication statuses")
        return wrong

    def _whole(self) -> list[str]:
        """Tell whether a planned move that failed left the group wholly on one side."""
        if not self.verb.planned:
            return []
        places = [self._places(volume) for volume in self.members]
        if len(set(places)) > 1 or len(places[0]) != 1:
            return [f"not wholly on one side: {places}"]
        if places[0] != (self.group.active_backend_id,):
            return [f"recorded on {self.group.active_backend_id!r}, and it is on {places[0]}"]
        return []

    def _names_places(self, operation: models.Operation) -> list[str]:
        """Tell whether the operation, and the next look, say which volume is where."""
        if self.verb.side is None or operation.kind == "update-group":
            return []
        places = {volume.name: self._place(volume) for volume in self.members}
        if len(set(places.values())) == 1:
            return []
        group = models.Group.objects.select_related("backend", "group_type").get(pk=self.group.pk)
        observing._look(storage.driver_for(group.backend), group)
        group.refresh_from_db()
        found = models.Finding.objects.filter(group=group, closed_at__isnull=True).values_list("actual", flat=True)
        said = {"the operation": operation.truth, "the health": group.health_detail, "a finding": " ".join(found)}
        return [
            f"{name} does not say where {volume} is: {text}"
            for name, text in said.items()
            for volume in places
            if volume not in text
        ]

    def _place(self, volume: models.Volume) -> str | None:
        """Return the side a volume is truly active on; another one may take itself for that."""
        facts = observing._observe(
            storage.driver_for(self.group.backend),
            storage.group_value(self.group, self.members),
            epoch=self.group.epoch,
        )
        return next(fact.active_side for fact in facts.volumes if fact.id == str(volume.pk))

    def _places(self, volume: models.Volume) -> tuple[str, ...]:
        return tuple(side for side in matrix.SIDES if self._writable(volume, side))

    def _writable(self, volume: models.Volume, side: str) -> bool:
        return self.site.control.can_write(side=side, volume_id=str(volume.pk))

    def _copies(self, volume: models.Volume) -> list[str]:
        return [side for side in matrix.SIDES if f"volume {volume.pk}" in self.site.control.inventory(side)]

    def _protected(self, volume: models.Volume) -> bool:
        return len(self._copies(volume)) > 1


def content(site: domain.Site, group: models.Group, side: str) -> set[str]:
    """Return what clients read of all volumes on a side, without the volumes' numbers."""
    return {site.read(volume, side=side).rsplit(" ", 1)[0] for volume in domain.members(group)}
