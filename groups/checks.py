"""Start-up checks: each has an id and a hint, and stops the process that would otherwise fail later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks

from drivers import registry


@checks.register
def every_driver_loads(app_configs: Sequence[AppConfig] | None, **options: Any) -> list[checks.CheckMessage]:
    """Refuse to start with a driver that is named but broken."""
    problems: list[checks.CheckMessage] = []
    for kind in registry.paths():
        try:
            registry.load(kind)
        except registry.BrokenDriver as error:
            problems.append(
                checks.Error(
                    str(error),
                    hint="Mend or uninstall the package that brings this driver.",
                    id="groups.E001",
                )
            )
    return problems
