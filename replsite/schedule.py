"""The queues, beat's ticks, and how the broker is spoken to."""

from __future__ import annotations

import datetime
import time
from typing import Any

import structlog
from celery import schedules
from kombu import Exchange, Queue

from groups import queues as named
from replsite import config

MAINTENANCE = named.MAINTENANCE
QUEUES = named.ALL
POLL_SECONDS = 0.02
SCHEDULER = "celery.beat:Scheduler"
"""Keeps nothing on disk: what it kept there would be read after the clock was set back, and silence it."""

log = structlog.get_logger(__name__)


def queues() -> tuple[Queue, ...]:
    """Return the queues a worker reads, the urgent one first."""
    exchange = Exchange("replsite")
    return tuple(Queue(name, exchange, routing_key=name) for name in QUEUES)


def ticks(site: config.SiteConfig) -> dict[str, dict[str, Any]]:
    """Return beat's ticks."""
    return {
        "sweep": _tick("groups.tasks.sweep", every=site.sweep_seconds),
        "lag": _tick("groups.tasks.lag", every=site.observe_seconds),
        "observe": _tick("groups.tasks.observe", every=site.observe_seconds),
        "rounds": _tick("groups.tasks.rounds", every=site.rounds_tick_seconds),
        "drills": _tick("groups.tasks.drills", every=site.drills_tick_seconds),
    }


def transport_options(address: str) -> dict[str, Any]:
    """Return the options the broker's kind needs so that a broken one cannot hang workers, beat or the sender.

    No request waits for any of it, so a broker that is only slow has its time.
    """
    scheme = address.partition(":")[0]
    if scheme in ("spool", "memory"):
        return {"polling_interval": POLL_SECONDS}
    if scheme.startswith("redis"):
        return {"socket_timeout": 5, "socket_connect_timeout": 5, "health_check_interval": 25}
    return {"connect_timeout": 5, "read_timeout": 5, "write_timeout": 5}


def _tick(name: str, *, every: float) -> dict[str, Any]:
    # No expiry: that is a time of day by beat's clock, and a worker whose clock is ahead of it would
    # drop every tick. Ticks that piled up are left out by the worker that finds them.
    return {
        "task": name,
        "schedule": schedules.schedule(every, nowfun=_steady_now),
        "options": {"queue": MAINTENANCE, "ignore_result": True, "retry": True, "retry_policy": _UNTIL_TAKEN},
    }


def _say_why(error: Exception, _seconds: float) -> None:
    log.warning("tick_not_sent", error=type(error).__name__)


# Beat has nothing else to do than to wait for its broker. Without this it would keep a connection
# that the broker closed, and never send anything again.
_UNTIL_TAKEN = {
    "max_retries": None,
    "interval_start": 0.5,
    "interval_step": 0.5,
    "interval_max": 2,
    "errback": _say_why,
}


_BEGAN, _BEGAN_AT = datetime.datetime.now(tz=datetime.UTC), time.monotonic()


def _steady_now() -> datetime.datetime:
    """Return the time since beat began as a time of day: setting the host's clock does not move it."""
    return _BEGAN + datetime.timedelta(seconds=time.monotonic() - _BEGAN_AT)
