"""How long operations take, from the request to the final status seen by the client, driver time 0."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import connection

from bench import empty, figures, filling, floors
from bench.figures import Figure
from bench.stack import PATIENCE_SECONDS, Client, Stack
from groups import models

PART = "operations"
_LOOK_SECONDS = 0.001
_LOOK_ANYWAY_SECONDS = 0.1
VERBS: dict[str, tuple[dict[str, Any], str]] = {
    "enable": ({"enable_replication": {}}, "enabled"),
    "failover": ({"failover_replication": {"secondary_backend_id": "site-b"}}, "failed-over"),
    "failback": ({"failover_replication": {"secondary_backend_id": "default"}}, "enabled"),
    "disable": ({"disable_replication": {}}, "disabled"),
}


def measure(stack: Stack, site: filling.Site, folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Measure each verb on groups of 1 to 1,000 volumes, against an empty task and the update of as many rows."""
    client = Client(stack.port, token=site.token)
    trip = statistics.median(floors.round_trip(folder, times=20 if quick else 100))
    yield figures.of(PART, "an empty Celery task, there and back", [trip])
    if empty.KEEPS_RESULTS:
        seconds = floors.result_round_trip(times=20 if quick else 100)
        yield figures.of(PART, "an empty Celery task, delay().get() with Redis for its result", seconds)
    sizes = (1, 10, 100) if quick else (1, 10, 100, 500, 1000)
    alone: dict[str, float] = {}
    for size in sizes:
        (group,) = filling.groups(site, count=1, size=size)
        path = f"{site.path}/groups/{group.pk}"
        taken: dict[str, list[float]] = {verb: [] for verb in VERBS}
        beside: dict[str, list[float]] = {verb: [] for verb in VERBS}
        for _ in range(3 if quick else 7):
            for verb in VERBS:
                site.storage.forget_log()
                taken[verb].append(run(stack, client, path, verb))
                beside[verb].append(taken[verb][-1] - _in_storage(site, group))
        rows = statistics.median(floors.row_updates(size, times=10))
        for verb in VERBS:
            alone.setdefault(verb, statistics.median(beside[verb]))
            floor = trip if size == 1 else 3 * alone[verb] + 4 * rows
            floor_of = "an empty task" if size == 1 else "3 x that of 1 volume + 4 x UPDATE of as many rows"
            yield figures.of(PART, f"{verb}, {size} volumes", taken[verb])
            what = f"{verb}, {size} volumes, without the storage's own time"
            yield figures.of(PART, what, beside[verb], floor=floor, floor_of=floor_of)


def _in_storage(site: filling.Site, group: models.Group) -> float:
    """Return how many seconds the storage worked for a group since its log was forgotten.

    The fake storage keeps a row for each copy: what is asked of it for a thousand takes its time, waits or not.
    """
    return sum(
        (call.ended_at or call.started_at) - call.started_at for call in site.storage.log(group_id=str(group.pk))
    )


def run(stack: Stack, client: Client, path: str, verb: str) -> float:
    """Ask for a verb and look until its status is there; return the seconds."""
    began, ended = timed(stack, client, path, verb)
    return ended - began


def timed(stack: Stack, client: Client, path: str, verb: str) -> tuple[float, float]:
    """Do the same; return when it began and when it was over.

    The database is asked for the status when a worker has said something, as asking all the time would take the
    processor from the work that is waited for: a fifth of a core. The client is asked for it once, at the end, as it
    counts.
    """
    body, wanted = VERBS[verb]
    began = time.perf_counter()
    client.post(f"{path}/action", body)
    heard = stack.spoken()
    while (status := _recorded(path)) != wanted:
        if "error" in status or time.perf_counter() - began > PATIENCE_SECONDS:
            raise RuntimeError(f"{verb} of {path}: {status}")
        heard = _news(stack, since=heard)
    if (status := _shown(client, path)) != wanted:
        raise RuntimeError(f"{verb} of {path}: recorded as {wanted}, shown as {status}")
    return began, time.perf_counter()


def _news(stack: Stack, *, since: int) -> int:
    end = time.perf_counter() + _LOOK_ANYWAY_SECONDS
    while (heard := stack.spoken()) == since and time.perf_counter() < end:
        time.sleep(_LOOK_SECONDS)
    return heard


def _recorded(path: str) -> str:
    with connection.cursor() as cursor:
        key = models.Group._meta.pk.get_db_prep_value(path.rpartition("/")[2], connection)  # noqa: SLF001 - documented
        cursor.execute("SELECT replication_status FROM groups_group WHERE id = %s", [key])
        return str(cursor.fetchone()[0])


def _shown(client: Client, path: str) -> str:
    status: str = json.loads(client.get(path)[1])["group"]["replication_status"]
    return status
