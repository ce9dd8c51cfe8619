"""Who serves what, as Cinder's clients list it: one service for each backend, and the one that wakes the others."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable

from django.conf import settings
from django.db import models as db

from groups import clock, findings, models, queues
from groups.queries import sites, watching

HOST = "replsite"
SCHEDULER = "cinder-scheduler"
VOLUME = "cinder-volume"
_LATE_TICKS = 3
_LEAST_LATE_SECONDS = 15.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Service:
    """One service."""

    binary: str
    host: str
    is_up: bool
    """Whether somebody lives who does its work: read from the signs of life of workers, and of the sweep tick."""
    updated_at: datetime.datetime | None
    site: sites.Site | None = None
    """The backend that it serves; None for the one that wakes the others."""
    backend_is_usable: bool = True
    """Whether the last look found that its driver can be used."""

    @property
    def is_enabled(self) -> bool:
        """Tell whether it takes new groups and volumes."""
        return self.site is None or self.site.backend.enabled


def host_of(backend: models.Backend) -> str:
    """Return the name clients see of a backend without its pool."""
    return backend.host.partition("#")[0]


def listed() -> list[Service]:
    """Return all services, in a number of statements that does not depend on how many there are."""
    pulses = list(models.Pulse.objects.all())
    backends = list(models.Backend.objects.prefetch_related("targets").order_by("name"))
    unusable = models.Finding.objects.filter(code=findings.Code.BACKEND_UNUSABLE, closed_at__isnull=True)
    broken = set(unusable.values_list("backend_id", flat=True))
    now = clock.now()
    is_up, seen_at = _workers(now, pulses)
    return [
        _scheduler(now, pulses),
        *(
            Service(
                binary=VOLUME,
                host=host_of(site.backend),
                is_up=is_up,
                updated_at=seen_at,
                site=site,
                backend_is_usable=site.backend.pk not in broken,
            )
            for site in sites.sites(backends)
        ),
    ]


def _scheduler(now: datetime.datetime, pulses: Iterable[models.Pulse]) -> Service:
    at = next((pulse.seen_at for pulse in pulses if pulse.kind == "tick" and pulse.name == "sweep"), None)
    late = max(_LATE_TICKS * settings.REPLSITE.sweep_seconds, _LEAST_LATE_SECONDS)
    is_up = at is not None and (now - at).total_seconds() <= late
    return Service(binary=SCHEDULER, host=HOST, is_up=is_up, updated_at=at)


def _workers(now: datetime.datetime, pulses: Iterable[models.Pulse]) -> tuple[bool, datetime.datetime | None]:
    """Tell whether every queue that operations come by is read by somebody alive, and when one was seen last."""
    workers = [pulse for pulse in pulses if pulse.kind == "worker"]
    alive = [each for each in workers if (now - each.seen_at).total_seconds() <= watching.silent_seconds()]
    is_up = all(any(queue in each.queues for each in alive) for queue in (queues.FAILOVER, queues.REPLICATION))
    return is_up, max((each.seen_at for each in workers), default=None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Held:
    """What of a project, or of all together, is on a host."""

    project_id: str
    """Empty for all together."""
    volumes: int
    volume_gib: int
    snapshots: int
    snapshot_gib: int


def held(backend: models.Backend) -> list[Held]:
    """Return what a backend holds, all together first, then by project; two statements."""
    volumes, snapshots = _sizes(models.Volume, backend), _sizes(models.Snapshot, backend)
    found = [
        Held(
            project_id=project_id,
            volumes=volumes.get(project_id, (0, 0))[0],
            volume_gib=volumes.get(project_id, (0, 0))[1],
            snapshots=snapshots.get(project_id, (0, 0))[0],
            snapshot_gib=snapshots.get(project_id, (0, 0))[1],
        )
        for project_id in sorted({*volumes, *snapshots})
    ]
    columns = ("volumes", "volume_gib", "snapshots", "snapshot_gib")
    return [Held(project_id="", **{name: sum(getattr(each, name) for each in found) for name in columns}), *found]


def _sizes(model: type[models.Volume | models.Snapshot], backend: models.Backend) -> dict[str, tuple[int, int]]:
    rows = model.objects.filter(backend=backend).order_by().values_list("project_id")
    return {row[0]: (row[1], row[2]) for row in rows.annotate(count=db.Count("pk"), size=db.Sum("size_gib"))}
