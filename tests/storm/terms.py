"""The stormed site's settings, and what follows from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Self

QUICK: Mapping[str, str] = {
    "lease_seconds": "5",
    "heartbeat_seconds": "1",
    "sweep_seconds": "1",
    "redispatch_seconds": "2",
    "observe_seconds": "5",
    "rounds_tick_seconds": "1",
    "driver_deadline_seconds": "8",
    "retry_limit": "4",
    "retry_base_seconds": "0.3",
    "retry_max_seconds": "3",
    "worker_concurrency": "4",
}
"""Those of a real site, but everything sooner."""
MANY_GROUPS = 50
SELDOM: Mapping[str, str] = {"observe_seconds": "30"}
"""What is done less often where there are many groups to look at."""
_RECONNECT_SECONDS = 4.0
"""How long Celery pauses at most before it tries a broker again that was away for some seconds."""
_GRACE_SECONDS = 2.0
_START_SECONDS = 30.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timing:
    """How long things may take at a site with certain settings."""

    lease_seconds: float
    rest_seconds: float
    """How long after the last harm everything has to be at rest: by leases, retries and deadlines alone."""
    recovery_seconds: float
    """How long after an outage messages that were lost have been sent again."""
    look_seconds: float
    """How long until the observe tick has been round once more."""

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Self:
        """Return what follows from settings, named without their prefix."""
        number = {name: float(settings[name]) for name in QUICK}
        attempts = int(number["retry_limit"]) + 1
        attempt = number["driver_deadline_seconds"] + _GRACE_SECONDS + number["retry_max_seconds"]
        found = 2 * number["lease_seconds"] + number["sweep_seconds"] + number["redispatch_seconds"]
        return cls(
            lease_seconds=number["lease_seconds"],
            rest_seconds=found + attempts * attempt + _START_SECONDS,
            recovery_seconds=number["redispatch_seconds"] + 2 * number["sweep_seconds"] + _RECONNECT_SECONDS,
            look_seconds=2 * number["observe_seconds"] + _START_SECONDS,
        )
