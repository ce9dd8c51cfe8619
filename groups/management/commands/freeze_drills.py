"""`manage.py freeze_drills`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from groups.management import base
from groups.services import drills


class Command(base.DoorCommand):
    """Lets no drill begin."""

    help = "Let no drill of any plan begin from now on, or let them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take whether to lift it."""
        parser.add_argument("--lift", action="store_true", help="let drills begin again")

    def run(self, **options: Any) -> None:
        """Freeze or thaw every plan."""
        count = drills.freeze_all(self.caller, frozen=not options["lift"])
        self.say(f"{count} plan(s) {'may begin drills again' if options['lift'] else 'are frozen now'}.")
