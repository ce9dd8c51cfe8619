"""`manage.py list_backends`."""

from __future__ import annotations

from typing import Any

from groups import models
from groups.management import base


class Command(base.DoorCommand):
    """Lists the backends."""

    help = "List the storage systems with their drivers and replication targets."

    def run(self, **options: Any) -> None:
        """Print one line for each."""
        rows = models.Backend.objects.prefetch_related("targets")
        if not rows:
            self.say("There is no backend yet. Add one with `manage.py add_backend`.")
            return
        self.table(
            ("NAME", "DRIVER", "STATE", "TARGETS"),
            [
                (
                    row.name,
                    row.driver,
                    "enabled" if row.enabled else "disabled",
                    ", ".join(target.backend_id for target in row.targets.all()) or "none",
                )
                for row in rows
            ],
        )
