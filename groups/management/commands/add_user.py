"""`manage.py add_user`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from groups import callers, errors
from groups.management import base, passwords
from groups.queries import access
from groups.services import identity


class Command(base.DoorCommand):
    """Gives a user a role in a project; adds the user when new."""

    help = (
        "Add a user with a role in a project; give a known user a role, or another one. "
        "Asks for a new user's password on a terminal. `manage.py changepassword NAME` changes one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("name", help="the user's name")
        parser.add_argument("--project", required=True, metavar="NAME_OR_ID", help="where the role counts")
        parser.add_argument(
            "--role",
            required=True,
            action="append",
            metavar="ROLE",
            help="reader looks, member does everything with the project's groups, admin does everything; "
            "given again for each further role, such as the one of REPLSITE_FAILOVER_ROLE",
        )
        parser.add_argument("--password", help="a new user's password; others on this machine can see it while it runs")

    def run(self, **options: Any) -> None:
        """Add or change, and say which."""
        project = access.project(options["project"])
        name, password = options["name"], options["password"]
        if password is None and not _is_known(name):
            password = passwords.asked(user_name=name)
        own, further = _told_apart(options["role"])
        user, is_new = identity.add_user(
            self.caller, name=name, project=project.pk, role=own, further_roles=further, password=password
        )
        if is_new:
            for weakness in identity.weaknesses(user_name=user.username, password=password or ""):
                self.warn(f"The password is easy to guess: {weakness}")
        self.say(
            f"User {user.username} {'added, ' if is_new else 'is now '}{' and '.join((own, *further))}"
            f" of project {project.name}."
        )


def _told_apart(roles: list[str]) -> tuple[str, list[str]]:
    """Return the highest of our roles, a reader's when there is none, and the further ones."""
    own = [role for role in callers.ROLES if role in roles] or [callers.READER]
    return own[-1], [role for role in dict.fromkeys(roles) if role not in callers.ROLES]


def _is_known(name: str) -> bool:
    try:
        access.user(name)
    except errors.NotFound:
        return False
    return True
