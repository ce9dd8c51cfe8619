"""Every status word with its meaning, and the one table of moves between them.

Three axes that are never mixed: the life cycle of a group, a volume or a snapshot (Cinder's words),
the replication status of a group and of each volume, and the state of an operation. A move names
the statuses it may start from, the passing status it shows while the work runs, and where it
ends. What is not in the table is refused. `docs/states.md` is generated from this module.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import StrEnum


class Axis(StrEnum):
    """What a status is about."""

    GROUP = "group.status"
    VOLUME = "volume.status"
    SNAPSHOT = "snapshot.status"
    GROUP_SNAPSHOT = "group_snapshot.status"
    REPLICATION = "replication_status"
    OPERATION = "operation.state"
    SITE = "site_failover.state"
    ATTACHMENT = "attach_status"


class GroupStatus(StrEnum):
    """A group's life cycle, in Cinder's words."""

    CREATING = "creating"
    AVAILABLE = "available"
    UPDATING = "updating"
    DELETING = "deleting"
    DELETED = "deleted"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"


class VolumeStatus(StrEnum):
    """A volume's life cycle, in Cinder's words."""

    CREATING = "creating"
    AVAILABLE = "available"
    IN_USE = "in-use"
    RESERVED = "reserved"
    ATTACHING = "attaching"
    DETACHING = "detaching"
    AWAITING_TRANSFER = "awaiting-transfer"
    MAINTENANCE = "maintenance"
    EXTENDING = "extending"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"
    ERROR_EXTENDING = "error_extending"


class SnapshotStatus(StrEnum):
    """The life cycle of a snapshot, of one volume or of a group, in Cinder's words."""

    CREATING = "creating"
    AVAILABLE = "available"
    DELETING = "deleting"
    ERROR = "error"
    ERROR_DELETING = "error_deleting"


class AttachStatus(StrEnum):
    """How far one attachment of a volume to a host is, in Cinder's words."""

    RESERVED = "reserved"
    ATTACHING = "attaching"
    ATTACHED = "attached"


class ReplicationStatus(StrEnum):
    """How far a group or a volume is replicated, in Cinder's words."""

    DISABLED = "disabled"
    ENABLING = "enabling"
    ENABLED = "enabled"
    DISABLING = "disabling"
    FAILING_OVER = "failing-over"
    FAILED_OVER = "failed-over"
    ERROR = "error"
    FAILOVER_ERROR = "failover-error"
    NOT_CAPABLE = "not-capable"


class OperationState(StrEnum):
    """How far an operation is."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class SiteState(StrEnum):
    """How far the failover of a whole site is."""

    RUNNING = "running"
    CANCELING = "canceling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class Left(StrEnum):
    """Why a site failover left a group where it is; another word there is the code of the error that refused it."""

    ALREADY_THERE = "already-there"
    UNPROTECTED = "unprotected"
    GONE = "gone"
    CANCELED = "canceled"


class StepState(StrEnum):
    """How far one step of an operation is."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    UNDONE = "undone"
    UNDO_FAILED = "undo-failed"


