"""The words of drills: what kind, what started one, what came of it, what may be broken on purpose."""

from __future__ import annotations

from enum import StrEnum


class DrillKind(StrEnum):
    """How a failover is rehearsed."""

    TEST_COPY = "test-copy"
    FULL = "full"


class Trigger(StrEnum):
    """What started a drill."""

    SCHEDULED = "scheduled"
    SURPRISE = "surprise"
    PROOF_DUE = "proof-due"
    REQUESTED = "requested"


class Verdict(StrEnum):
    """What came of a drill."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"


class Missed(StrEnum):
    """What becomes of a drill whose time went by while it could not start."""

    RUN_ONCE = "run-once"
    SKIP = "skip"


class Injection(StrEnum):
    """What a drill breaks on purpose, to rehearse the failure of a failover."""

    SLOW_TARGET = "slow-target"
    LINK_CUT = "link-cut"
    HOOK_FAILS = "hook-fails"
    WORKER_KILLED = "worker-killed"


class CheckKind(StrEnum):
    """How a drill looks whether the recovered data is of use."""

    COMMAND = "command"
    HTTP = "http"
    WRITE_ORDER = "write-order"


class EntryKind(StrEnum):
    """What an entry in a group's ledger of drills is."""

    REPORT = "report"
    ATTESTATION = "attestation"
    ADDENDUM = "addendum"


class GapStatus(StrEnum):
    """How far a gap that a drill found is closed."""

    OPEN = "open"
    IN_PROGRESS = "in-progress"
    RESOLVED = "resolved"
    ACCEPTED = "accepted"


class NoticeKind(StrEnum):
    """What people are told of."""

    STARTED = "started"
    ENDED = "ended"
    FAILED = "failed"
    OVERDUE = "overdue"
    BREACHED = "breached"
    TEST = "test"


class Channel(StrEnum):
    """How people are told."""

    EMAIL = "email"
    WEBHOOK = "webhook"


MEANINGS: dict[type[StrEnum], dict[StrEnum, str]] = {
    DrillKind: {
        DrillKind.TEST_COPY: "A writable copy on the target is started, checked and removed; replication goes on.",
        DrillKind.FULL: "The group is failed over as planned, runs on the target for a time, and is failed back.",
    },
    Trigger: {
        Trigger.SCHEDULED: "The plan's calendar.",
        Trigger.SURPRISE: "The plan's calendar, at a time within its span that nobody was told.",
        Trigger.PROOF_DUE: "The group's last proof is about to be older than the plan allows.",
        Trigger.REQUESTED: "Somebody asked for it.",
    },
    Verdict: {
        Verdict.PASSED: "Every success criterion was met, and nothing was left behind.",
        Verdict.FAILED: "A criterion was not met, or it could not be carried out; the report says which and why.",
        Verdict.CANCELED: "Stopped on request, or overtaken by a failover; what was made for it was removed.",
        Verdict.SKIPPED: "It never began: its time went by, or the calendar was frozen.",
    },
    Injection: {
        Injection.SLOW_TARGET: "Every driver call of the drill waits before it begins.",
        Injection.LINK_CUT: "The copy is cut off after it was started, and the drill has to find its way out.",
        Injection.HOOK_FAILS: "The first application check fails whatever it finds.",
        Injection.WORKER_KILLED: "A worker that has the drill is killed in the middle; another one has to go on.",
    },
}

PROVING = frozenset({Verdict.PASSED})
OPEN_GAPS = frozenset({GapStatus.OPEN, GapStatus.IN_PROGRESS})
