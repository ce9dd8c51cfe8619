"""`manage.py create_token`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from groups.management import base
from groups.queries import access
from groups.services import tokens


class Command(base.DoorCommand):
    """Gives out a token for a user."""

    help = "Print a token for a user, good for REPLSITE_TOKEN_HOURS, for scripts that should not know a password."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("user", help="the user's name")
        parser.add_argument("--project", metavar="NAME_OR_ID", help="for which project; the user's first when left out")

    def run(self, **options: Any) -> None:
        """Print the token."""
        user = access.user(options["user"])
        granted = access.chosen(user, options["project"]) if options["project"] else access.first(user)
        caller = granted.caller(door="command")
        issued = tokens.issue(granted, methods=("command",))
        self.say(issued.text)
        # Written beside the answer, so that a script can take the token alone.
        self.stderr.write(
            f"For {caller.user_name} in project {granted.project}, until {issued.row.expires_at:%Y-%m-%d %H:%M} UTC.",
            style_func=str,
        )
