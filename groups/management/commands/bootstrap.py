"""`manage.py bootstrap`."""

from __future__ import annotations

import secrets
import shlex
from typing import Any

from django.conf import settings
from django.core.management import call_command

from groups.management import base
from groups.services import default_types, identity

USER_NAME = "admin"
PROJECT_NAME = "admin"


class Command(base.DoorCommand):
    """Makes an empty site ready; does nothing to one that is."""

    help = (
        "Make the site ready to start: tables, the user admin, a first project, a default volume type. May be run "
        "again at any time. "
        "The password is that of REPLSITE_ADMIN_PASSWORD, the project's id that of REPLSITE_PROJECT_ID, when set."
    )

    def run(self, **options: Any) -> None:
        """Migrate, make what is missing, and say how to log in."""
        call_command("migrate", verbosity=0, interactive=False)
        chosen = settings.REPLSITE.admin_password.get_secret_value()
        password = chosen or secrets.token_urlsafe(15)
        first = identity.set_up(
            self.caller,
            user_name=USER_NAME,
            password=password,
            project_name=PROJECT_NAME,
            project_id=settings.REPLSITE.project_id,
        )
        default_types.set_up()
        self.say("database  ready")
        self.say(f"user      {USER_NAME}, {self._password_said(first, chosen=chosen, password=password)}")
        self.say(f"project   {first.project.name}, id {first.project.pk}")
        self._show_environment(first)

    def _password_said(self, first: identity.First, *, chosen: str, password: str) -> str:
        if not first.user_is_new:
            return f"made earlier, its password unchanged (`manage.py changepassword {USER_NAME}` changes it)"
        if not chosen:
            return f"password {password} (shown only now)"
        for weakness in identity.weaknesses(user_name=USER_NAME, password=chosen):
            self.warn(f"REPLSITE_ADMIN_PASSWORD is easy to guess: {weakness}")
        return "password as in REPLSITE_ADMIN_PASSWORD"

    def _show_environment(self, first: identity.First) -> None:
        address = settings.REPLSITE.public_url or _address(settings.REPLSITE.bind)
        self.say("\nFor the cinder and openstack commands, once the site runs:\n")
        for name, value in (
            ("OS_AUTH_URL", f"{address}/identity/v3"),
            ("OS_USERNAME", USER_NAME),
            ("OS_PROJECT_NAME", first.project.name),
            ("OS_USER_DOMAIN_ID", "default"),
            ("OS_PROJECT_DOMAIN_ID", "default"),
            ("OS_VOLUME_API_VERSION", "3.38"),
        ):
            self.say(f"  export {name}={shlex.quote(value)}")
        self.say("  export OS_PASSWORD=...")


def _address(bind: str) -> str:
    return "http://localhost" if bind.startswith("unix:") else f"http://{bind}"
