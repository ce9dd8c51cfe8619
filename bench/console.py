"""Measures the console's main pages on a small site and on one of 5,000 groups and 100,000 volumes.

`python -m bench.console` fills a site of its own, in the database that the environment names or the
embedded one, and asks the pages in this process: what the browser and the way to it take is left
out. The floor of each page is the same page while the site has 50 groups. What needs Django is
imported once the environment says which site it is.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench import figures
from bench.figures import Figure

SMALL, LARGE = 50, 5_000
_VOLUMES_EACH = 20
_SIDES = ("", "site-b")
_AT_ONCE = 1000


def measured(folder: Path, *, groups: int, times: int) -> Iterator[Figure]:
    """Yield the time of each page on the large site, held against the small one, and its statements."""
    from bench import filling

    site = filling.build(folder)
    _fill(site, count=SMALL)
    floors = _timed(times=times)
    _fill(site, count=groups - SMALL)
    for (page, found), floor in zip(_timed(times=times).items(), floors.values(), strict=True):
        seconds, statements = found
        yield figures.of(
            "console",
            f"{page}, {groups:,} groups and {groups * _VOLUMES_EACH:,} volumes",
            seconds,
            floor=sorted(floor[0])[len(floor[0]) // 2],
            floor_of=f"{SMALL} groups",
            note=f"{statements} statements, {floor[1]} with {SMALL} groups",
        )


def _timed(*, times: int) -> Mapping[str, tuple[list[float], int]]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from groups import models

    browser = Client(headers={"host": "127.0.0.1"})
    browser.force_login(User.objects.get())
    listing = reverse("admin:groups_group_changelist")
    one = models.Group.objects.order_by("created_at").first()
    pages = {
        "overview": reverse("admin:index"),
        "list of groups": listing,
        "list of groups, searched and filtered": f"{listing}?protection=at_risk&q=group-4",
        "list of volumes": reverse("admin:groups_volume_changelist"),
        "a group": reverse("admin:groups_group_change", args=(one.pk if one else "",)),
    }

    def ask(address: str) -> None:
        answer = browser.get(address)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}")

    found = {}
    for page, address in pages.items():
        seconds = figures.repeated(functools.partial(ask, address), times=times)
        with CaptureQueriesContext(connection) as statements:
            ask(address)
        found[page] = (seconds, len(statements))
    return found


def _fill(site: object, *, count: int) -> None:
    """Add protected groups, each with a lag of its own and one in twenty of them late."""
    from django.utils import timezone

    from bench import filling
    from groups import models

    made = filling.groups(site, count=count, size=_VOLUMES_EACH, on_storage=False)  # type: ignore[arg-type]
    now = timezone.now()
    for number, group in enumerate(made):
        group.replication_status, group.health, group.observed_at = "enabled", "healthy", now
        group.consistent_at = now - datetime.timedelta(seconds=number % 40 if number % 20 else 4_000)
    columns = ("replication_status", "health", "observed_at", "consistent_at")
    models.Group.objects.bulk_update(made, columns, batch_size=200)
    models.Volume.objects.filter(group__in=models.Group.objects.all()).update(replication_status="enabled")
    models.SideObservation.objects.bulk_create(
        (
            models.SideObservation(group=group, backend_id=side, reachable=True, observed_at=now, consistent_at=now)
            for group in made
            for side in _SIDES
        ),
        batch_size=_AT_ONCE,
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.console", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--groups", type=int, default=LARGE, help=f"how many groups the large site has ({LARGE})")
    parser.add_argument("--times", type=int, default=9, help="how often each page is asked (9)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replsite-bench-") as folder:
        os.environ["REPLSITE_STATE_DIR"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "replsite.settings")
        found = list(measured(Path(folder), groups=given.groups, times=given.times))
    sys.stdout.write(f"{figures.table(found)}\n")


if __name__ == "__main__":
    main()
