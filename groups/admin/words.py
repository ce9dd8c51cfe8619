"""Shows every status as word, color and icon, with its meaning: the same everywhere in the console."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

from groups import drills, objectives, statuses
from groups.findings import Severity
from groups.queries import preflight, proofs, safety
from groups.queries.safety import Protection
from groups.statuses import (
    AttachStatus,
    GroupStatus,
    Health,
    Kind,
    Left,
    OperationState,
    ReplicationStatus,
    SiteState,
    SnapshotStatus,
    StepState,
    VolumeStatus,
)

Tone = Literal["good", "working", "warning", "bad", "idle"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """A status's color and icon."""

    tone: Tone
    icon: str


_GOOD = Look(tone="good", icon="check_circle")
_BAD = Look(tone="bad", icon="error")
_WARNING = Look(tone="warning", icon="warning")
_WORKING = Look(tone="working", icon="sync")
_IDLE = Look(tone="idle", icon="radio_button_unchecked")
_UNKNOWN = Look(tone="warning", icon="help")

LOOKS: dict[type[StrEnum], dict[StrEnum, Look]] = {
    GroupStatus: {
        GroupStatus.CREATING: _WORKING,
        GroupStatus.AVAILABLE: _GOOD,
        GroupStatus.UPDATING: _WORKING,
        GroupStatus.DELETING: _WORKING,
        GroupStatus.DELETED: Look(tone="idle", icon="delete"),
        GroupStatus.ERROR: _BAD,
        GroupStatus.ERROR_DELETING: _BAD,
    },
    AttachStatus: {
        AttachStatus.RESERVED: Look(tone="idle", icon="schedule"),
        AttachStatus.ATTACHING: _WORKING,
        AttachStatus.ATTACHED: Look(tone="good", icon="link"),
    },
    VolumeStatus: {
        VolumeStatus.CREATING: _WORKING,
        VolumeStatus.AVAILABLE: _GOOD,
        VolumeStatus.IN_USE: Look(tone="good", icon="link"),
        VolumeStatus.RESERVED: Look(tone="idle", icon="bookmark"),
        VolumeStatus.ATTACHING: _WORKING,
        VolumeStatus.DETACHING: _WORKING,
        VolumeStatus.AWAITING_TRANSFER: Look(tone="idle", icon="move_up"),
        VolumeStatus.MAINTENANCE: Look(tone="idle", icon="build"),
        VolumeStatus.EXTENDING: _WORKING,
        VolumeStatus.DELETING: _WORKING,
        VolumeStatus.ERROR: _BAD,
        VolumeStatus.ERROR_DELETING: _BAD,
        VolumeStatus.ERROR_EXTENDING: _BAD,
    },
    SnapshotStatus: {
        SnapshotStatus.CREATING: _WORKING,
        SnapshotStatus.AVAILABLE: _GOOD,
        SnapshotStatus.DELETING: _WORKING,
        SnapshotStatus.ERROR: _BAD,
        SnapshotStatus.ERROR_DELETING: _BAD,
    },
    ReplicationStatus: {
        ReplicationStatus.DISABLED: Look(tone="idle", icon="shield"),
        ReplicationStatus.ENABLING: _WORKING,
        ReplicationStatus.ENABLED: Look(tone="good", icon="verified_user"),
        ReplicationStatus.DISABLING: _WORKING,
        ReplicationStatus.FAILING_OVER: Look(tone="working", icon="swap_horiz"),
        ReplicationStatus.FAILED_OVER: Look(tone="warning", icon="move_up"),
        ReplicationStatus.ERROR: _BAD,
        ReplicationStatus.FAILOVER_ERROR: Look(tone="bad", icon="dangerous"),
        ReplicationStatus.NOT_CAPABLE: Look(tone="bad", icon="block"),
    },
    OperationState: {
        OperationState.QUEUED: Look(tone="idle", icon="schedule"),
        OperationState.RUNNING: _WORKING,
        OperationState.WAITING: Look(tone="warning", icon="hourglass_top"),
        OperationState.CANCELING: Look(tone="warning", icon="undo"),
        OperationState.SUCCEEDED: _GOOD,
        OperationState.FAILED: _BAD,
        OperationState.CANCELED: Look(tone="idle", icon="cancel"),
    },
    StepState: {
        StepState.PENDING: _IDLE,
        StepState.RUNNING: _WORKING,
        StepState.DONE: _GOOD,
        StepState.SKIPPED: Look(tone="idle", icon="skip_next"),
        StepState.FAILED: _BAD,
        StepState.UNDONE: Look(tone="idle", icon="undo"),
        StepState.UNDO_FAILED: Look(tone="bad", icon="dangerous"),
    },
    SiteState: {
        SiteState.RUNNING: _WORKING,
        SiteState.CANCELING: Look(tone="warning", icon="undo"),
        SiteState.SUCCEEDED: _GOOD,
        SiteState.FAILED: _BAD,
        SiteState.CANCELED: Look(tone="idle", icon="cancel"),
    },
    Health: {
        Health.UNKNOWN: _UNKNOWN,
        Health.HEALTHY: Look(tone="good", icon="favorite"),
        Health.LAGGING: Look(tone="warning", icon="schedule"),
        Health.BROKEN: Look(tone="bad", icon="heart_broken"),
    },
}

