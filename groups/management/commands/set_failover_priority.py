"""`manage.py set_failover_priority`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from groups.management import base
from groups.services import sites


class Command(base.DoorCommand):
    """Sets when a group has its turn in the failover of its site."""

    help = "Set when a group has its turn in the failover of its whole site: lower numbers go first, 100 is usual."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("group", help="the group's id")
        parser.add_argument("priority", type=int, help="a number from 0 to 1000000")

    def run(self, **options: Any) -> None:
        """Set it."""
        row = sites.set_priority(self.caller, group_id=options["group"], priority=options["priority"])
        self.say(f"Group {row} has failover priority {row.failover_priority}.")
