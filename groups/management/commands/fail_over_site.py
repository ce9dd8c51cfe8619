"""`manage.py fail_over_site`."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from groups import models
from groups.management import base
from groups.queries import sites as found, visible
from groups.services import replication, sites
from groups.statuses import SiteState

_LOOK_SECONDS = 1.0


class Command(base.DoorCommand):
    """Fails every replicated group of a backend over, or back."""

    help = (
        "Fail every replicated group of a backend over to a target, or back to the primary with --to default. "
        "Asked for again it moves only what is not there yet."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("backend", help="the backend whose site is left, or returned to")
        parser.add_argument("--to", metavar="TARGET", help="where to; without it the backend's default target")
        parser.add_argument("--mode", choices=replication.MODES, default="auto", help="auto: planned if it answers")
        parser.add_argument("--concurrency", type=int, metavar="N", help="how many groups are moved at once")
        parser.add_argument("--waves", action="store_true", help="a priority waits for the ones before it to end")
        parser.add_argument("--refuse-attached", action="store_true", help="leave groups with attached volumes alone")
        parser.add_argument("--discard-bytes", type=int, metavar="N", help="the most a failback may discard in a group")
        parser.add_argument("--reason", default="", help="kept with each group's events")
        parser.add_argument("--look", action="store_true", help="change nothing: show what would be moved and lost")
        parser.add_argument("--wait", action="store_true", help="wait for the end; fail unless every group moved")
        parser.add_argument("--cancel", action="store_true", help="stop the one that is open: no further group begins")

    def run(self, **options: Any) -> None:
        """Do what is asked."""
        if options["look"]:
            self._look(options["backend"], options["to"])
            return
        run = self._canceled(options["backend"]) if options["cancel"] else self._started(options)
        self.say(f"Site failover {run.pk} of {run.backend_name} to '{run.wanted}' is {run.state}.")
        if options["wait"]:
            self._wait(run)

    def _started(self, options: dict[str, Any]) -> models.SiteFailover:
        return sites.start(
            self.caller,
            backend=options["backend"],
            secondary_backend_id=options["to"],
            mode=options["mode"],
            concurrency=options["concurrency"],
            in_waves=options["waves"],
            allow_attached_volume=not options["refuse_attached"],
            discard_bytes=options["discard_bytes"],
            reason=options["reason"],
        )

    def _canceled(self, backend: str) -> models.SiteFailover:
        newest = found.runs(backend_id=visible.backend_called(backend).pk).first()
        if newest is None or not newest.is_open:
            raise CommandError(f"No site failover of backend {backend} is open.")
        return sites.cancel(self.caller, site_failover_id=newest.pk)

    def _look(self, backend: str, to: str | None) -> None:
        row = visible.backend_called(backend)
        listed = found.outlook(row, target=sites.target_of(row, to))
        self.table(
            ("PRIORITY", "GROUP", "STATUS", "ACTIVE ON", "VOLUMES", "LAG", "BYTES BEHIND", "WOULD"),
            [
                (
                    str(each.group.failover_priority),
                    str(each.group),
                    each.group.replication_status,
                    each.group.active_backend_id or "primary",
                    str(each.standing.size),
                    "unknown" if each.lag_seconds is None else f"{each.lag_seconds:.0f} s",
                    "unknown" if each.bytes_behind is None else str(each.bytes_behind),
                    each.left or (f"be refused: {each.why_not}" if each.why_not else "be moved"),
                )
                for each in listed
            ],
        )

    def _wait(self, run: models.SiteFailover) -> None:
        said = ""
        while run.is_open:
            counts = found.totals([run])[run.pk]
            line = f"{counts.queued} queued, {counts.running} running, {counts.done} done, {counts.failed} failed"
            if line != said:
                self.say(line)
                said = line
            time.sleep(_LOOK_SECONDS)
            run.refresh_from_db()
        self.say(run.outcome)
        for place in found.places(run):
            word = found.state_of(place)
            if word not in ("succeeded", "already-there"):
                why = place.refusal or (place.operation.error if place.operation else "")
                self.warn(f"  {place}: {word}: {why}")
        if run.state != SiteState.SUCCEEDED:
            raise CommandError(f"Site failover {run.pk} is {run.state}.")
