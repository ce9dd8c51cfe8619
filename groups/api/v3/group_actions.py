"""What can be done to a group besides showing and changing it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpResponse

from groups import callers
from groups.api import describing
from groups.api.v3 import actions, answers, bodies, microversions, schemas, shapes
from groups.services import groups, replication

Wanted = dict[str, Any]


def _delete(caller: callers.Caller, group_id: str, wanted: Wanted) -> HttpResponse:
    groups.delete(caller, group_id=group_id, delete_volumes=schemas.boolean(wanted.get("delete-volumes", False)))
    return answers.empty()


def _reset(caller: callers.Caller, group_id: str, wanted: Wanted) -> HttpResponse:
    reason = wanted.get("reason", "")
    # Both or neither, should one be refused.
    with transaction.atomic():
        if "status" in wanted:
            groups.reset_status(caller, group_id=group_id, status=wanted["status"], reason=reason)
        if "replication_status" in wanted:
            replication.reset(caller, group_id=group_id, replication_status=wanted["replication_status"], reason=reason)
    return answers.empty()


def _enable(caller: callers.Caller, group_id: str, _wanted: Wanted) -> HttpResponse:
    replication.enable(caller, group_id=group_id)
    return answers.empty()


def _disable(caller: callers.Caller, group_id: str, _wanted: Wanted) -> HttpResponse:
    replication.disable(caller, group_id=group_id)
    return answers.empty()


def _failover(caller: callers.Caller, group_id: str, wanted: Wanted) -> HttpResponse:
    replication.failover(
        caller,
        group_id=group_id,
        secondary_backend_id=wanted.get("secondary_backend_id"),
        allow_attached_volume=schemas.boolean(wanted.get("allow_attached_volume", False)),
        mode=wanted.get("mode", "auto"),
        discard_bytes=wanted.get("discard_bytes"),
    )
    return answers.empty()


def _list_targets(caller: callers.Caller, group_id: str, _wanted: Wanted) -> HttpResponse:
    targets = replication.list_targets(caller, group_id=group_id)
    # `cinder` takes its columns from the first target, so each has the keys of all.
    names = {name for target in targets for name in target.options}
    return answers.document(
        {
            "replication_targets": [
                {
                    **{name: target.options.get(name) for name in sorted(names)},
                    "backend_id": target.backend_id,
                    "default": target.is_default,
                    "active": target.is_active,
                }
                for target in targets
            ]
        }
    )


def _replication(
    do: actions.Do, schema: bodies.Schema = schemas.NOTHING, answers: describing.Answers | None = None
) -> actions.Action:
    return actions.Action(do=do, schema=schema, since=microversions.REPLICATION, answers=answers or {202: None})


class GroupActions(actions.Actions):
    """Where a group's actions are sent."""

    since = microversions.GROUPS
    table: ClassVar[Mapping[str, actions.Action]] = {
        "delete": actions.Action(do=_delete, schema=schemas.DELETE_GROUP, since=microversions.GROUPS),
        "reset_status": actions.Action(do=_reset, schema=schemas.RESET_GROUP, since=microversions.RESET_GROUP),
        "enable_replication": _replication(_enable),
        "disable_replication": _replication(_disable),
        "failover_replication": _replication(_failover, schemas.FAILOVER),
        # What openstacksdk sends for a failover, by a mistake of its own.
        "modify_body_for_action": _replication(_failover, schemas.FAILOVER),
        "list_replication_targets": _replication(_list_targets, answers={200: shapes.REPLICATION_TARGETS}),
    }
