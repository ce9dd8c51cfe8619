"""Quotas: what a project may have, and what it has.

What is in use is counted from the rows themselves, so that it cannot drift.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping

from django.conf import settings
from django.db import models as db

from groups import models
from groups.models.quotas import CLASS, DEFAULT_CLASS, PROJECT, UNLIMITED

PER_VOLUME = "per_volume_gigabytes"
PLAIN = ("volumes", "snapshots", "gigabytes", PER_VOLUME, "backups", "backup_gigabytes", "groups")
"""What may be limited in a project."""
PER_TYPE = ("volumes", "gigabytes", "snapshots")
"""What may be limited besides for each volume type, as `volumes_TYPE`."""

Limits = Mapping[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Amount:
    """So much of something: volumes or snapshots of one type, with their size, or groups."""

    volumes: int = 0
    snapshots: int = 0
    gigabytes: int = 0
    groups: int = 0
    volume_type: str = ""

    def counted(self) -> Counter[str]:
        """Return it by resource, those of its type included."""
        found = Counter({name: getattr(self, name) for name in ("volumes", "snapshots", "gigabytes", "groups")})
        if self.volume_type:
            found.update({f"{name}_{self.volume_type}": found[name] for name in PER_TYPE})
        return found


def resources() -> list[str]:
    """Return the names of all that may be limited."""
    types = models.VolumeType.objects.order_by("name").values_list("name", flat=True)
    return [*PLAIN, *(f"{name}_{kind}" for kind in types for name in PER_TYPE)]


def limits(project_id: str) -> dict[str, int]:
    """Return all limits that hold for a project: its own, else the default class's, else the site's."""
    return _complete({**_set(CLASS, DEFAULT_CLASS), **_set(PROJECT, project_id)})


def defaults() -> dict[str, int]:
    """Return the limits of a project that has none of its own."""
    return of_class(DEFAULT_CLASS)


def of_class(name: str) -> dict[str, int]:
    """Return the limits of a quota class. Only those of the default class hold for anybody."""
    return _complete(_set(CLASS, name))


def set_limits(project_id: str) -> dict[str, int]:
    """Return those limits of a project that somebody set, its own or the default class's or the site's: in one
    statement, for whoever wants to know whether there are any at all."""
    rows = models.QuotaLimit.objects.filter(_own(project_id) | _default()).order_by("scope")
    found: dict[str, int] = dict(settings.REPLSITE.quota_defaults)
    # Classes come before projects.
    found.update(rows.values_list("resource", "limit"))
    return {resource: limit for resource, limit in found.items() if limit != UNLIMITED}


def in_use(project_id: str) -> Counter[str]:
    """Count what a project has, in three statements."""
    found: Counter[str] = Counter(groups=models.Group.objects.filter(project_id=project_id).count())
    volumes = models.Volume.objects.filter(project_id=project_id).order_by().values_list("volume_type__name")
    for kind, count, size in volumes.annotate(count=db.Count("pk"), size=db.Sum("size_gib")):
        found.update(Amount(volumes=count, gigabytes=size, volume_type=kind).counted())
    snapshots = models.Snapshot.objects.filter(project_id=project_id).order_by()
    by_type = snapshots.values_list("volume__volume_type__name")
    for kind, count, size in by_type.annotate(count=db.Count("pk"), size=db.Sum("size_gib")):
        found.update(Amount(snapshots=count, gigabytes=size, volume_type=kind).counted())
    return found


def _own(project_id: str) -> db.Q:
    return db.Q(scope=PROJECT, owner=project_id)


def _default() -> db.Q:
    return db.Q(scope=CLASS, owner=DEFAULT_CLASS)


def _set(scope: str, owner: str) -> dict[str, int]:
    return dict(models.QuotaLimit.objects.filter(scope=scope, owner=owner).values_list("resource", "limit"))


def _complete(found: Mapping[str, int]) -> dict[str, int]:
    site = settings.REPLSITE.quota_defaults
    return {name: found.get(name, site.get(name, UNLIMITED)) for name in resources()}
