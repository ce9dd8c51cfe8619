"""Mend a difference between record and storage: adopt what is there, or restore what is recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from drivers import base
from drivers.errors import Refused, SiteUnavailable
from groups.engine import discarding, rounds, truth
from groups.engine.handlers.base import Handler
from groups.engine.handlers.failover import ARRIVED, PLANNED, Change
from groups.engine.steps import Step
from groups.statuses import ReplicationStatus


class Adopt(Handler):
    """Record what the storage says; the storage is only looked at."""

    needs_members = True

    def work(self) -> Sequence[Step]:
        """Return the one step."""
        return (Step(name="look", run=self._look, every_attempt=True),)

    def outcome(self) -> str:
        """Return the replication status found."""
        return str(self.context.result_of("look").get("status", ReplicationStatus.DISABLED))

    def result(self) -> Mapping[str, object]:
        """Return what was found."""
        return self.context.result_of("look")

    def success_fields(self) -> Mapping[str, object]:
        """Return where the group is."""
        return {"active_backend_id": self.context.result_of("look").get("active", base.PRIMARY)}

    def on_success(self) -> None:
        """Begin or stop the rounds, as the status found has it."""
        if self.outcome() == ReplicationStatus.ENABLED:
            rounds.schedule(self.context.operation, driver=self.driver, group=self.group)
        else:
            rounds.unschedule(self.context.operation)

    def _look(self, call: base.Call) -> Mapping[str, object]:
        facts = self.driver.observe(self.group, call=call)
        active = _one_side(self.group, facts)
        truth.require_active(self.group, facts, backend_id=active)
        return {"active": active, "status": self._status(facts, active=active)}

    def _status(self, facts: base.GroupFacts, *, active: str) -> ReplicationStatus:
        if active != base.PRIMARY:
            return ReplicationStatus.FAILED_OVER
        if not facts.replicating:
            return ReplicationStatus.DISABLED
        truth.require_protected(self.group, facts)
        return ReplicationStatus.ENABLED


class Restore(Change):
    """Bring the storage to what is recorded, without losing what was written meanwhile.

    A group that was moved away is moved back as a planned failover would: what its clients wrote
    there comes along. What the recorded side alone holds would be discarded by that; only as much
    of it is as the request stated.
    """

    def work(self) -> Sequence[Step]:
        """Return the steps."""
        return (
            Step(name="preflight", run=self._preflight, every_attempt=True),
            Step(name="resume replication", run=self._rearm, when=self._leaves_primary, sticks=True),
            Step(name="resync primary", run=self._replicate, when=self._returns_to_primary),
            # What is where it should be is not promoted: that would end its replication.
            *(dataclasses.replace(step, when=self._is_planned) for step in self._planned_steps()),
            Step(name="retire old side", run=self._retire, when=self._is_planned, may_fail=True),
            Step(name="close other sides", run=self._close_others, when=self._has_others, commits=True),
            Step(name="let writes through", run=self._open, when=self._is_shut, commits=True),
            Step(name="correct membership", run=self._correct, when=self._has_strangers, commits=True),
            Step(name="replicate again", run=self._rearm, when=self._needs_copies, sticks=True),
            Step(name="drop copies", run=self._drop, when=self._has_copies, commits=True),
            Step(name="verify", run=self._verify),
        )

    def _not_back(self, facts: base.GroupFacts | None) -> str:
        # It was found somewhere else than the record says.
        if facts is None:
            return "The storage could not be looked at."
        return "" if facts.active_side == self.origin else truth.describe(self.group, facts)

    def canceled_truth(self) -> str:
        """Return what is true after a cancellation: what was copied by then is kept."""
        begun = any(step.sticks and self.context.journal.was_begun(step) for step in self.steps())
        return (
            "Everything is as it was before, but for what was copied to the secondaries."
            if begun
            else (super().canceled_truth())
        )

    @property
    def _recorded(self) -> str:
        return str(self.context.arguments["recorded"])

    def _found(self, name: str) -> object:
        return self.context.result_of("preflight").get(name)

    def _preflight(self, call: base.Call) -> Mapping[str, object]:
        facts = self.driver.observe(self.group, call=call)
        if not facts.side(self.target).reachable:
            raise SiteUnavailable(
                f"{truth.side_name(self.target).capitalize()} does not answer.", backend_id=self.target
            )
        active = _one_side(self.group, facts)
        moved = active != self.target
        discards = discarding.amount(self.group, facts, backend_id=self.target) if moved else 0
        discarding.require_stated(discards, limit=self.context.arguments["discard_bytes"], backend_id=self.target)
        bare = any(not fact.protected for fact in facts.volumes)
        empty = any(side.reachable and side.consistent_at is None for side in facts.sides)
        return {
            "origin": active,
            "mode": PLANNED if moved else ARRIVED,
            "point": truth.point(facts, backend_id=self.target),
            "discards": discards,
            "replicating": facts.replicating,
            "shut": not facts.writable,
            "complete": facts.replicating and not bare and not empty,
            "others": [
                side.backend_id
                for side in facts.sides
                if side.claims_active and side.backend_id not in {active, self.target}
            ],
            "strangers": list(facts.strangers),
        }

    def _leaves_primary(self) -> bool:
        return self._is_planned() and self.origin == base.PRIMARY and not self._found("replicating")

    def _returns_to_primary(self) -> bool:
        return self._is_planned() and self.target == base.PRIMARY

    def _has_others(self) -> bool:
        return bool(self._found("others"))

    def _is_shut(self) -> bool:
        return bool(self._found("shut")) and not self._is_planned()

    def _has_strangers(self) -> bool:
        return bool(self._found("strangers"))

    def _needs_copies(self) -> bool:
        wanted = self._recorded == ReplicationStatus.ENABLED
        return wanted and (self._is_planned() or not self._found("complete"))

    def _has_copies(self) -> bool:
        return self._recorded == ReplicationStatus.DISABLED and bool(self._found("replicating"))

    def _close_others(self, call: base.Call) -> None:
        for side in self.context.result_of("preflight")["others"]:
            self.driver.retire(self.group, backend_id=side, call=call)

    def _open(self, call: base.Call) -> None:
        self.driver.allow_writes(self.group, call=call)
        self.driver.serve(self.group, backend_id=self.target, call=call)

    def _correct(self, call: base.Call) -> None:
        gone = [
            base.Volume(id=str(volume_id), name="", size_bytes=0)
            for volume_id in self.context.result_of("preflight")["strangers"]
        ]
        self.driver.update_group(self.group, removed=gone, call=call)

    def _rearm(self, call: base.Call) -> None:
        self.driver.enable_replication(self.group, call=call)

    def _drop(self, call: base.Call) -> None:
        self.driver.disable_replication(self.group, call=call)

    def _verify(self, call: base.Call) -> None:
        facts = self.driver.observe(self.group, call=call)
        truth.require_active(self.group, facts, backend_id=self.target)
        if self._recorded == ReplicationStatus.ENABLED:
            truth.require_protected(self.group, facts)
        if self._recorded == ReplicationStatus.DISABLED and facts.replicating:
            raise truth.NotConfirmed(f"Replication still runs. {truth.describe(self.group, facts)}")


def _one_side(group: base.Group, facts: base.GroupFacts) -> str:
    """Return the side every member is active on. Raises `DriverError` when there is none such."""
    if facts.active_side is not None:
        return facts.active_side
    problem = truth.describe(group, facts)
    raise Refused(
        problem,
        remedy="Bring back the sides that do not answer; or fail over to the side that should be active, or back to"
        " the primary.",
    )