KINDS: dict[str, str] = {
    Kind.CREATE_GROUP: "Create group",
    Kind.UPDATE_GROUP: "Change membership",
    Kind.DELETE_GROUP: "Delete group",
    Kind.COPY_GROUP: "Create group from source",
    Kind.CREATE_VOLUME: "Create volume",
    Kind.EXTEND_VOLUME: "Extend volume",
    Kind.DELETE_VOLUME: "Delete volume",
    Kind.CREATE_SNAPSHOT: "Take snapshot",
    Kind.DELETE_SNAPSHOT: "Delete snapshot",
    Kind.CREATE_GROUP_SNAPSHOT: "Take group snapshot",
    Kind.DELETE_GROUP_SNAPSHOT: "Delete group snapshot",
    Kind.ENABLE: "Enable replication",
    Kind.DISABLE: "Disable replication",
    Kind.FAILOVER: "Failover",
    Kind.FAILBACK: "Failback",
    Kind.ADOPT: "Adopt what is there",
    Kind.RESTORE: "Restore what is recorded",
}

OPERATION = OperationState
_LEFT: dict[str, Look] = {
    Left.ALREADY_THERE: Look(tone="idle", icon="check"),
    Left.UNPROTECTED: Look(tone="idle", icon="shield"),
    Left.GONE: Look(tone="idle", icon="delete"),
    Left.CANCELED: Look(tone="idle", icon="cancel"),
}

SEVERITIES: dict[Severity, Look] = {
    Severity.CRITICAL: Look(tone="bad", icon="crisis_alert"),
    Severity.WARNING: _WARNING,
    Severity.NOTICE: Look(tone="idle", icon="info"),
}

PROTECTIONS: dict[Protection, Look] = {
    Protection.BROKEN: Look(tone="bad", icon="gpp_bad"),
    Protection.AT_RISK: Look(tone="warning", icon="gpp_maybe"),
    Protection.AWAY: Look(tone="warning", icon="move_up"),
    Protection.UNPROTECTED: Look(tone="idle", icon="shield"),
    Protection.CHANGING: _WORKING,
    Protection.PROTECTED: Look(tone="good", icon="verified_user"),
}
RESULTS: dict[preflight.Result, Look] = {
    preflight.Result.OK: _GOOD,
    preflight.Result.WARNING: _WARNING,
    preflight.Result.FAILED: _BAD,
    preflight.Result.UNKNOWN: _UNKNOWN,
}
VERDICTS: dict[drills.Verdict, Look] = {
    drills.Verdict.PASSED: _GOOD,
    drills.Verdict.FAILED: _BAD,
    drills.Verdict.CANCELED: Look(tone="idle", icon="cancel"),
    drills.Verdict.SKIPPED: Look(tone="warning", icon="skip_next"),
}
GAPS: dict[drills.GapStatus, Look] = {
    drills.GapStatus.OPEN: _WARNING,
    drills.GapStatus.IN_PROGRESS: _WORKING,
    drills.GapStatus.RESOLVED: _GOOD,
    drills.GapStatus.ACCEPTED: Look(tone="idle", icon="task_alt"),
}
_OBJECTIVE: dict[objectives.State, tuple[Look, str, str]] = {
    objectives.State.OK: (_GOOD, "within objective", "It is within the objective."),
    objectives.State.WARNING: (_WARNING, "near objective", "It is past the warning level of the objective."),
    objectives.State.CRITICAL: (_BAD, "objective missed", "It is past the objective, or nobody knows."),
}

