"""Every kind of finding: what the storage or a worker does that the record does not say.

A finding is something somebody should know of. It stays open as long as it is seen, says since
when, and names the verbs that mend it. Nothing destructive is done about it without a person.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum


class Code(StrEnum):
    """What was found."""

    ACTIVE_ELSEWHERE = "active-elsewhere"
    VOLUMES_APART = "volumes-apart"
    NO_ACTIVE_SIDE = "no-active-side"
    NOT_WRITABLE = "not-writable"
    TWO_ACTIVE_SIDES = "two-active-sides"
    VOLUME_MISSING = "volume-missing"
    SIDE_UNREACHABLE = "side-unreachable"
    NOT_REPLICATING = "not-replicating"
    MEMBER_UNPROTECTED = "member-unprotected"
    TARGET_EMPTY = "target-empty"
    REPLICATING = "replicating-though-disabled"
    UNKNOWN_MEMBER = "unknown-member"
    LAGGING = "lagging"
    UNSENT_WRITES = "unsent-writes"
    NOT_OBSERVED = "not-observed"
    BACKEND_UNUSABLE = "backend-unusable"
    NO_PROGRESS = "no-progress"
    OBJECTIVE_MISSED = "objective-missed"
    PROOF_OVERDUE = "proof-overdue"


class Severity(StrEnum):
    """How bad a finding is."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class Mending(StrEnum):
    """A verb on a finding."""

    ADOPT = "adopt"
    RESTORE = "restore"
    IGNORE = "ignore"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a code stands for."""

    severity: Severity
    title: str
    """A sentence, for whoever sees the word for the first time."""
    remedy: str
    """What to do next."""
    mendings: tuple[Mending, ...] = ()
    """The verbs that may mend it, besides ignoring it."""


_BOTH = (Mending.ADOPT, Mending.RESTORE)
_RESTORE = (Mending.RESTORE,)

MEANINGS: dict[Code, Meaning] = {
    Code.ACTIVE_ELSEWHERE: Meaning(
        severity=Severity.CRITICAL,
        title="The storage holds the whole group active on another side than recorded.",
        remedy="Adopt it, if the move was meant; or restore what is recorded: a planned move back that loses nothing.",
        mendings=_BOTH,
    ),
    Code.VOLUMES_APART: Meaning(
        severity=Severity.CRITICAL,
        title="The volumes of the group are active on different sides.",
        remedy="Fail over to the side that should be active, unplanned if the other one is lost: that brings all"
        " volumes to one side. Nothing may write to the group until then.",
    ),
    Code.NO_ACTIVE_SIDE: Meaning(
        severity=Severity.CRITICAL,
        title="Every side that answers takes itself for a receiver: nothing can write to the group.",
        remedy="Fail over to the side that should be active, or fail back to the primary.",
    ),
    Code.NOT_WRITABLE: Meaning(
        severity=Severity.CRITICAL,
        title="The recorded side is active, but its storage lets no write through.",
        remedy="Restore what is recorded: writes are let through again on the recorded side.",
        mendings=_RESTORE,
    ),
    Code.TWO_ACTIVE_SIDES: Meaning(
        severity=Severity.CRITICAL,
        title="A second side takes itself for active as well: its clients may write what failing back discards.",
        remedy="Restore what is recorded: the other side is closed to clients, and its data stays as it is.",
        mendings=_RESTORE,
    ),
    Code.VOLUME_MISSING: Meaning(
        severity=Severity.CRITICAL,
        title="A recorded volume is on none of the sides that answer.",
        remedy="Find out on the storage what became of it. Bring back the side that held it, or take it out of the"
        " group and delete it.",
    ),
    Code.SIDE_UNREACHABLE: Meaning(
        severity=Severity.WARNING,
        title="A side does not answer.",
        remedy="Bring it back. If it is the active side and stays away, fail over unplanned: what it had not yet sent"
        " is lost.",
    ),
    Code.NOT_REPLICATING: Meaning(
        severity=Severity.CRITICAL,
        title="The group is recorded as protected, but the storage does not replicate it.",
        remedy="Restore what is recorded: replication is set up again and copies only what is missing. Or adopt it: the"
        " group is recorded as not replicated.",
        mendings=_BOTH,
    ),
    Code.MEMBER_UNPROTECTED: Meaning(
        severity=Severity.CRITICAL,
        title="A member is in no complete point on any target: a failover would not bring it along.",
        remedy="Restore what is recorded, or enable replication again: only what is missing is copied.",
        mendings=_RESTORE,
    ),
    Code.TARGET_EMPTY: Meaning(
        severity=Severity.WARNING,
        title="A target answers but holds no complete point of the group: it cannot be failed over to.",
        remedy="Restore what is recorded, or enable replication again: only what is missing is copied.",
        mendings=_RESTORE,
    ),
    Code.REPLICATING: Meaning(
        severity=Severity.WARNING,
        title="The group is recorded as not replicated, but the storage replicates it.",
        remedy="Adopt it, if it is meant to be protected; or restore what is recorded: the copies are dropped.",
        mendings=_BOTH,
    ),
    Code.UNKNOWN_MEMBER: Meaning(
        severity=Severity.WARNING,
        title="The storage replicates a volume with the group that is no recorded member.",
        remedy="Restore what is recorded: the volume leaves the group on the storage and keeps its data on the active"
        " side.",
        mendings=_RESTORE,
    ),
    Code.LAGGING: Meaning(
        severity=Severity.WARNING,
        title="The newest complete point is older than it should be.",
        remedy="See the group's round for what holds it up: a slow link, a side that does not answer, or too few"
        " workers.",
    ),
    Code.UNSENT_WRITES: Meaning(
        severity=Severity.NOTICE,
        title="The side that was left holds writes that never reached the active one.",
        remedy="Save what is needed of them before failing back: failing back discards them.",
    ),
    Code.NOT_OBSERVED: Meaning(
        severity=Severity.WARNING,
        title="The last look at the group's storage failed: what is true of it now is not known.",
        remedy="See what the storage or its driver reports; the next look is taken by itself.",
    ),
    Code.BACKEND_UNUSABLE: Meaning(
        severity=Severity.CRITICAL,
        title="The backend's driver cannot be used: none of its groups can be worked with.",
        remedy="Correct the backend's options, or install its driver.",
    ),
    Code.NO_PROGRESS: Meaning(
        severity=Severity.WARNING,
        title="A storage call has made no progress for a while.",
        remedy="See whether the storage named answers. The call is given up at its deadline, and the operation then"
        " goes on, is tried again or ends by itself.",
    ),
    Code.OBJECTIVE_MISSED: Meaning(
        severity=Severity.CRITICAL,
        title="A failover of the group would lose more data, or take more time, than its objective allows.",
        remedy="See what the storage of each target reports, and the group's round, for what holds it up. Where nobody"
        " could look for a while, see whether ticks come. Change the objective if it asks for too much.",
    ),
    Code.PROOF_OVERDUE: Meaning(
        severity=Severity.WARNING,
        title="The group's recovery was not proven as lately as its drill plan asks for.",
        remedy="See what keeps its drills from passing, and run its plan now.",
    ),
}


def worse_first(severity: str) -> int:
    """Return a severity's place in the order from worst to mildest."""
    return list(Severity).index(Severity(severity))
