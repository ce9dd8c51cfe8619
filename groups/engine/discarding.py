"""How much a resync would throw away, and whether somebody said that it may."""

from __future__ import annotations

from drivers import base
from drivers.errors import DriverError
from groups.engine import truth


class WouldDiscard(DriverError):
    """Going on would discard more than the request allowed."""

    code = "would_discard"

    def __init__(self, amount: int, *, limit: int, backend_id: str) -> None:
        name = truth.side_name(backend_id)
        super().__init__(
            f"Up to {amount} bytes written on {name} never reached the other side, and would be discarded; the request"
            f" allows {limit}.",
            remedy=f"Save what is needed from {name}; then ask again, allowing {amount} bytes to be discarded.",
        )


def amount(group: base.Group, facts: base.GroupFacts, *, backend_id: str) -> int:
    """Return how many bytes a resync towards a side would discard there; all of it when the side cannot tell."""
    unsent = facts.side(backend_id).bytes_unsent
    return sum(volume.size_bytes for volume in group.volumes) if unsent is None else unsent


def require_stated(found: int, *, limit: int | None, backend_id: str) -> None:
    """Raise `WouldDiscard` when a limit was given and it is less than what would be discarded."""
    if limit is not None and found > limit:
        raise WouldDiscard(found, limit=limit, backend_id=backend_id)
