"""`manage.py add_project`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from groups.management import base
from groups.services import identity


class Command(base.DoorCommand):
    """Adds a project."""

    help = "Add a project: what groups and volumes belong to, and what users have roles in."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("name", help="what to call it")
        parser.add_argument("--id", default="", metavar="HEX", help="its id, 32 hexadecimal digits; made when left out")
        parser.add_argument("--description", default="", help="what people should know of it")

    def run(self, **options: Any) -> None:
        """Add it and say its id."""
        added = identity.add_project(
            self.caller, name=options["name"], project_id=options["id"], description=options["description"]
        )
        self.say(f"Project {added.name} added, id {added.pk}.")
