"""`manage.py run_drill`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from groups import drills as words, models
from groups.management import base
from groups.services import drills


class Command(base.DoorCommand):
    """Runs a drill plan now."""

    help = "Rehearse a failover of a plan's groups now, whatever its calendar says."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the plan, and what is to be broken on purpose."""
        parser.add_argument("plan", help="the plan's name")
        parser.add_argument("--group", help="only this group, by its id")
        parser.add_argument(
            "--break",
            dest="injections",
            action="append",
            default=[],
            choices=[word.value for word in words.Injection],
            help="break this on purpose; may be given several times",
        )
        parser.add_argument("--reason", default="", help="why, kept with the drill")

    def run(self, **options: Any) -> None:
        """Begin the drills and print one line for each."""
        plan = models.DrillPlan.objects.filter(name=options["plan"]).first()
        if plan is None:
            raise base.Error(f"There is no drill plan '{options['plan']}'.")
        runs = drills.run_now(
            self.caller,
            plan_id=plan.pk,
            group_id=options["group"],
            injections=options["injections"],
            reason=options["reason"],
        )
        for run in runs:
            self.say(f"{run.pk}  {run.group_name}  {run.waiting_for or 'begun'}")
