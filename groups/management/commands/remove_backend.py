"""`manage.py remove_backend`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from groups.management import base
from groups.services import backends


class Command(base.DoorCommand):
    """Removes a backend that holds nothing."""

    help = "Remove a storage system that holds no group and no volume. Nothing on the storage itself is touched."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("name", help="the backend's name")

    def run(self, **options: Any) -> None:
        """Remove it."""
        backends.remove(self.caller, name=options["name"])
        self.say(f"Backend {options['name']} removed.")
