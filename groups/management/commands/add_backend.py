"""`manage.py add_backend`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from groups.management import base, options as typed
from groups.services import backends


class Command(base.DoorCommand):
    """Adds a backend with its replication targets."""

    help = "Add a storage system with the places it may replicate to. The first target is the default one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("name", help="what to call it; letters, digits and - _ .")
        parser.add_argument("--driver", required=True, help="which driver speaks to it, for example qemu or fake")
        parser.add_argument(
            "--option", action="append", default=[], metavar="KEY=VALUE", help="an option of the driver; repeatable"
        )
        parser.add_argument(
            "--target",
            action="append",
            default=[],
            metavar="ID[:KEY=VALUE,...]",
            help="a place to replicate to, with its options; repeatable",
        )
        parser.add_argument("--description", default="", help="what people should know of it")

    def run(self, **options: Any) -> None:
        """Add it and show it."""
        added = backends.add(
            self.caller,
            name=options["name"],
            driver=options["driver"],
            options=typed.values(options["option"]),
            targets=typed.targets(options["target"]),
            description=options["description"],
        )
        self.say(f"Backend {added.name} added, driver {added.driver}, known to clients as {added.host}.")
        for key, value in backends.shown_options(added).items():
            self.say(f"  {key} = {value}")
        for position, target in enumerate(added.targets.all()):
            shown = backends.shown_target_options(added, target).items()
            note = " (default)" if position == 0 else ""
            self.say(f"  target {target.backend_id}{note}: {', '.join(f'{k} = {v}' for k, v in shown) or 'no options'}")
