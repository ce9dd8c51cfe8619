"""The queues that workers read, and which of them takes what."""

from __future__ import annotations

from groups.statuses import Kind

FAILOVER = "failover"
REPLICATION = "replication"
MAINTENANCE = "maintenance"
ALL = (FAILOVER, REPLICATION, MAINTENANCE)
"""Every queue, the urgent one first."""

URGENT = frozenset({Kind.FAILOVER, Kind.FAILBACK, Kind.ADOPT, Kind.RESTORE})
"""What must not wait behind long copies."""


def of_kind(kind: str) -> str:
    """Return the queue that wakes a worker for a kind of operation."""
    return FAILOVER if kind in URGENT else REPLICATION
