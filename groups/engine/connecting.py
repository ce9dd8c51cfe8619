"""Looks for somebody whether each side of a backend answers."""

from __future__ import annotations

import uuid

from drivers import base
from drivers.errors import DriverError
from groups import clock, models
from groups.engine import calls, storage, truth

_LOOK_SECONDS = 10.0


def check(*, check_id: uuid.UUID, owner: str) -> bool:
    """Look once, and write down what was seen; return whether there was anything left to do."""
    row = models.ConnectionCheck.objects.select_related("backend").filter(pk=check_id, done_at__isnull=True).first()
    if row is None:
        return False
    found: dict[str, object]
    try:
        found = {"sides": [_shown(side) for side in _look(row.backend)]}
    except DriverError as error:
        found = {"error": error.message, "remedy": error.remedy}
    # A message that came twice writes the same once.
    left = models.ConnectionCheck.objects.filter(pk=check_id, done_at__isnull=True)
    return bool(left.update(**found, worker=owner, done_at=clock.now()))


def _look(backend: models.Backend) -> list[base.SideFacts]:
    driver = storage.driver_for(backend)
    return list(
        calls.short(
            lambda call: driver.check_connection(call=call),
            name="check connection",
            epoch=0,
            deadline_seconds=_LOOK_SECONDS,
        )
    )


def _shown(side: base.SideFacts) -> dict[str, object]:
    return {"name": truth.side_name(side.backend_id), "reachable": side.reachable}
