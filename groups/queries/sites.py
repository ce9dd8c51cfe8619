"""Whole sites: where the groups of a backend are, what failing them over would lose, and how such a failover goes.

Each question takes a number of statements that does not depend on how many groups there are.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models as db
from django.db.models import Q

from groups import clock, errors, models, specs, statuses
from groups.queries import filtering, paging, possible, visible
from groups.statuses import Left, OperationState, ReplicationStatus

UNDER_WAY = (OperationState.RUNNING, OperationState.WAITING, OperationState.CANCELING)
_PRIMARY = ""
_FILTERS: Mapping[str, filtering.Condition] = {
    "backend": filtering.text("backend_name"),
    "state": filtering.text("state"),
}
_UNPROTECTED = (ReplicationStatus.DISABLED, ReplicationStatus.NOT_CAPABLE)
# Nobody knows of these that they are where the record says.
_UNCERTAIN = (ReplicationStatus.FAILOVER_ERROR, ReplicationStatus.FAILING_OVER)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outlook:
    """One group of a backend: where it is, and what a failover would lose by what was seen last."""

    standing: possible.Standing
    project_name: str
    size_gib: int
    lag_seconds: float | None
    """How old the newest complete point on a target is; None when none was ever seen."""
    bytes_behind: int | None
    left: str
    """Why a failover to the target in question would leave it where it is; empty when it would be moved."""
    why_not: str
    """Why it could not be begun now, in a sentence; empty when it could."""

    @property
    def group(self) -> models.Group:
        """Return the group."""
        return self.standing.group


@dataclasses.dataclass(frozen=True, kw_only=True)
class Totals:
    """How far a site failover is, in groups."""

    groups: int
    queued: int
    running: int
    done: int
    failed: int
    """Begun, and ended otherwise than by success."""
    refused: int
    """Not begun, each for a reason of its own."""
    unprotected: int
    already_there: int
    canceled: int
    gone: int
    late: int
    bytes_at_risk: int
    """What was not on a target yet of the groups that are not there yet."""
    unknown_risk: int
    """Of how many of those nobody knows how much that is."""

    @property
    def open(self) -> int:
        """Return how many are still to end."""
        return self.queued + self.running


@dataclasses.dataclass(frozen=True, kw_only=True)
class Site:
    """A backend as a site: what it is doing and where its groups are."""

    backend: models.Backend
    replication_status: str
    """In Cinder's words, as of a whole host."""
    newest: models.SiteFailover | None


def left(group: models.Group, *, is_replicated: bool, target: str) -> str:
    """Return why a failover of the site to a target leaves a group where it is; empty when it is to be moved."""
    word = group.replication_status
    if target == _PRIMARY:
        is_there = not group.active_backend_id and word not in _UNCERTAIN
        return Left.ALREADY_THERE if is_there else ""
    if not is_replicated or word in _UNPROTECTED:
        return Left.UNPROTECTED
    return Left.ALREADY_THERE if group.active_backend_id == target and word == ReplicationStatus.FAILED_OVER else ""


def groups_of(backend_id: uuid.UUID) -> db.QuerySet[models.Group]:
    """Return a backend's groups in the order in which they are failed over, with what `left` reads."""
    rows = models.Group.objects.filter(backend_id=backend_id).select_related("group_type")
    return rows.prefetch_related("group_type__group_specs").order_by("failover_priority", "created_at", "id")


def missing(run: models.SiteFailover) -> db.QuerySet[models.Group]:
    """Return the groups of a site failover's backend that it knows nothing of."""
    known = run.groups.filter(subject_id=db.OuterRef("pk"))
    # With the backend gone it has no groups either.
    rows = groups_of(run.backend_id) if run.backend_id else models.Group.objects.none()
    return rows.exclude(db.Exists(known))


