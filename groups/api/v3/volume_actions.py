"""What can be done to a volume besides showing and changing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import HttpResponse

from groups import callers, errors, statuses
from groups.api.v3 import actions, answers, microversions, schemas
from groups.services import volumes


def _reset(caller: callers.Caller, volume_id: str, wanted: dict[str, Any]) -> HttpResponse:
    if wanted["status"].lower() == statuses.VolumeStatus.IN_USE:
        raise errors.InvalidInput("Cannot reset-state to in-use because volume does not have any attachments.")
    volumes.reset_status(caller, volume_id=volume_id, status=wanted["status"])
    return answers.empty()


class VolumeActions(actions.Actions):
    """Where a volume's actions are sent."""

    table: ClassVar[Mapping[str, actions.Action]] = {
        "os-reset_status": actions.Action(do=_reset, schema=schemas.RESET_VOLUME, since=microversions.MINIMUM),
    }
