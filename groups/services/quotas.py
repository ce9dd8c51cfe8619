"""Quotas: set limits, and refuse what would go beyond them."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping

from django.db import transaction

from groups import callers, clock, errors, models
from groups.models.quotas import CLASS, PROJECT, UNLIMITED
from groups.queries import quotas
from groups.queries.quotas import Amount
from groups.services import auditing, policies

LARGEST = 2**31 - 1


def require(project_id: str, *amounts: Amount) -> None:
    """Raise `OverQuota` when a project may not have so much more.

    Call it inside the transaction that adds it, before it is added. Callers at once wait for each
    other here, each seeing what the one before has added, so that no limit is overshot.
    """
    limits = quotas.set_limits(project_id)
    _check_each(amounts, limits)
    _require(project_id, sum((amount.counted() for amount in amounts), Counter[str]()), limits)


def require_growth(volume: models.Volume, *, gigabytes: int) -> None:
    """Raise `OverQuota` when a volume may not grow by so much; call it as `require`."""
    limits = quotas.set_limits(volume.project_id)
    _check_each([Amount(volumes=1, gigabytes=volume.size_gib + gigabytes)], limits)
    more = Amount(gigabytes=gigabytes, volume_type=volume.volume_type.name)
    _require(volume.project_id, more.counted(), limits)


def require_type(volume: models.Volume, *, kind: models.VolumeType) -> None:
    """Raise `OverQuota` when a project may not have a volume as one of another type; call it as `require`."""
    as_new = Amount(volumes=1, gigabytes=volume.size_gib, volume_type=kind.name).counted()
    of_type = Counter({name: more for name, more in as_new.items() if name.endswith(f"_{kind.name}")})
    _require(volume.project_id, of_type, quotas.set_limits(volume.project_id))


def of_volumes(volumes: Iterable[models.Volume | models.Snapshot]) -> list[Amount]:
    """Return what new volumes take that are as large as these, and of their types."""
    return [Amount(volumes=len(sizes), gigabytes=sum(sizes), volume_type=kind) for kind, sizes in _by_type(volumes)]


def of_snapshots(volumes: Iterable[models.Volume | models.Snapshot]) -> list[Amount]:
    """Return what new snapshots of these volumes take, or such snapshots as these."""
    return [Amount(snapshots=len(sizes), gigabytes=sum(sizes), volume_type=kind) for kind, sizes in _by_type(volumes)]


def _by_type(rows: Iterable[models.Volume | models.Snapshot]) -> list[tuple[str, list[int]]]:
    sizes: dict[uuid.UUID, list[int]] = {}
    for row in rows:
        volume = row.volume if isinstance(row, models.Snapshot) else row
        sizes.setdefault(volume.volume_type_id, []).append(row.size_gib)
    names = dict(models.VolumeType.objects.filter(pk__in=sizes).values_list("pk", "name"))
    return [(names[kind], found) for kind, found in sizes.items()]


def _require(project_id: str, wanted: Counter[str], limits: Mapping[str, int]) -> None:
    concerned = {name: limits[name] for name, more in wanted.items() if more > 0 and name in limits}
    if not concerned:
        return
    # Not in the way of those that only refer to the project.
    models.Project.objects.select_for_update(no_key=True).get(pk=project_id)
    used = quotas.in_use(project_id)
    for name, limit in sorted(concerned.items()):
        if used[name] + wanted[name] > limit:
            raise errors.OverQuota(_sentence(name, wanted=wanted[name], limit=limit, used=used[name]))


def set_for_project(caller: callers.Caller, *, project_id: str, limits: Mapping[str, int]) -> dict[str, int]:
    """Set limits of a project; return all that hold for it then."""
    policies.require(caller, "volume_extension:quotas:update")
    _set(caller, scope=PROJECT, owner=project_id, limits=limits)
    return quotas.limits(project_id)


def set_for_class(caller: callers.Caller, *, name: str, limits: Mapping[str, int]) -> dict[str, int]:
    """Set limits of a quota class; return all of it."""
    policies.require(caller, "volume_extension:quota_classes:update")
    _set(caller, scope=CLASS, owner=name, limits=limits)
    return quotas.of_class(name)


def forget(caller: callers.Caller, *, project_id: str) -> None:
    """Give a project the default limits again."""
    policies.require(caller, "volume_extension:quotas:delete")
    with transaction.atomic():
        models.QuotaLimit.objects.filter(scope=PROJECT, owner=project_id).delete()
        _note(caller, "quota:forget", scope=PROJECT, owner=project_id)


def _set(caller: callers.Caller, *, scope: str, owner: str, limits: Mapping[str, int]) -> None:
    if len(owner) > 255:
        raise errors.InvalidInput("Invalid input received: an id or a name has at most 255 characters.")
    unknown = sorted(set(limits) - set(quotas.resources()))
    if unknown:
        raise errors.InvalidInput(f"Invalid input received: Bad key(s) in quota set: {', '.join(unknown)}")
    for resource, limit in limits.items():
        if limit < UNLIMITED:
            raise errors.InvalidInput(f"Invalid input received: {resource} must be >= {UNLIMITED}")
        if limit > LARGEST:
            raise errors.InvalidInput(f"Invalid input received: {resource} must be <= {LARGEST}")
    now = clock.now()
    with transaction.atomic():
        models.QuotaLimit.objects.bulk_create(
            [
                models.QuotaLimit(scope=scope, owner=owner, resource=resource, limit=limit, updated_at=now)
                for resource, limit in limits.items()
            ],
            update_conflicts=True,
            unique_fields=["scope", "owner", "resource"],
            update_fields=["limit", "updated_at"],
        )
        detail = ", ".join(f"{resource}: {limit}" for resource, limit in sorted(limits.items()))
        _note(caller, "quota:set", scope=scope, owner=owner, detail=detail)


def _note(caller: callers.Caller, action: str, *, scope: str, owner: str, detail: str = "") -> None:
    subject = models.QuotaLimit(scope=scope, owner=owner)
    auditing.note(caller, action=action, subject=subject, name=f"{scope} {owner}", detail=detail)


def _check_each(amounts: Iterable[Amount], limits: Mapping[str, int]) -> None:
    most = limits.get(quotas.PER_VOLUME, UNLIMITED)
    for amount in amounts:
        if amount.volumes and most != UNLIMITED and amount.gigabytes > most * amount.volumes:
            raise errors.OverQuota(
                f"VolumeSizeExceedsLimit: Requested volume size {amount.gigabytes}G is larger than maximum allowed"
                f" limit {most}G."
            )


def _sentence(name: str, *, wanted: int, limit: int, used: int) -> str:
    match name.partition("_")[0]:
        case "volumes":
            return f"VolumeLimitExceeded: Maximum number of volumes allowed ({limit}) exceeded for quota '{name}'."
        case "snapshots":
            return f"SnapshotLimitExceeded: Maximum number of snapshots allowed ({limit}) exceeded for quota '{name}'."
        case "gigabytes":
            return (
                f"VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed {name} quota. Requested"
                f" {wanted}G, quota is {limit}G and {used}G has been consumed."
            )
    return f"GroupLimitExceeded: Maximum number of groups allowed ({limit}) exceeded for quota '{name}'."
