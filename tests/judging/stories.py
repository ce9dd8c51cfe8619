"""Histories told by hand, for trying the judge: what happened at a small site where all went well."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from drivers import base
from drivers.fake.journal import LoggedCall
from groups import statuses
from groups.statuses import Axis, Kind, OperationState
from tests.judging.history import Event, Group, History, Look, Operation, Step, Volume

BEGIN = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
GROUP, FIRST, SECOND = (uuid.UUID(int=number) for number in (1, 2, 3))
ENABLE, FAIL_OVER = 3, 4
"""Places of two operations among those of the good history."""


@dataclasses.dataclass
class Story:
    """A history told one operation after another, each a minute after the one before."""

    told: History = dataclasses.field(default_factory=lambda: History(at_rest=True))
    minutes: int = 0

    def at(self, seconds: float) -> datetime.datetime:
        """Return a time in the present minute."""
        return BEGIN + datetime.timedelta(minutes=self.minutes, seconds=seconds)

    def add(self, **more: Any) -> None:
        """Tell more rows of some kinds."""
        self.told = dataclasses.replace(
            self.told, **{name: (*getattr(self.told, name), *rows) for name, rows in more.items()}
        )

    def event(self, seconds: float, axis: Axis, subject: uuid.UUID, old: str, new: str, operation: uuid.UUID) -> None:
        """Tell of one change of a status."""
        told = Event(
            id=len(self.told.events) + 1,
            at=self.at(seconds),
            axis=axis,
            subject_id=subject,
            group_id=GROUP,
            operation_id=operation,
            volumes=0,
            old=old,
            new=new,
            reason="as told",
        )
        self.add(events=[told])

    def call(
        self, seconds: float, method: str, *, owner: uuid.UUID = GROUP, epoch: int, side: str | None = None
    ) -> None:
        """Tell of one good driver call of half a second."""
        began = self.at(seconds).timestamp()
        told = LoggedCall(
            id=len(self.told.calls) + 1,
            method=method,
            owner=str(owner),
            backend_id=side,
            epoch=epoch,
            process_id=100 + self.minutes,
            started_at=began,
            ended_at=began + 0.5,
            outcome="ok",
            touched=("", "site-b"),
        )
        self.add(calls=[told])

    def operation(
        self,
        kind: Kind,
        *methods: str,
        subject: uuid.UUID = GROUP,
        epoch: int,
        was: str = "",
        target: str = "",
        receipt: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell of one operation that succeeds, with its driver calls."""
        self.minutes += 1
        number, move = uuid.UUID(int=1000 + self.minutes), statuses.MOVES[kind]
        self.event(0, Axis.OPERATION, number, "", OperationState.QUEUED, number)
        self.event(0, move.axis, subject, was, move.passing, number)
        self.event(1, Axis.OPERATION, number, OperationState.QUEUED, OperationState.RUNNING, number)
        for position, method in enumerate(methods):
            side = target if method in {"promote", "retire"} else None
            self.call(2 + position, method, owner=subject, epoch=epoch, side=side)
        self.event(20, Axis.OPERATION, number, OperationState.RUNNING, OperationState.SUCCEEDED, number)
        self.event(20, move.axis, subject, move.passing, move.success, number)
        told = Operation(
            id=number,
            kind=kind,
            subject_id=subject,
            group_id=GROUP if subject == GROUP else None,
            members=2 if move.axis == Axis.REPLICATION else 0,
            arguments={"target": target},
            state=OperationState.SUCCEEDED,
            fence=1,
            attempt=1,
            epoch=epoch,
            undoing=False,
            created_at=self.at(0),
            ended_at=self.at(20),
            lease_until=None,
            not_before=None,
            result=receipt or {},
            steps=(Step(name="promote", state="done", attempt=1, result={}),) if receipt else (),
        )
        self.add(operations=[told])


def look_at(side: str, *, replicating: bool) -> Look:
    """Return what a storage says that holds everything active on one side."""

    def facts(*sides: str) -> base.GroupFacts:
        active = side if side in sides else None
        return base.GroupFacts(
            active_side=active,
            writable=active is not None,
            replicating=replicating,
            volumes=tuple(
                base.VolumeFacts(id=str(volume), active_side=active, protected=replicating)
                for volume in (FIRST, SECOND)
            ),
            sides=tuple(base.SideFacts(backend_id=each, reachable=True) for each in sides),
            observed_at=0.0,
        )

    return Look(together=facts("", "site-b"), alone={"": facts(""), "site-b": facts("site-b")})


def told(*, moved: bool = True, mode: str = "planned", point: float = 0.0) -> Story:
    """Tell of a group that is made, enabled and, unless not `moved`, failed over.

    `point` is the one its receipt names, in seconds of the failover's minute.
    """
    story = Story()
    story.operation(Kind.CREATE_GROUP, "create_group", epoch=1)
    for volume in (FIRST, SECOND):
        story.operation(Kind.CREATE_VOLUME, "create_volume", subject=volume, epoch=1)
    story.operation(Kind.ENABLE, "enable_replication", "observe", epoch=2, was="disabled")
    if not moved:
        return _settled(story, status="enabled", active="")
    at = (BEGIN + datetime.timedelta(minutes=story.minutes + 1, seconds=point)).isoformat()
    receipt = {"mode": mode, "origin": "", "target": "site-b", "predicted": at, "point": at}
    # Epoch 3 was a round's.
    story.call(30, "replicate", epoch=3)
    story.operation(
        Kind.FAILOVER, "stop_writes", "replicate", "promote", "observe",
        epoch=4, was="enabled", target="site-b", receipt=receipt,
    )  # fmt: skip
    return _settled(story, status="failed-over", active="site-b")


def _settled(story: Story, *, status: str, active: str) -> Story:
    """Tell what is recorded in the end, and what the storage says."""
    members = tuple(
        Volume(id=volume, group_id=GROUP, status="available", replication_status=status, epoch=1)
        for volume in (FIRST, SECOND)
    )
    group = Group(
        id=GROUP,
        name="shop",
        status="available",
        replication_status=status,
        active_backend_id=active,
        epoch=4,
        members=members,
    )
    story.add(groups=[group], volumes=members)
    story.told = dataclasses.replace(story.told, looks={GROUP: look_at(active, replicating=status == "enabled")})
    return story