class Health(StrEnum):
    """What the last look at the storage found of a group's replication."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    LAGGING = "lagging"
    BROKEN = "broken"


class Kind(StrEnum):
    """What an operation does: one word a verb."""

    CREATE_GROUP = "create-group"
    UPDATE_GROUP = "update-group"
    DELETE_GROUP = "delete-group"
    COPY_GROUP = "create-group-from-source"
    CREATE_VOLUME = "create-volume"
    EXTEND_VOLUME = "extend-volume"
    DELETE_VOLUME = "delete-volume"
    CREATE_SNAPSHOT = "create-snapshot"
    DELETE_SNAPSHOT = "delete-snapshot"
    CREATE_GROUP_SNAPSHOT = "create-group-snapshot"
    DELETE_GROUP_SNAPSHOT = "delete-group-snapshot"
    ENABLE = "enable-replication"
    DISABLE = "disable-replication"
    FAILOVER = "failover"
    FAILBACK = "failback"
    ADOPT = "adopt"
    RESTORE = "restore"
    DRILL = "drill"


MEANINGS: dict[type[StrEnum], dict[StrEnum, str]] = {
    GroupStatus: {
        GroupStatus.CREATING: "The storage is making the group.",
        GroupStatus.AVAILABLE: "The group can be worked with.",
        GroupStatus.UPDATING: "Volumes are being added or removed.",
        GroupStatus.DELETING: "The group is being deleted.",
        GroupStatus.DELETED: "Declared for Cinder's clients; an admin's reset may set it, a deleted group has no row.",
        GroupStatus.ERROR: "Creating or changing the group failed; its last operation says why.",
        GroupStatus.ERROR_DELETING: "Deleting failed; delete again once the cause is mended.",
    },
    VolumeStatus: {
        VolumeStatus.CREATING: "The storage is making the volume.",
        VolumeStatus.AVAILABLE: "Ready, and attached to nothing.",
        VolumeStatus.IN_USE: "Attached to a host.",
        VolumeStatus.RESERVED: "Promised to a host that has not attached it yet.",
        VolumeStatus.ATTACHING: "Being attached.",
        VolumeStatus.DETACHING: "Being detached.",
        VolumeStatus.AWAITING_TRANSFER: "Offered to another project, which has not accepted it yet.",
        VolumeStatus.MAINTENANCE: "Set aside by an admin.",
        VolumeStatus.EXTENDING: "The storage is making it larger.",
        VolumeStatus.DELETING: "Being deleted.",
        VolumeStatus.ERROR: "Creating the volume failed; its last operation says why.",
        VolumeStatus.ERROR_DELETING: "Deleting failed; delete again once the cause is mended.",
        VolumeStatus.ERROR_EXTENDING: "Declared for Cinder's clients; extending that fails leaves the status as it is.",
    },
    SnapshotStatus: {
        SnapshotStatus.CREATING: "The storage is taking it.",
        SnapshotStatus.AVAILABLE: "Taken; volumes can be made from it.",
        SnapshotStatus.DELETING: "Being deleted.",
        SnapshotStatus.ERROR: "Taking it failed: it holds nothing. Its last operation says why; delete it.",
        SnapshotStatus.ERROR_DELETING: "Deleting failed; delete again once the cause is mended.",
    },
    AttachStatus: {
        AttachStatus.RESERVED: "Promised to a host; it has not said yet how it connects.",
        AttachStatus.ATTACHING: "The host knows how to connect, and has not said yet that it did.",
        AttachStatus.ATTACHED: "The host uses the volume.",
    },
    ReplicationStatus: {
        ReplicationStatus.DISABLED: "Not replicated; losing the site loses the data.",
        ReplicationStatus.ENABLING: "Replication is being set up; not protected before it is enabled.",
        ReplicationStatus.ENABLED: "Replicated from the primary to its targets; can be failed over.",
        ReplicationStatus.DISABLING: "Replication is being taken down.",
        ReplicationStatus.FAILING_OVER: "The active side is being changed, to a secondary or back.",
        ReplicationStatus.FAILED_OVER: "Running on a secondary; fail back to return to the primary.",
        ReplicationStatus.ERROR: "Setting up or taking down replication failed; the last operation says what is true.",
        ReplicationStatus.FAILOVER_ERROR: "A failover failed; run it again to roll forward, or fail back to roll back.",
        ReplicationStatus.NOT_CAPABLE: "The storage cannot replicate this.",
    },
    OperationState: {
        OperationState.QUEUED: "Accepted and recorded; no worker has taken it yet.",
        OperationState.RUNNING: "A worker owns it and renews its lease.",
        OperationState.WAITING: "A retryable error was met; it is tried again at the time shown.",
        OperationState.CANCELING: "Asked to stop: what was done is being undone.",
        OperationState.SUCCEEDED: "Done, and the storage confirmed it.",
        OperationState.FAILED: "Ended without success; it says why, what is true now and what to do.",
        OperationState.CANCELED: "Stopped on request; what was done was undone.",
    },
    SiteState: {
        SiteState.RUNNING: "Its groups are moved, some at a time; it goes on whoever dies.",
        SiteState.CANCELING: "No further group is begun; what was begun is coming to its end.",
        SiteState.SUCCEEDED: "Every replicated group of the backend is where it should be.",
        SiteState.FAILED: "Every group was tried, and not every one moved; each says why. Start it again for the rest.",
        SiteState.CANCELED: "Stopped on request; groups that were moved stay where they are.",
    },
    StepState: {
        StepState.PENDING: "Not reached yet.",
        StepState.RUNNING: "Being worked on.",
        StepState.DONE: "Done.",
        StepState.SKIPPED: "Not needed this time.",
        StepState.FAILED: "It met an error, shown beside it.",
        StepState.UNDONE: "It was done or begun, and has been taken back.",
        StepState.UNDO_FAILED: "Taking it back met an error, shown beside it.",
    },
    Health: {
        Health.UNKNOWN: "The storage has not been looked at.",
        Health.HEALTHY: "The storage says what is recorded here, and its copies are as new as they should be.",
        Health.LAGGING: "The newest complete point is older than it should be.",
        Health.BROKEN: "A side does not answer, or the storage does not say what is recorded here.",
    },
}
"""Each word's sentence. By kind of word: the same word, such as `error`, means another thing of a group than of a
volume."""

OPEN = frozenset({OperationState.QUEUED, OperationState.RUNNING, OperationState.WAITING, OperationState.CANCELING})
FINAL = frozenset({OperationState.SUCCEEDED, OperationState.FAILED, OperationState.CANCELED})
LEFT_RIGHTLY = frozenset({Left.ALREADY_THERE, Left.UNPROTECTED, Left.GONE})
"""What keeps no site failover from succeeding: there was nothing to move, or nothing that could be moved."""
SITE_OPEN = frozenset({SiteState.RUNNING, SiteState.CANCELING})

PASSING: dict[Axis, frozenset[str]] = {
    Axis.GROUP: frozenset({GroupStatus.CREATING, GroupStatus.UPDATING, GroupStatus.DELETING}),
    Axis.VOLUME: frozenset(
        {
            VolumeStatus.CREATING,
            VolumeStatus.EXTENDING,
            VolumeStatus.DELETING,
            VolumeStatus.ATTACHING,
            VolumeStatus.DETACHING,
        }
    ),
    Axis.SNAPSHOT: frozenset({SnapshotStatus.CREATING, SnapshotStatus.DELETING}),
    Axis.GROUP_SNAPSHOT: frozenset({SnapshotStatus.CREATING, SnapshotStatus.DELETING}),
    Axis.REPLICATION: frozenset(
        {ReplicationStatus.ENABLING, ReplicationStatus.DISABLING, ReplicationStatus.FAILING_OVER}
    ),
    Axis.OPERATION: OPEN,
    Axis.SITE: SITE_OPEN,
    Axis.ATTACHMENT: frozenset({AttachStatus.ATTACHING}),
}
WORDS: dict[Axis, type[StrEnum]] = {
    Axis.GROUP: GroupStatus,
    Axis.VOLUME: VolumeStatus,
    Axis.SNAPSHOT: SnapshotStatus,
    Axis.GROUP_SNAPSHOT: SnapshotStatus,
    Axis.REPLICATION: ReplicationStatus,
    Axis.OPERATION: OperationState,
    Axis.SITE: SiteState,
    Axis.ATTACHMENT: AttachStatus,
}
RESTING: dict[Axis, frozenset[str]] = {axis: frozenset(words) - PASSING[axis] for axis, words in WORDS.items()}
HEALTHY: dict[Axis, frozenset[str]] = {
    Axis.GROUP: frozenset({GroupStatus.AVAILABLE}),
    Axis.VOLUME: frozenset({VolumeStatus.AVAILABLE, VolumeStatus.IN_USE}),
    Axis.SNAPSHOT: frozenset({SnapshotStatus.AVAILABLE}),
    Axis.GROUP_SNAPSHOT: frozenset({SnapshotStatus.AVAILABLE}),
    Axis.REPLICATION: frozenset({ReplicationStatus.DISABLED, ReplicationStatus.ENABLED, ReplicationStatus.FAILED_OVER}),
    Axis.OPERATION: frozenset({OperationState.SUCCEEDED}),
    Axis.SITE: frozenset({SiteState.SUCCEEDED}),
    Axis.ATTACHMENT: frozenset({AttachStatus.RESERVED, AttachStatus.ATTACHED}),
}

# A group in any other replication status keeps its members: who is where would not be certain.
OPEN_TO_CHANGE = (ReplicationStatus.DISABLED, ReplicationStatus.ENABLED, ReplicationStatus.ERROR)

# The worse the earlier: a group shows its worst member.
SEVERITY: tuple[ReplicationStatus, ...] = (
    ReplicationStatus.FAILOVER_ERROR,
    ReplicationStatus.ERROR,
    ReplicationStatus.NOT_CAPABLE,
    ReplicationStatus.FAILING_OVER,
    ReplicationStatus.DISABLING,
    ReplicationStatus.ENABLING,
    ReplicationStatus.DISABLED,
    ReplicationStatus.FAILED_OVER,
    ReplicationStatus.ENABLED,
)

GONE = "(gone)"
"""Where a deletion ends: the row is no more."""

LEFT = "(what is left)"
"""Where the end of an attachment leads: to what the volume's other attachments make of it."""