_OF_AXIS: dict[str, type[StrEnum]] = {str(axis): words for axis, words in statuses.WORDS.items()}


def badge(word: str, words: type[StrEnum]) -> SafeString:
    """Return one status of a kind as word, color and icon, its meaning as a tooltip."""
    found = next((each for each in words if each == word), None)
    if found is None:
        return _badge(word or "unknown", _UNKNOWN, "Nothing is recorded." if not word else "This word is not known.")
    return _badge(found, LOOKS[words][found], statuses.MEANINGS[words][found])


def objective_badge(state: objectives.State) -> SafeString:
    """Return how a measure stands against its objective."""
    return _badge(_OBJECTIVE[state][1], _OBJECTIVE[state][0], _OBJECTIVE[state][2])


def protection_badge(word: Protection) -> SafeString:
    """Return what would become of a group's data if its site were lost now."""
    return _badge(word, PROTECTIONS[word], safety.MEANINGS[word])


def place_badge(word: str) -> SafeString:
    """Return what became of a group in a site failover: its operation's state, or why it has none."""
    if word in list(OperationState):
        return badge(word, OperationState)
    return _badge(word, _LEFT.get(word, _BAD), "")


def verdict_badge(word: str) -> SafeString:
    """Return what came of a drill."""
    verdict = drills.Verdict(word)
    return _badge(verdict, VERDICTS[verdict], drills.MEANINGS[drills.Verdict][verdict])


def proof_badge(proof: proofs.Proof) -> SafeString:
    """Return whether a group's recovery is proven."""
    if proof.holds and not proof.overdue:
        return _badge("proven", _GOOD, "A drill passed and compared the data, and nothing has changed since.")
    if proof.run is None:
        return _badge("never proven", _BAD if proof.overdue else _WARNING, "No drill passed and compared the data.")
    if proof.expired:
        return _badge("expired", _BAD if proof.overdue else _WARNING, proof.expired)
    return _badge("overdue", _BAD, "Its newest proof is older than its plans allow.")


def planned_badge() -> SafeString:
    """Return that a drill has not begun."""
    return _badge("planned", Look(tone="idle", icon="event"), "It begins when its time and the limits allow.")


def gap_badge(word: str) -> SafeString:
    """Return how far a gap is closed."""
    return _badge(word, GAPS[drills.GapStatus(word)], "")


def gap_severity_badge(word: str, *, is_open: bool) -> SafeString:
    """Return how bad a gap is; one that is closed keeps its word and loses its color."""
    return _badge(word, SEVERITIES[Severity(word)] if is_open else Look(tone="idle", icon="done"), "")


def kind(word: str) -> str:
    """Return the name of a kind of operation."""
    return KINDS.get(word) or word.replace("-", " ").capitalize()


def result_badge(result: preflight.Result) -> SafeString:
    """Return what became of a check."""
    return _badge(result, RESULTS[result], "")


def outdated(word: str, seen: str) -> SafeString:
    """Return the badge for what is too long ago to be still known."""
    return _badge("unknown", _UNKNOWN, f"The last look found it {word}, and was at {seen}.")


def badge_of_axis(word: str, axis: str) -> SafeString:
    """Return a status named in an event, whose axis says what kind of word it is."""
    return badge(word, _OF_AXIS[axis]) if word and axis in _OF_AXIS else format_html("{}", word or "-")


def severity_badge(word: str, *, is_open: bool) -> SafeString:
    """Return how bad a finding is; one that is gone keeps its word and loses its color."""
    look = SEVERITIES[Severity(word)] if is_open else Look(tone="idle", icon="done")
    return _badge(word, look, "Seen at the last look." if is_open else "Seen no more.")


def _badge(word: str, look: Look, meaning: str) -> SafeString:
    return format_html(
        '<span class="c-badge c-{}" title="{}"><span class="material-symbols-outlined" aria-hidden="true">{}</span>'
        "{}</span>",
        look.tone,
        meaning,
        look.icon,
        word,
    )