def outlook(backend: models.Backend, *, target: str) -> list[Outlook]:
    """Return all groups of a backend as a failover to a target finds them; an empty target is the primary."""
    rows = list(groups_of(backend.pk).select_related("group_type", "project"))
    for row in rows:
        row.backend = backend
    members, sizes = _members(backend.pk)
    operations, bare = _open_operations(backend.pk), _bare_types(backend.pk)
    targets = tuple(each.backend_id for each in backend.targets.all())
    kind = statuses.Kind.FAILOVER if target else statuses.Kind.FAILBACK
    now = clock.now()
    found = []
    for row in rows:
        standing = possible.Standing(
            group=row,
            is_replicated=specs.is_replicated(row.group_type.specs),
            bare_types=bare.get(row.pk, ()),
            targets=targets,
            operation=operations.get(row.pk),
            members=members.get(row.pk, {}),
        )
        found.append(
            Outlook(
                standing=standing,
                project_name=row.project.name,
                size_gib=sizes.get(row.pk, 0),
                lag_seconds=_ago(now, row.consistent_at),
                bytes_behind=row.bytes_behind,
                left=left(row, is_replicated=standing.is_replicated, target=target),
                why_not=possible.why_not(standing, kind),
            )
        )
    return found


def totals(runs: Iterable[models.SiteFailover]) -> dict[uuid.UUID, Totals]:
    """Return how far site failovers are, in one statement."""
    state = "operation__state"
    waiting = Q(operation__isnull=True, refusal_code="")
    there = Q(**{state: OperationState.SUCCEEDED}) | Q(refusal_code__in=(Left.ALREADY_THERE, Left.GONE))
    counted = {
        "groups": Q(),
        "queued": waiting | Q(**{state: OperationState.QUEUED}),
        "running": Q(**{f"{state}__in": UNDER_WAY}),
        "done": Q(**{state: OperationState.SUCCEEDED}),
        "failed": Q(**{f"{state}__in": (OperationState.FAILED, OperationState.CANCELED)}),
        "refused": ~Q(refusal_code__in=["", *(word.value for word in Left)]),
        "unprotected": Q(refusal_code=Left.UNPROTECTED),
        "already_there": Q(refusal_code=Left.ALREADY_THERE),
        "canceled": Q(refusal_code=Left.CANCELED),
        "gone": Q(refusal_code=Left.GONE),
        "late": Q(joined_late=True),
        "unknown_risk": ~there & Q(bytes_behind__isnull=True),
    }
    ids = [run.pk for run in runs]
    rows = models.SiteFailoverGroup.objects.filter(site_failover_id__in=ids).order_by().values("site_failover_id")
    found = rows.annotate(
        bytes_at_risk=db.Sum("bytes_behind", filter=~there, default=0),
        **{name: db.Count("pk", filter=condition) for name, condition in counted.items()},
    )
    names = (*counted, "bytes_at_risk")
    known = {
        row[0]: Totals(**dict(zip(names, row[1:], strict=True)))
        for row in found.values_list("site_failover_id", *names)
    }
    nothing = Totals(**dict.fromkeys(names, 0))
    return {pk: known.get(pk, nothing) for pk in ids}


def places(run: models.SiteFailover) -> db.QuerySet[models.SiteFailoverGroup]:
    """Return a site failover's groups with their operations, in their order."""
    return run.groups.select_related("operation", "group", "project").order_by("priority", "id")


def busiest(run: models.SiteFailover) -> db.QuerySet[models.SiteFailoverGroup]:
    """Return a site failover's groups with their operations: what failed first, then what moves, waits, is done."""
    state = "operation__state"
    refused = ~Q(refusal_code__in=["", *(word.value for word in Left)])
    rank = db.Case(
        db.When(refused | Q(**{f"{state}__in": (OperationState.FAILED, OperationState.CANCELED)}), then=0),
        db.When(Q(**{f"{state}__in": UNDER_WAY}), then=1),
        db.When(Q(operation__isnull=True, refusal_code="") | Q(**{state: OperationState.QUEUED}), then=2),
        db.When(Q(**{state: OperationState.SUCCEEDED}), then=3),
        default=4,
        output_field=db.IntegerField(),
    )
    return places(run).order_by(rank, "priority", "id")


def state_of(place: models.SiteFailoverGroup) -> str:
    """Return one word for what became of a group: its operation's state, or why it has none."""
    if place.operation is not None:
        return place.operation.state
    return place.refusal_code or OperationState.QUEUED


def listed(*, page: paging.Page, filters: Mapping[str, str]) -> list[models.SiteFailover]:
    """Return one page of site failovers. Raises `InvalidInput` for a filter nobody knows."""
    if unknown := [name for name in filters if name not in _FILTERS]:
        raise errors.InvalidInput(f"There is no filter '{unknown[0]}'. Possible: {', '.join(_FILTERS)}.")
    found = filtering.matching(runs(), filters, columns=_FILTERS)
    columns = {"created_at": "created_at", "id": "id"}
    return list(paging.cut(found, page=page, columns=columns, among=runs(), noun="Site failover"))


