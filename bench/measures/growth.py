"""What a page costs as the site grows: processor time and statements, first page and deep page."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.test import Client as InProcess
from django.test.utils import CaptureQueriesContext

from bench import figures, filling
from bench.figures import Figure
from groups import models

PART = "growth"
_PAGE = 100
_TIMES = 20


def measure(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Measure pages of lists with 1,000, 10,000 and 100,000 volumes, each against the first of these.

    What counts is the time on the processor, of this process and the database's: filling a site takes minutes, in which
    other work on the machine comes and goes. As that makes the processor itself slower and faster, the same piece of
    work is measured beside each page, and what the page took before is reckoned at the pace of now.
    """
    site = filling.build(folder, name="growth")
    client = InProcess(headers={"X-Auth-Token": site.token, "OpenStack-API-Version": "volume 3.71"})
    small: dict[str, tuple[float, float]] = {}
    held = 0
    settings.ALLOWED_HOSTS = ["*"]
    for total in (10, 1000, 10_000) if quick else (10, 1000, 10_000, 100_000):
        _grow(site, by=total - held)
        held = total
        for what, query in _pages(site, total).items():
            path = f"{site.path}/{query}"
            with CaptureQueriesContext(connection) as captured:
                _get(client, path)
            statements = len(captured)
            _get(client, path)
            paces, seconds = [], []
            for _ in range(_TIMES):
                paces.append(_spent(_work))
                seconds.append(_spent(lambda path=path: _get(client, path)))  # type: ignore[misc]
            pace = statistics.median(paces)
            if total == 1000:
                small[what] = statistics.median(seconds), pace
            took, then = small.get(what, (0.0, pace))
            yield figures.of(
                PART,
                f"{what}, {total:,} volumes",
                seconds,
                floor=took * pace / then if total > 1000 else None,
                floor_of="the same with 1,000 volumes, at this pace" if total > 1000 else "",
                note=f"{statements} statements",
            )


def _spent(work: Callable[[], object]) -> float:
    """Return how long some work keeps the processor busy, here and in the database's process."""
    began = time.process_time() + _database_seconds()
    work()
    return time.process_time() + _database_seconds() - began


def _work() -> object:
    return [{"id": str(uuid.UUID(int=number)), "name": f"volume-{number}"} for number in range(1000)]


def _database_seconds() -> float:
    if connection.vendor != "postgresql":
        return 0.0
    process = connection.connection.info.backend_pid
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def _grow(site: filling.Site, *, by: int) -> None:
    groups = filling.groups(site, count=max(1, by // 20), size=0, on_storage=False)
    made = filling.volumes(site, count=by)
    rows = models.Volume.objects
    for number, group in enumerate(groups):
        rows.filter(pk__in=[row.pk for row in made[number * 20 : number * 20 + 20]]).update(group=group)
    with connection.cursor() as cursor:
        # What PostgreSQL does by itself within a minute or so: until then, what is counted is looked for in the table.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _pages(site: filling.Site, total: int) -> dict[str, str]:
    rows = models.Volume.objects.filter(project=site.project).order_by("-created_at", "-id")
    deep = rows.values_list("pk", flat=True)[total * 9 // 10 : total * 9 // 10 + 1][0]
    group = models.Group.objects.filter(project=site.project).values_list("pk", flat=True)[0]
    limit = f"limit={_PAGE}"
    return {
        "volumes/detail, first page": f"volumes/detail?{limit}",
        "volumes/detail, deep page": f"volumes/detail?{limit}&marker={deep}",
        "volumes/detail by status": f"volumes/detail?{limit}&status=available",
        "volumes/detail by status nobody has": f"volumes/detail?{limit}&status=error",
        "volumes/detail by name": f"volumes/detail?{limit}&name=volume-7",
        "volumes/detail of a group": f"volumes/detail?{limit}&group_id={group}",
        "volumes/detail by name, sorted": f"volumes/detail?{limit}&sort=name:asc",
        "volumes, 1 with count": "volumes?limit=1&with_count=true",
        "groups/detail with volumes": f"groups/detail?{limit}&list_volume=true",
        "groups, first page": f"groups?{limit}",
    }


def _get(client: InProcess, path: str) -> None:
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.content!r}")