PREVIOUS = "(previous)"
"""Where a cancellation ends, and a restoration's success: what the status was before the operation."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Move:
    """One verb's way through one axis."""

    verb: str
    axis: Axis
    sources: frozenset[str]
    passing: str
    success: str
    failure: str
    canceled: str = PREVIOUS
    outcomes: frozenset[str] = frozenset()
    """Where success may end, for a verb that finds out only by looking; empty where `success` says it."""
    group: frozenset[str] = frozenset()
    """The group statuses it needs; empty where the group's own status is what moves."""
    volumes: frozenset[str] = frozenset()
    """The volume statuses it needs of each member; empty where any will do."""
    mends: bool = False
    """Whether success also proves a group in error to be sound: every member was found where it belongs."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reset:
    """An admin's correction of a status, at once and with a reason."""

    axis: Axis
    targets: frozenset[str]
    sources: frozenset[str]


_G, _V, _S, _R = GroupStatus, VolumeStatus, SnapshotStatus, ReplicationStatus
_USABLE = frozenset({_V.AVAILABLE, _V.IN_USE})
_MOVABLE = frozenset({_R.ENABLED, _R.FAILED_OVER, _R.ERROR, _R.FAILOVER_ERROR})

MOVES: dict[str, Move] = {
    move.verb: move
    for move in (
        Move(
            verb=Kind.ENABLE,
            axis=Axis.REPLICATION,
            sources=frozenset({_R.DISABLED, _R.ENABLED, _R.ERROR}),
            passing=_R.ENABLING,
            success=_R.ENABLED,
            failure=_R.ERROR,
            group=frozenset({_G.AVAILABLE}),
            volumes=_USABLE,
        ),
        Move(
            verb=Kind.DISABLE,
            axis=Axis.REPLICATION,
            sources=frozenset({_R.ENABLED, _R.ERROR}),
            passing=_R.DISABLING,
            success=_R.DISABLED,
            failure=_R.ERROR,
            group=frozenset({_G.AVAILABLE, _G.ERROR}),
            mends=True,
        ),
        Move(
            verb=Kind.FAILOVER,
            axis=Axis.REPLICATION,
            sources=_MOVABLE,
            passing=_R.FAILING_OVER,
            success=_R.FAILED_OVER,
            failure=_R.FAILOVER_ERROR,
            group=frozenset({_G.AVAILABLE}),
            volumes=_USABLE,
        ),
        Move(
            verb=Kind.FAILBACK,
            axis=Axis.REPLICATION,
            sources=_MOVABLE,
            passing=_R.FAILING_OVER,
            success=_R.ENABLED,
            failure=_R.FAILOVER_ERROR,
            group=frozenset({_G.AVAILABLE}),
            volumes=_USABLE,
        ),
        Move(
            verb=Kind.ADOPT,
            axis=Axis.REPLICATION,
            sources=frozenset({_R.DISABLED, _R.ENABLED, _R.FAILED_OVER, _R.ERROR, _R.FAILOVER_ERROR}),
            passing=_R.FAILING_OVER,
            success=_R.FAILED_OVER,
            outcomes=frozenset({_R.DISABLED, _R.ENABLED, _R.FAILED_OVER}),
            failure=PREVIOUS,
            group=frozenset({_G.AVAILABLE}),
        ),
        Move(
            verb=Kind.RESTORE,
            axis=Axis.REPLICATION,
            sources=frozenset({_R.DISABLED, _R.ENABLED, _R.FAILED_OVER}),
            passing=_R.FAILING_OVER,
            success=PREVIOUS,
            failure=_R.ERROR,
            group=frozenset({_G.AVAILABLE}),
            volumes=_USABLE,
        ),
        Move(
            verb=Kind.CREATE_GROUP,
            axis=Axis.GROUP,
            sources=frozenset(),
            passing=_G.CREATING,
            success=_G.AVAILABLE,
            failure=_G.ERROR,
            canceled=_G.ERROR,
        ),
        Move(
            verb=Kind.UPDATE_GROUP,
            axis=Axis.GROUP,
            sources=frozenset({_G.AVAILABLE}),
            passing=_G.UPDATING,
            success=_G.AVAILABLE,
            # What went wrong is the operation's to say; an `error` here would keep the group from failing over.
            failure=_G.AVAILABLE,
        ),
        Move(
            verb=Kind.DELETE_GROUP,
            axis=Axis.GROUP,
            sources=frozenset({_G.AVAILABLE, _G.ERROR, _G.ERROR_DELETING}),
            passing=_G.DELETING,
            success=GONE,
            failure=_G.ERROR_DELETING,
        ),
        Move(
            verb=Kind.COPY_GROUP,
            axis=Axis.GROUP,
            sources=frozenset(),
            passing=_G.CREATING,
            success=_G.AVAILABLE,
            failure=_G.ERROR,
            canceled=_G.ERROR,
        ),
        Move(
            verb=Kind.CREATE_VOLUME,
            axis=Axis.VOLUME,
            sources=frozenset(),
            passing=_V.CREATING,
            success=_V.AVAILABLE,
            failure=_V.ERROR,
            canceled=_V.ERROR,
        ),
        Move(
            verb=Kind.DELETE_VOLUME,
            axis=Axis.VOLUME,
            sources=frozenset({_V.AVAILABLE, _V.ERROR, _V.ERROR_DELETING, _V.ERROR_EXTENDING, _V.MAINTENANCE}),
            passing=_V.DELETING,
            success=GONE,
            failure=_V.ERROR_DELETING,
        ),
        Move(
            verb=Kind.EXTEND_VOLUME,
            axis=Axis.VOLUME,
            sources=frozenset({_V.AVAILABLE, _V.IN_USE, _V.ERROR_EXTENDING}),
            passing=_V.EXTENDING,
            success=_V.AVAILABLE,
            # One that is attached stays so.
            outcomes=frozenset({_V.AVAILABLE, _V.IN_USE}),
            # It is as usable as before: another word would keep its group from failing over, or hide an attachment.
            failure=PREVIOUS,
        ),
        *(
            Move(
                verb=verb,
                axis=axis,
                sources=frozenset(),
                passing=_S.CREATING,
                success=_S.AVAILABLE,
                failure=_S.ERROR,
                canceled=_S.ERROR,
            )
            for verb, axis in (
                (Kind.CREATE_SNAPSHOT, Axis.SNAPSHOT),
                (Kind.CREATE_GROUP_SNAPSHOT, Axis.GROUP_SNAPSHOT),
            )
        ),
        *(
            Move(
                verb=verb,
                axis=axis,
                sources=frozenset({_S.AVAILABLE, _S.ERROR, _S.ERROR_DELETING}),
                passing=_S.DELETING,
                success=GONE,
                failure=_S.ERROR_DELETING,
            )
            for verb, axis in (
                (Kind.DELETE_SNAPSHOT, Axis.SNAPSHOT),
                (Kind.DELETE_GROUP_SNAPSHOT, Axis.GROUP_SNAPSHOT),
            )
        ),
    )
}

