"""How long many groups take when all are asked for at once, against the least that is possible."""

from __future__ import annotations

import concurrent.futures
import math
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from bench import figures, filling
from bench.figures import Figure
from bench.measures import operations
from bench.stack import Client, Stack, wait_until
from groups import models

PART = "crowds"
SIZE = 10
_CLIENTS = 8
"""How many clients ask at the same time: one alone would be waited for longer than the work."""
_READERS = {"enable": 1, "failover": 2}
"""How many of the two workers read the queue of a verb."""
_CALLS = {"enable": 2, "failover": 11}
"""How many driver calls a verb makes one after the other: what nothing could do away with is their time."""


def measure(stack: Stack, folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Enable 50 and 500 groups of 10 volumes at once and fail them over at once, driver time 0 and 50 ms."""
    for seconds in (0.0, 0.05):
        site = filling.build(folder, name=f"crowd-{round(seconds * 1000)}", call_seconds=seconds)
        for count in (50,) if quick else (50, 500):
            groups = filling.groups(site, count=count, size=SIZE)
            for verb in ("enable", "failover"):
                yield _crowd(stack, site, groups, verb, call_seconds=seconds)


def _crowd(stack: Stack, site: filling.Site, groups: list[models.Group], verb: str, *, call_seconds: float) -> Figure:
    body, wanted = operations.VERBS[verb]
    clients = [Client(stack.port, token=site.token) for _ in range(_CLIENTS)]
    ids = [group.pk for group in groups]
    rows = models.Group.objects.filter(pk__in=ids)

    def ask(number: int) -> None:
        for pk in ids[number::_CLIENTS]:
            clients[number].post(f"{site.path}/groups/{pk}/action", body)

    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(_CLIENTS) as pool:
        list(pool.map(ask, range(_CLIENTS)))
    asked = time.perf_counter() - began
    wait_until(lambda: rows.filter(replication_status=wanted).count() == len(ids), what=verb, pause=0.05)
    taken = time.perf_counter() - began
    at_once = settings.REPLSITE.worker_concurrency * _READERS[verb]
    least = math.ceil(len(ids) / at_once) * _CALLS[verb] * call_seconds
    return figures.of(
        PART,
        f"{verb} {len(ids)} groups of {SIZE}, driver time {call_seconds * 1000:.0f} ms a call",
        [taken],
        floor=least or None,
        floor_of=f"driver time at {at_once} at once" if least else "",
        note=f"asked within {asked:.2f} s; {len(ids) / taken:.0f} groups/s",
    )