def listed_places(run: models.SiteFailover, *, page: paging.Page) -> list[models.SiteFailoverGroup]:
    """Return one page of a site failover's groups; the marker is the id of the last group seen."""
    found = places(run)
    if page.marker is not None:
        known = visible.parsed_id(page.marker)
        last = run.groups.filter(subject_id=known).first() if known else None
        if last is None:
            raise errors.NotFound(f"Group {page.marker} is not in this site failover.")
        found = found.filter(Q(priority__gt=last.priority) | Q(priority=last.priority, id__gt=last.pk))
    return list(found[: page.limit])


def runs(*, backend_id: uuid.UUID | None = None) -> db.QuerySet[models.SiteFailover]:
    """Return site failovers, the newest first."""
    rows = models.SiteFailover.objects.select_related("backend").order_by("-created_at", "-id")
    return rows if backend_id is None else rows.filter(backend_id=backend_id)


def sites(backends: Sequence[models.Backend]) -> list[Site]:
    """Return backends as sites, in one statement besides those that read them with their targets."""
    newer = models.SiteFailover.objects.filter(backend_id=db.OuterRef("pk")).order_by("-created_at", "-id")
    newest = models.Backend.objects.filter(pk__in=[row.pk for row in backends]).values(
        run=db.Subquery(newer.values("pk")[:1])
    )
    found = {run.backend_id: run for run in models.SiteFailover.objects.filter(pk__in=newest)}
    return [
        Site(backend=row, newest=found.get(row.pk), replication_status=_status(row, found.get(row.pk)))
        for row in backends
    ]


def _status(backend: models.Backend, newest: models.SiteFailover | None) -> str:
    if newest is not None and newest.is_open:
        return ReplicationStatus.FAILING_OVER
    if newest is not None and newest.state == statuses.SiteState.FAILED:
        return ReplicationStatus.FAILOVER_ERROR
    if backend.active_backend_id:
        return ReplicationStatus.FAILED_OVER
    return ReplicationStatus.ENABLED if backend.targets.all() else ReplicationStatus.DISABLED


def _members(backend_id: uuid.UUID) -> tuple[dict[uuid.UUID, Mapping[tuple[str, str], int]], dict[uuid.UUID, int]]:
    """Return by group how many members have which statuses, and how many GiB they are together."""
    rows = models.Volume.objects.filter(group__backend_id=backend_id).order_by()
    counted = rows.values("group_id", "status", "replication_status").annotate(
        count=db.Count("pk"), size=db.Sum("size_gib")
    )
    members: dict[uuid.UUID, dict[tuple[str, str], int]] = collections.defaultdict(dict)
    sizes: dict[uuid.UUID, int] = collections.Counter()
    for row in counted:
        members[row["group_id"]][row["status"], row["replication_status"]] = row["count"]
        sizes[row["group_id"]] += row["size"]
    return dict(members), sizes


def _open_operations(backend_id: uuid.UUID) -> dict[uuid.UUID, models.Operation]:
    about = Q(group__backend_id=backend_id) | Q(volume__group__backend_id=backend_id)
    rows = models.Operation.objects.filter(about, state__in=statuses.OPEN).select_related("volume")
    found: dict[uuid.UUID, models.Operation] = {}
    for row in rows:
        group_id: Any = row.group_id or (row.volume.group_id if row.volume else None)
        found[group_id] = row
    return found


def _bare_types(backend_id: uuid.UUID) -> dict[uuid.UUID, tuple[str, ...]]:
    """Return by group the names of its volume types that cannot be replicated."""
    able = models.ExtraSpec.objects.filter(
        volume_type_id=db.OuterRef("volume_type_id"), key=specs.REPLICATION, value=specs.TRUE
    )
    rows = models.GroupVolumeType.objects.filter(group__backend_id=backend_id).exclude(db.Exists(able))
    found: dict[uuid.UUID, tuple[str, ...]] = {}
    for group_id, name in rows.order_by("volume_type__name").values_list("group_id", "volume_type__name"):
        found[group_id] = (*found.get(group_id, ()), name)
    return found


def _ago(now: datetime.datetime, at: datetime.datetime | None) -> float | None:
    return None if at is None else max(0.0, (now - at).total_seconds())
