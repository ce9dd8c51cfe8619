"""Whole sites: fail over every replicated group of a backend, or back; cancel; go on.

A site failover does nothing to any storage. It begins the groups' own failovers in their order, so
many at a time, and each of those is an operation like any other. Whoever is woken goes on from the
rows, so that nothing is lost or done twice whoever dies.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable

import structlog
from django.conf import settings
from django.db import DatabaseError, models as db, transaction

from groups import callers, clock, errors, models, site_transitions, specs, statuses, transitions
from groups.models.backends import DEFAULT_TARGET
from groups.queries import sites, visible
from groups.services import policies, recording, replication
from groups.statuses import Left, SiteState

MOST_AT_ONCE = 1000
_WHY_LEFT = {
    Left.ALREADY_THERE: "It was there already.",
    Left.UNPROTECTED: "It is not replicated: there is no copy to fail over to.",
    Left.GONE: "It was deleted.",
}

log = structlog.get_logger(__name__)


def start(
    caller: callers.Caller,
    *,
    backend: str,
    secondary_backend_id: str | None = None,
    mode: replication.Mode = "auto",
    concurrency: int | None = None,
    in_waves: bool = False,
    allow_attached_volume: bool = True,
    discard_bytes: int | None = None,
    reason: str = "",
) -> models.SiteFailover:
    """Fail every replicated group of a backend over to a target, the default one when none is named,
    or back to the primary when the target is `default`.

    The backend is given by id or name. Groups with a lower priority number go first; with `in_waves`
    a number waits for the ones before it to end. Groups that cannot be moved are listed with the
    reason and stop no other. Asked for again it moves only what is not there yet. Raises `Busy`
    while one is open on the backend.
    """
    policies.require(caller, "volume:failover_host")
    with transaction.atomic():
        row = visible.backend_called(backend, lock=True)
        _refuse_open(row)
        run = models.SiteFailover(
            backend=row,
            backend_name=row.name,
            target=target_of(row, secondary_backend_id),
            mode=_checked_mode(mode),
            concurrency=_checked_concurrency(concurrency),
            in_waves=in_waves,
            allow_attached_volume=allow_attached_volume,
            discard_bytes=_checked_bytes(discard_bytes),
            reason=recording.checked_text(reason, name="reason") or "",
            lone_volumes=models.Volume.objects.filter(backend=row, group__isnull=True).count(),
            created_at=clock.now(),
            dispatched_at=clock.now(),
            user_id=caller.user_id,
            user_name=caller.user_name,
            roles=sorted(caller.roles),
            door=caller.door,
            request_id=caller.request_id,
        )
        site_transitions.start(run, places=_places(run, sites.groups_of(row.pk)))
    return run


def cancel(caller: callers.Caller, *, site_failover_id: object, stop_running: bool = False) -> models.SiteFailover:
    """Begin no further group. What no worker has taken yet is canceled; what is under way comes to its
    end, unless `stop_running`: then it is undone as far as it can be. Groups that moved stay.
    """
    policies.require(caller, "volume:failover_host")
    run = visible.site_failover(site_failover_id)
    if not run.is_open:
        raise errors.WrongState(f"Site failover {run.pk} has ended ({run.state}); there is nothing to cancel.")
    site_transitions.request_cancel(run, actor=caller.user_name)
    open_ones = models.Operation.objects.filter(site_failover=run, state__in=statuses.OPEN)
    for operation in open_ones.order_by("created_at"):
        if not transitions.cancel_queued(operation, actor=caller.user_name) and stop_running:
            transitions.request_cancel(operation, actor=caller.user_name)
    return visible.site_failover(run.pk)


def set_priority(caller: callers.Caller, *, group_id: object, priority: int) -> models.Group:
    """Set when a group has its turn in the failover of its whole site: lower numbers go first."""
    with transaction.atomic():
        group = visible.group(caller, group_id, lock=True)
        policies.require(caller, "group:set_failover_priority")
        if not 0 <= priority <= 1_000_000:
            raise errors.InvalidInput(f"A failover priority is a number from 0 to 1000000, not {priority}.")
        models.Group.objects.filter(pk=group.pk).update(failover_priority=priority, updated_at=clock.now())
    return visible.group(caller, group_id)


def advance(*, site_failover_id: uuid.UUID) -> int:
    """Begin as many groups as may be moved at once, and end the failover when nothing is left; return how
    many were begun.

    Called whenever a group has ended, and from time to time; any number of callers at once do no
    harm. Each turn holds the failover's row, and is one transaction.
    """
    begun = 0
    with structlog.contextvars.bound_contextvars(site_failover_id=str(site_failover_id)):
        while (turn := _turn(site_failover_id)) is not None:
            begun += turn
    return begun


def target_of(backend: models.Backend, wanted: str | None) -> str:
    """Return which side a failover of a backend's site goes to, empty for the primary.

    Raises `WrongState` when there is nowhere to go, `InvalidInput` for an unknown target.
    """
    known = [target.backend_id for target in backend.targets.all()]
    if not known:
        raise errors.WrongState(
            f"No service could be changed: replication_status in ['{backend.host.partition('#')[0]}'] must be"
            f" ['enabled', 'failed-over'] and must be up to failover. Backend {backend.name} has no replication target."
        )
    if wanted == DEFAULT_TARGET:
        return ""
    if not wanted:
        return known[0]
    if wanted not in known:
        raise errors.InvalidInput(
            f"Invalid input received: Invalid replication target: '{wanted}' is not a replication target of backend"
            f" {backend.name}. Valid targets are: {', '.join(known)}, and '{DEFAULT_TARGET}' to fail back."
        )
    return wanted


# What the verbs above share.


@transaction.atomic
def _turn(site_failover_id: uuid.UUID) -> int | None:
    """Do one thing for a site failover; return how many groups it began, None when there is nothing to do now."""
    open_runs = models.SiteFailover.objects.filter(pk=site_failover_id, state__in=statuses.SITE_OPEN)
    run = open_runs.select_for_update().first()
    if run is None:
        return None
    under_way = models.Operation.objects.filter(site_failover=run, state__in=statuses.OPEN).count()
    waiting = run.groups.filter(operation__isnull=True, refusal_code="")
    if run.state == SiteState.RUNNING and under_way < run.concurrency:
        place = _next(run, waiting)
        if place is not None:
            return _begin(run, place)
        if not waiting.exists() and _join_late(run):
            return 0
    if under_way == 0 and not waiting.exists():
        _end(run)
    return None


def _next(run: models.SiteFailover, waiting: db.QuerySet[models.SiteFailoverGroup]) -> models.SiteFailoverGroup | None:
    """Return the group whose turn it is; none that another operation still works on."""
    site_transitions.refuse(waiting.filter(group__isnull=True), code=Left.GONE, why=_WHY_LEFT[Left.GONE])
    open_ones = models.Operation.objects.filter(state__in=statuses.OPEN)
    of_group = open_ones.filter(group_id=db.OuterRef("group_id"))
    of_member = open_ones.filter(volume__group_id=db.OuterRef("group_id"))
    free = waiting.exclude(db.Exists(of_group)).exclude(db.Exists(of_member)).order_by("priority", "id")
    place = free.first()
    if place is None or not run.in_waves:
        return place
    earlier = run.groups.filter(priority__lt=place.priority)
    unended = db.Q(operation__isnull=True, refusal_code="") | db.Q(operation__state__in=statuses.OPEN)
    return None if earlier.filter(unended).exists() else place


def _begin(run: models.SiteFailover, place: models.SiteFailoverGroup) -> int | None:
    """Begin one group, or record why it cannot be; return how many were begun."""
    caller = _asker(run)
    try:
        with transaction.atomic():
            group = visible.group(caller, place.subject_id, lock=True)
            if why := _why_left(run, group):
                site_transitions.refuse(run.groups.filter(pk=place.pk), code=why, why=_WHY_LEFT[Left(why)])
                return 0
            operation = replication.failover(
                caller,
                group_id=place.subject_id,
                secondary_backend_id=run.wanted,
                allow_attached_volume=run.allow_attached_volume,
                mode=_checked_mode(run.mode),
                discard_bytes=run.discard_bytes,
                reason=f"site failover {run.pk}" + (f": {run.reason}" if run.reason else ""),
            )
            site_transitions.begin(place, operation=operation)
    except errors.Busy as error:
        # Somebody was faster; its turn comes when that has ended.
        log.info("site_group_busy", group_id=str(place.subject_id), why=error.message)
        return None
    except errors.ReplsiteError as error:
        log.warning("site_group_refused", group_id=str(place.subject_id), code=error.code, why=error.message)
        site_transitions.refuse(run.groups.filter(pk=place.pk), code=error.code, why=error.message)
        return 0
    except DatabaseError:
        raise
    # A bug met with one group must not keep all others from being moved.
    except Exception:
        incident = secrets.token_hex(4)
        log.exception("bug", incident=incident)
        why = f"A fault in Replsite kept it from being begun (incident {incident}); the log has the details."
        site_transitions.refuse(run.groups.filter(pk=place.pk), code="bug", why=why)
        return 0
    return 1


def _join_late(run: models.SiteFailover) -> bool:
    """Take in groups that became ready, or came to the backend, after the failover had begun; tell whether any did."""
    protected = statuses.MOVES[run.kind].sources
    again = run.groups.filter(refusal_code=Left.UNPROTECTED, group__replication_status__in=protected)
    ready = again.exclude(group__group_type__in=_unreplicated_types()).values_list("pk", flat=True)
    joined = models.SiteFailoverGroup.objects.filter(pk__in=list(ready)).update(
        refusal_code="", refusal="", joined_late=True
    )
    places = [place for place in _places(run, sites.missing(run), late=True) if not place.refusal_code]
    models.SiteFailoverGroup.objects.bulk_create(places)
    return bool(joined or places)


def _unreplicated_types() -> list[uuid.UUID]:
    kinds = models.GroupType.objects.prefetch_related("group_specs")
    return [kind.pk for kind in kinds if not specs.is_replicated(kind.specs)]


def _end(run: models.SiteFailover) -> None:
    counts = sites.totals([run])[run.pk]
    moved = f"{counts.done} of {counts.groups} groups moved, {counts.already_there} were there already"
    left = {
        "failed": counts.failed,
        "could not be begun": counts.refused,
        "were canceled": counts.canceled,
        "are not replicated": counts.unprotected,
        "are gone": counts.gone,
    }
    outcome = "; ".join([moved, *(f"{count} {what}" for what, count in left.items() if count)]) + "."
    if run.state == SiteState.CANCELING:
        state = SiteState.CANCELED
    else:
        state = SiteState.FAILED if counts.failed or counts.refused else SiteState.SUCCEEDED
    site_transitions.end(run, state=state, outcome=outcome)
    log.info("site_failover_ended", state=state, outcome=outcome)


def _places(
    run: models.SiteFailover, groups: Iterable[models.Group], *, late: bool = False
) -> list[models.SiteFailoverGroup]:
    places = []
    for group in groups:
        why = _why_left(run, group)
        places.append(
            models.SiteFailoverGroup(
                site_failover=run,
                group=group,
                subject_id=group.pk,
                subject_name=group.name or "",
                project_id=group.project_id,
                priority=group.failover_priority,
                refusal_code=why,
                refusal=_WHY_LEFT[Left(why)] if why else "",
                joined_late=late,
                consistent_at=group.consistent_at,
                bytes_behind=group.bytes_behind,
            )
        )
    return places


def _why_left(run: models.SiteFailover, group: models.Group) -> str:
    return sites.left(group, is_replicated=specs.is_replicated(group.group_type.specs), target=run.target)


def _asker(run: models.SiteFailover) -> callers.Caller:
    """Return who asked for a site failover, for the verbs it needs."""
    return callers.Caller(
        user_id=run.user_id,
        user_name=run.user_name,
        project_id="",
        roles=frozenset(run.roles),
        request_id=run.request_id,
        door=run.door,
    )


def _refuse_open(backend: models.Backend) -> None:
    run = models.SiteFailover.objects.filter(backend=backend, state__in=statuses.SITE_OPEN).first()
    if run is not None:
        where = f"to '{run.wanted}'"
        raise errors.Busy(
            f"Backend {backend.name} is being failed over already: site failover {run.pk} {where} is {run.state}."
        )


def _checked_mode(mode: str) -> replication.Mode:
    for known in replication.MODES:
        if mode == known:
            return known
    raise errors.InvalidInput(f"'{mode}' is not a mode of failover. Possible: {', '.join(replication.MODES)}.")


def _checked_concurrency(wanted: int | None) -> int:
    if wanted is None:
        return int(settings.REPLSITE.site_failover_concurrency)
    if not 1 <= wanted <= MOST_AT_ONCE:
        raise errors.InvalidInput(f"From 1 to {MOST_AT_ONCE} groups can be moved at once, not {wanted}.")
    return wanted


def _checked_bytes(wanted: int | None) -> int | None:
    if wanted is not None and wanted < 0:
        raise errors.InvalidInput(f"{wanted} bytes cannot be discarded; give 0 or more.")
    return wanted
