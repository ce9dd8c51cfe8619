"""The brokers that kombu and Celery are to reach in our way. Each is imported by who uses it, and by nobody else."""

from __future__ import annotations

from kombu.transport import TRANSPORT_ALIASES

_OURS = {
    "spool": "replsite.spool:Transport",
    "redis": "replsite.redis_transport:Transport",
    "rediss": "replsite.redis_transport:Transport",
}


def register() -> None:
    """Have kombu and Celery use ours for every address of these schemes."""
    TRANSPORT_ALIASES.update(_OURS)
