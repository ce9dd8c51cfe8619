"""How much memory each process holds, before and after many operations."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bench import figures, filling
from bench.figures import Figure
from bench.measures import operations
from bench.stack import Client, Stack, wait_until
from groups import models, statuses

PART = "memory"
_GROUPS = 50


def measure(stack: Stack, site: filling.Site, *, quick: bool) -> Iterator[Figure]:
    """Run operations on some groups, round after round, and tell what each process holds before and after.

    The first tenth does not count: until then pools and caches fill.
    """
    wanted = 500 if quick else 10_000
    groups = [group.pk for group in filling.groups(site, count=_GROUPS, size=1)]
    client = Client(stack.port, token=site.token)
    rounds = math.ceil(wanted / _GROUPS)
    before: dict[str, float] = {}
    for number in range(rounds):
        verb = "enable" if number % 2 == 0 else "disable"
        body, status = operations.VERBS[verb]
        for pk in groups:
            client.post(f"{site.path}/groups/{pk}/action", body)
        rows = models.Group.objects.filter(pk__in=groups, replication_status=status)
        wait_until(lambda rows=rows: rows.count() == _GROUPS, what=verb)  # type: ignore[misc]
        if number == rounds // 10:
            before = stack.memory()
    done = models.Operation.objects.filter(state=statuses.OperationState.SUCCEEDED).count()
    for name, after in stack.memory().items():
        yield figures.of(
            PART,
            f"{name}, after {rounds * _GROUPS:,} operations",
            [after],
            unit="MiB",
            floor=before[name],
            floor_of="after a tenth of them",
            note=f"{done:,} operations in the database",
        )
