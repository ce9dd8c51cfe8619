"""What the `cinder` command says for what a page shows, to copy."""

from __future__ import annotations

import dataclasses

from groups import models
from groups.models.backends import DEFAULT_TARGET
from groups.queries import possible

_VERSION = "cinder --os-volume-api-version 3.38"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """One line to type."""

    what: str
    line: str


def of_group(group: models.Group, standing: possible.Standing) -> list[Command]:
    """Return the lines for a group."""
    target = next((name for name in standing.targets if name != group.active_backend_id), "")
    found = [
        Command(what="Show it", line=f"{_VERSION} group-show {group.pk} --list-volume"),
        Command(what="List its targets", line=f"{_VERSION} group-list-replication-targets {group.pk}"),
        Command(what="Enable replication", line=f"{_VERSION} group-enable-replication {group.pk}"),
        Command(
            what="Fail over",
            line=f"{_VERSION} group-failover-replication {group.pk} --secondary-backend-id {target or '<target>'}",
        ),
        Command(
            what="Fail back",
            line=f"{_VERSION} group-failover-replication {group.pk} --secondary-backend-id {DEFAULT_TARGET}",
        ),
        Command(what="Disable replication", line=f"{_VERSION} group-disable-replication {group.pk}"),
    ]
    return found if standing.is_replicated else found[:1]