WITHOUT_MOVE = frozenset({Kind.DRILL})
"""What runs beside a group and shows on none of its statuses: it must never be in the way of anything else."""

RESETS: dict[Axis, Reset] = {
    Axis.GROUP: Reset(axis=Axis.GROUP, targets=frozenset(_G), sources=frozenset(_G)),
    # Without a transfer, nothing would ever end the waiting for one.
    Axis.VOLUME: Reset(axis=Axis.VOLUME, targets=frozenset(_V) - {_V.AWAITING_TRANSFER}, sources=frozenset(_V)),
    Axis.SNAPSHOT: Reset(axis=Axis.SNAPSHOT, targets=frozenset(_S), sources=frozenset(_S)),
    Axis.GROUP_SNAPSHOT: Reset(axis=Axis.GROUP_SNAPSHOT, targets=frozenset(_S), sources=frozenset(_S)),
    Axis.REPLICATION: Reset(
        axis=Axis.REPLICATION,
        targets=frozenset({_R.DISABLED, _R.ENABLED, _R.FAILED_OVER, _R.ERROR}),
        sources=frozenset(_R),
    ),
}


REPORTS: dict[str, frozenset[str]] = {
    _S.CREATING: frozenset({_S.CREATING, _S.AVAILABLE, _S.ERROR}),
    _S.DELETING: frozenset({_S.DELETING, _S.ERROR_DELETING}),
}
"""What a compute service may report of a snapshot that no operation works on, by the snapshot's status."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClientMove:
    """What a client does with a volume at once; the storage is not asked."""

    verb: str
    sources: frozenset[str]
    to: str = LEFT
    shared_sources: frozenset[str] = frozenset()
    """Where else it may start when several hosts may use the volume."""


OF_CLIENTS = frozenset({_V.AVAILABLE, _V.RESERVED, _V.ATTACHING, _V.IN_USE, _V.DETACHING})
"""The volume statuses that attaching and detaching move between."""
USED = OF_CLIENTS - {_V.AVAILABLE}
"""Those of a volume that a host has, or is about to have or to give back."""

_IN_USE = frozenset({_V.IN_USE})
_FREE = frozenset({_V.AVAILABLE})
RESERVE = ClientMove(verb="reserve", sources=_FREE, shared_sources=_IN_USE, to=_V.ATTACHING)
UNRESERVE = ClientMove(verb="unreserve", sources=frozenset({_V.ATTACHING}))
BEGIN_DETACHING = ClientMove(verb="begin detaching", sources=_IN_USE, to=_V.DETACHING)
ROLL_DETACHING = ClientMove(verb="roll detaching", sources=frozenset({_V.DETACHING}), to=_V.IN_USE)
ATTACH = ClientMove(
    verb="attach", sources=frozenset({_V.AVAILABLE, _V.ATTACHING}), shared_sources=_IN_USE, to=_V.IN_USE
)
PROMISE = ClientMove(verb="create attachment", sources=_FREE, shared_sources=_IN_USE, to=_V.RESERVED)
PROMISE_AGAIN = ClientMove(
    verb="create another attachment", sources=frozenset({_V.RESERVED, _V.ATTACHING, _V.IN_USE, _V.DETACHING})
)
"""For an instance that has the volume already, as one does that moves from host to host."""
CONNECT = ClientMove(verb="update attachment", sources=OF_CLIENTS, to=_V.ATTACHING)
COMPLETE = ClientMove(verb="complete attachment", sources=OF_CLIENTS, to=_V.IN_USE)
DETACH = ClientMove(verb="detach", sources=frozenset(_V) - {_V.CREATING, _V.DELETING})
RESET_ATTACHMENTS = ClientMove(verb="reset attachments", sources=frozenset(_V))
OFFER = ClientMove(verb="create transfer", sources=_FREE, to=_V.AWAITING_TRANSFER)
WITHDRAW = ClientMove(verb="delete transfer", sources=frozenset({_V.AWAITING_TRANSFER}), to=_V.AVAILABLE)
HAND_OVER = ClientMove(verb="accept transfer", sources=frozenset({_V.AWAITING_TRANSFER}), to=_V.AVAILABLE)
CLIENT_MOVES: tuple[ClientMove, ...] = (
    RESERVE,
    UNRESERVE,
    ATTACH,
    PROMISE,
    PROMISE_AGAIN,
    CONNECT,
    COMPLETE,
    BEGIN_DETACHING,
    ROLL_DETACHING,
    DETACH,
    RESET_ATTACHMENTS,
    OFFER,
    WITHDRAW,
    HAND_OVER,
)

_LEFT_BY = (
    (AttachStatus.ATTACHED, _V.IN_USE),
    (AttachStatus.ATTACHING, _V.ATTACHING),
    (AttachStatus.RESERVED, _V.RESERVED),
)


def left_by(attachments: Iterable[str]) -> VolumeStatus:
    """Return the status of a volume that has attachments in these statuses, and no other."""
    found = set(attachments)
    return next((status for word, status in _LEFT_BY if word in found), VolumeStatus.AVAILABLE)


# Where an operation's state may go. The runner, the sweeper's claim and a cancellation move it.
OPERATION_MOVES: dict[OperationState, frozenset[OperationState]] = {
    OperationState.QUEUED: frozenset({OperationState.RUNNING, OperationState.CANCELED}),
    OperationState.RUNNING: frozenset(
        {
            OperationState.WAITING,
            OperationState.CANCELING,
            OperationState.SUCCEEDED,
            OperationState.FAILED,
            OperationState.CANCELED,
        }
    ),
    OperationState.WAITING: frozenset({OperationState.RUNNING, OperationState.CANCELING}),
    OperationState.CANCELING: frozenset({OperationState.CANCELED, OperationState.SUCCEEDED, OperationState.FAILED}),
    OperationState.SUCCEEDED: frozenset(),
    OperationState.FAILED: frozenset(),
    OperationState.CANCELED: frozenset(),
}

# Where the failover of a whole site may go. A cancellation and whoever finds that nothing is left move it.
SITE_MOVES: dict[SiteState, frozenset[SiteState]] = {
    SiteState.RUNNING: frozenset({SiteState.CANCELING, SiteState.SUCCEEDED, SiteState.FAILED}),
    SiteState.CANCELING: frozenset({SiteState.CANCELED}),
    SiteState.SUCCEEDED: frozenset(),
    SiteState.FAILED: frozenset(),
    SiteState.CANCELED: frozenset(),
}

VERB_OF_KIND: dict[Kind, str] = {
    Kind.ENABLE: "enable replication",
    Kind.DISABLE: "disable replication",
    Kind.FAILOVER: "failover replication",
    Kind.FAILBACK: "failover replication",
    Kind.ADOPT: "adopt what the storage says",
    Kind.RESTORE: "restore what is recorded",
}
"""The verb in refusals, which have Cinder's form: "Cannot enable replication."."""
