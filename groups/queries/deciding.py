"""What decides whether a group can take a verb of replication: read by each of them, once it holds the group's row."""

from __future__ import annotations

import json
import uuid
from typing import NamedTuple

from django.db import models as db
from django.db.models import Exists, OuterRef, Q, Subquery

from groups import models, specs, statuses
from groups.compiled import Select, slot
from groups.statuses import AttachStatus, Kind, OperationState, StepState


class Facts(NamedTuple):
    """What is true about a group besides its own row and its volumes' statuses."""

    is_replicated: bool
    """Whether its type makes replication groups."""
    bare_type: uuid.UUID | None
    """A volume type of the group that cannot be replicated."""
    has_target: bool
    is_member_busy: bool
    """Whether an operation is open on one of its volumes."""
    is_member_attached: bool
    """Whether a host uses one of its volumes, also where a status was corrected by hand."""


class Member(NamedTuple):
    """A volume of a group, with its statuses."""

    pk: uuid.UUID
    status: str
    replication_status: str


def facts(group: models.Group) -> Facts:
    """Return them, in one statement."""
    [row] = _FACTS.all(group=group.pk)
    return Facts(*row)


def members(group: models.Group) -> list[Member]:
    """Return a group's volumes, the newest first."""
    return [Member(*row) for row in _MEMBERS.all(group=group.pk)]


def targets(group: models.Group) -> list[str]:
    """Return the names of the targets a group can be failed over to, the default one first."""
    return _TARGETS.all(backend=group.backend_id)


def left_at(group: models.Group, *, side: str) -> str:
    """Return the point of the data that went along when the group last left a side, by the receipts.

    Of a side that the group never left, but was being moved to when that failed: the point it was promoted at.
    """
    known = {"group": group.pk, "side": json.dumps(side)}
    receipt = _RECEIPT.first(**known)
    if receipt is not None:
        return str(receipt.get("point", ""))
    return str((_PREFLIGHT.first(**known) or {}).get("point", ""))


def _facts() -> db.QuerySet[models.Group, tuple[bool, uuid.UUID | None, bool, bool, bool]]:
    replicated = models.GroupSpec.objects.filter(
        group_type=OuterRef("group_type"), key__in=specs.GROUP_REPLICATIONS, value=specs.TRUE
    )
    able = models.ExtraSpec.objects.filter(volume_type=OuterRef("pk"), key=specs.REPLICATION, value=specs.TRUE)
    kinds = models.VolumeType.objects.filter(group_links__group=OuterRef("pk"))
    members = Q(volume__group=OuterRef("pk"))
    return (
        models.Group.objects.filter(pk=slot("group"))
        .order_by()
        .values_list(
            Exists(replicated),
            Subquery(kinds.exclude(Exists(able)).values("pk")[:1]),
            Exists(models.ReplicationTarget.objects.filter(primary=OuterRef("backend"))),
            Exists(models.Operation.objects.filter(members, state__in=statuses.OPEN)),
            Exists(models.Attachment.objects.filter(members, attach_status=AttachStatus.ATTACHED)),
        )
    )


def _moves() -> db.QuerySet[models.Operation]:
    return models.Operation.objects.filter(group=slot("group"), kind__in=(Kind.FAILOVER, Kind.FAILBACK))


_FACTS = Select(_facts)
_MEMBERS = Select(
    lambda: models.Volume.objects.filter(group=slot("group")).values_list("pk", "status", "replication_status")
)
_TARGETS = Select(
    lambda: models.ReplicationTarget.objects.filter(primary=slot("backend")).values_list("backend_id", flat=True)
)
_RECEIPT = Select(
    lambda: (
        _moves()
        .filter(state=OperationState.SUCCEEDED, result__origin=slot("side"))
        .exclude(result__target=slot("side"))
        .order_by("-ended_at")
        .values_list("result", flat=True)[:1]
    )
)
_PREFLIGHT = Select(
    lambda: (
        models.OperationStep.objects.filter(
            operation__in=_moves().filter(arguments__target=slot("side")), name="preflight", state=StepState.DONE
        )
        .order_by("-ended_at")
        .values_list("result", flat=True)[:1]
    )
)
