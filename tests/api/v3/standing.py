"""Groups and volumes that are rows alone: quick to make, in any status, unknown to the storage."""

from __future__ import annotations

import datetime
from typing import Any

from groups import models
from tests.support import domain

EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def add_volumes(site: domain.Site, count: int, **columns: Any) -> list[models.Volume]:
    """Add volumes as rows alone, a second between each two."""
    start = models.Volume.objects.count()
    return models.Volume.objects.bulk_create(
        models.Volume(
            **{
                "project": site.project,
                "user_id": "olga",
                "name": f"v{number:03}",
                "backend": site.backend,
                "volume_type": site.volume_type,
                "size_gib": 1 + number % 3,
                "status": "available",
                "created_at": EPOCH + datetime.timedelta(seconds=number),
                **columns,
            }
        )
        for number in range(start, start + count)
    )


def add_groups(site: domain.Site, count: int, **columns: Any) -> list[models.Group]:
    """Add groups as rows alone, each of one type."""
    made = models.Group.objects.bulk_create(
        models.Group(
            **{
                "project": site.project,
                "user_id": "olga",
                "name": f"g{number:03}",
                "backend": site.backend,
                "group_type": site.group_type,
                "status": "available",
                "created_at": EPOCH + datetime.timedelta(seconds=number),
                **columns,
            }
        )
        for number in range(count)
    )
    models.GroupVolumeType.objects.bulk_create(
        models.GroupVolumeType(group=group, volume_type=site.volume_type) for group in made
    )
    return made


def replicated(site: domain.Site, size: int, *, status: str = "disabled") -> models.Group:
    """Add a group of volumes, all with one replication status."""
    [group] = add_groups(site, 1, replication_status=status)
    add_volumes(site, size, group=group, replication_status=status)
    return group
