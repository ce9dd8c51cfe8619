"""Fail over to a secondary, and fail back to the primary.

Planned: writes stop on the side that is left, a last round carries over what it has, the other
side is promoted; until then everything can be undone. Unplanned: the other side is promoted at
its newest complete point, and the side that is left is not called at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers import base
from drivers.errors import DriverError, NoRecoveryPoint, Refused, SiteUnavailable
from groups import clock
from groups.engine import calls, discarding, handover, rounds, truth
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step

PLANNED = "planned"
UNPLANNED = "unplanned"
ARRIVED = "arrived"
"""The group is active on the target already: an earlier attempt got that far."""

_LOOK_SECONDS = 5.0
COMPARE = "compare both sides"


class DataDiffers(DriverError):
    """The side to be promoted does not hold what the side that is left holds."""

    code = "data_differs"
    remedy = "The group was not moved. Find out which side's storage spoiled the data before it is failed over there."


class Change(Handler):
    """What failing over and failing back have in common."""

    needs_members = True

    @property
    def target(self) -> str:
        """Return the side to become active."""
        return str(self.context.arguments["target"])

    @property
    def mode(self) -> str:
        """Return how the preflight decided to go about it."""
        return str(self.context.result_of("preflight").get("mode", ""))

    @property
    def origin(self) -> str:
        """Return the side that is left, as the preflight found it."""
        return str(self.context.result_of("preflight").get("origin", self.context.arguments["origin"]))

    def success_fields(self) -> Mapping[str, object]:
        """Return where the group is now."""
        return {"active_backend_id": self.target}

    def failure_fields(self, facts: base.GroupFacts | None) -> Mapping[str, object]:
        """Return where the group is, by the storage or, where it could not tell, by a promotion that was confirmed."""
        if facts is not None and facts.active_side is not None:
            return {"active_backend_id": facts.active_side}
        return {"active_backend_id": self.target} if self.context.result_of("promote") else {}

    def failure_result(self, facts: base.GroupFacts | None) -> Mapping[str, object]:
        """Return who must connect anew where the group was moved all the same."""
        now = str(self.failure_fields(facts).get("active_backend_id", self.origin))
        return {"reconnect": hosts} if (hosts := self._hosts(now)) else {}

    def _hosts(self, now: str) -> Sequence[Mapping[str, object]]:
        """Return who must connect anew with the group active on that side."""
        return handover.list_hosts(self.driver, group=self.group, before=self.origin, after=now)

    def undone_problem(self, facts: base.GroupFacts | None) -> str:
        """Return why the group is not wholly back where it was; empty when it is."""
        return super().undone_problem(facts) or (self._not_back(facts) if self._has_begun() else "")

    def _not_back(self, facts: base.GroupFacts | None) -> str:
        if facts is None:
            return "The storage could not be looked at."
        try:
            truth.require_active(self.group, facts, backend_id=str(self.context.arguments["origin"]))
        except truth.NotConfirmed as error:
            return error.message
        return ""

    def _has_begun(self) -> bool:
        """Tell whether anything was begun that had to be undone; until then every side is as it was."""
        return any(step.undo is not None and self.context.journal.was_begun(step) for step in self.steps())

    def result(self) -> Mapping[str, object]:
        """Return how it was done, from where to where, the point that the data is of, and who must connect anew."""
        predicted = self.context.result_of("preflight").get("point", "")
        return {
            "mode": self.mode,
            "origin": self.origin,
            "target": self.target,
            "predicted": predicted,
            # A side that became active says of itself that it is of the present; its data is not.
            "point": self.context.result_of("final round").get("point") or predicted,
            "discarded": self.context.result_of("preflight").get("discards", 0),
            "reconnect": self._hosts(self.target),
        }

    def _look_at_origin(self) -> base.GroupFacts | None:
        """Look at the side that is left; None when it does not answer soon.

        It may be the one that died, in whatever way: it must not hold up the other.
        """
        origin = str(self.context.arguments["origin"])
        try:
            facts = calls.short(
                lambda call: self.driver.observe(self.group, sides=[origin], call=call),
                name="look at the side that is left",
                epoch=self.context.operation.epoch,
                deadline_seconds=_LOOK_SECONDS,
            )
        except DriverError:
            return None
        return facts if facts.side(origin).reachable else None

    def _look_at_target(self, call: base.Call) -> base.GroupFacts:
        """Look at the side to become active. Raises `SiteUnavailable` when it does not answer."""
        facts = self.driver.observe(self.group, sides=[self.target], call=call)
        if not facts.side(self.target).reachable:
            raise SiteUnavailable(
                f"{truth.side_name(self.target).capitalize()} does not answer.", backend_id=self.target
            )
        return facts

    def _has_arrived(self, facts: base.GroupFacts) -> bool:
        elsewhere = any(fact.active_side != self.target for fact in facts.volumes)
        return facts.active_side == self.target and not elsewhere

    def _shared_point(self, facts: base.GroupFacts) -> str:
        """Return the point of the data that the target has in common with the side that is left.

        A target that nobody told when the group left it says that it is of the present, and knows nothing of
        what was written elsewhere since: the receipt of that move names the point it was left at.
        """
        if not facts.side(self.target).claims_active:
            return truth.point(facts, backend_id=self.target)
        return str(self.context.arguments["left_at"])

    def _is_planned(self) -> bool:
        return self.mode == PLANNED

    def _stop_writes(self, call: base.Call) -> None:
        self.driver.stop_writes(self.group, call=call)
        facts = self.driver.observe(self.group, sides=[self.origin], call=call)
        if facts.writable:
            raise truth.NotConfirmed(f"Writes were not stopped. {truth.describe(self.group, facts)}")

    def _allow_writes(self, call: base.Call) -> None:
        self.driver.allow_writes(self.group, call=call)

    def _replicate(self, call: base.Call) -> Mapping[str, object]:
        facts = self.driver.replicate(self.group, backend_id=self.target, call=call)
        return {"point": truth.point(facts, backend_id=self.target)}

    def _replicate_the_last(self, call: base.Call) -> Mapping[str, object]:
        """Run the round after which the target must lack nothing."""
        found = self._replicate(call)
        facts = self.driver.observe(self.group, sides=[self.origin, self.target], call=call)
        if facts.side(self.target).bytes_behind:
            raise truth.NotConfirmed(
                f"{truth.side_name(self.target).capitalize()} lacks data after the last round."
                f" {truth.describe(self.group, facts)}"
            )
        return found

    def _compare(self, call: base.Call) -> Mapping[str, object]:
        """Compare every volume on both sides, which hold the same as long as nobody writes. Raises `DataDiffers`."""
        began = clock.seconds()
        left = self.driver.digest(self.group, backend_id=self.origin, call=call)
        found = self.driver.digest(self.group, backend_id=self.target, call=call)
        if differing := [volume.id for volume in self.group.volumes if found[volume.id] != left[volume.id]]:
            raise DataDiffers(
                f"With writes stopped, {truth.side_name(self.target)} does not hold what the side that is left holds"
                f" of: {', '.join(differing)}."
            )
        same = [{"id": each.id, "digest": found[each.id], "bytes": each.size_bytes} for each in self.group.volumes]
        return {"volumes": same, "seconds": clock.seconds() - began}

    def _promote(self, call: base.Call) -> Mapping[str, object]:
        self.driver.promote(self.group, backend_id=self.target, call=call)
        # Looked at before the step counts as done: from then on nothing is moved back any more.
        facts = self._look_at_target(call)
        truth.require_active(self.group, facts, backend_id=self.target)
        return {"seen_at": facts.observed_at}

    def _demote(self, call: base.Call) -> None:
        # Only a planned move goes back: nothing was written on either side since the last round.
        # What was promoted steps down first, so that no volume is ever active on two sides.
        if self._is_planned():
            self.driver.retire(self.group, backend_id=self.target, call=call)
            self.driver.promote(self.group, backend_id=self.origin, call=call)
            if self.origin == base.PRIMARY:
                # A promotion ends replication; the group is to be protected as it was.
                self.driver.enable_replication(self.group, call=call)

    def _retire(self, call: base.Call) -> None:
        self.driver.retire(self.group, backend_id=self.origin, call=call)

    def _planned_steps(self) -> tuple[Step, ...]:
        # Only where it was asked for: writes stand still meanwhile.
        compares = self.context.arguments.get("compare")
        return (
            Step(name="stop writes", run=self._stop_writes, undo=self._allow_writes, when=self._is_planned),
            Step(name="final round", run=self._replicate_the_last, when=self._is_planned),
            *((Step(name=COMPARE, run=self._compare, when=self._is_planned),) if compares else ()),
            Step(name="promote", run=self._promote, undo=self._demote, commits=True),
        )


class Failover(Change):
    """Make a secondary the active side."""

    def work(self) -> Sequence[Step]:
        """Return the steps."""
        return (
            Step(name="preflight", run=self._preflight, every_attempt=True),
            Step(name="resume replication", run=self._resume, when=self._was_interrupted),
            *self._planned_steps(),
            Step(name="retire old side", run=self._retire, when=self._is_planned, may_fail=True),
            Step(name="verify", run=self._verify),
        )

    def on_success(self) -> None:
        """Stop the rounds: the primary is no longer the source."""
        rounds.unschedule(self.context.operation)

    def _preflight(self, call: base.Call) -> Mapping[str, object]:
        asked = self.context.arguments["mode"]
        facts = self._look_at_target(call)
        # The side that is left is not even looked at when the move is unplanned.
        left = None if asked == UNPLANNED else self._look_at_origin()
        replicating = left is not None and left.replicating
        origin = str(self.context.arguments["origin"])
        found = {"origin": origin, "point": self._shared_point(facts), "replicating": replicating}
        # Which of two sides that take themselves for active became so last, only a look at both can tell.
        both = facts if left is None else self.driver.observe(self.group, sides=[origin, self.target], call=call)
        if left is not None and self._has_arrived(both):
            return {**found, "mode": ARRIVED}
        # Where a promotion was cut off, some members are active there already and bear the point of the
        # others: only the promotion itself can tell whether it can be finished.
        begun = any(fact.active_side == self.target for fact in both.volumes)
        mode = self._decided(asked, answers=left is not None)
        # What an interrupted attempt left without a point gets a new one before anything is moved.
        resumed = mode == PLANNED and self._resumes(replicating=replicating)
        if facts.side(self.target).consistent_at is None and not begun and not resumed:
            raise NoRecoveryPoint(f"{truth.side_name(self.target).capitalize()} holds no complete point of the group.")
        if begun and mode == PLANNED:
            # Its clients may have written on either side since: what is lost is for a person to say.
            raise Refused(
                f"Some volumes are active on {truth.side_name(self.target)} already, and the side that is left answers:"
                " a planned failover is not possible.",
                remedy="Fail over unplanned to finish there, which loses what was written on the side that is left; or"
                " fail back, which loses what was written there.",
            )
        return {**found, "mode": mode}

    def _was_interrupted(self) -> bool:
        """Tell whether an earlier attempt left the primary active but not replicating."""
        replicating = bool(self.context.result_of("preflight").get("replicating"))
        return self._is_planned() and self._resumes(replicating=replicating)

    def _resumes(self, *, replicating: bool) -> bool:
        return self.context.arguments["origin"] == base.PRIMARY and not replicating

    def _resume(self, call: base.Call) -> None:
        self.driver.enable_replication(self.group, call=call)

    def _decided(self, asked: str, *, answers: bool) -> str:
        if asked == PLANNED and not answers:
            origin = str(self.context.arguments["origin"])
            raise SiteUnavailable(
                f"{truth.side_name(origin).capitalize()} does not answer, so a planned failover is not possible.",
                backend_id=origin,
                remedy="Bring that side back, or fail over unplanned: what it had not yet sent is lost.",
            )
        return PLANNED if answers else UNPLANNED

    def _verify(self, call: base.Call) -> None:
        facts = self.driver.observe(self.group, sides=[self.target], call=call)
        truth.require_active(self.group, facts, backend_id=self.target)


class Failback(Change):
    """Make the primary the active side again, and protect the group anew."""

    def work(self) -> Sequence[Step]:
        """Return the steps."""
        return (
            Step(name="preflight", run=self._preflight, every_attempt=True),
            # Most is carried over while the secondary still takes writes; the last round is short.
            Step(name="resync primary", run=self._replicate, when=self._is_planned),
            *self._planned_steps(),
            Step(name="retire old side", run=self._retire, when=self._is_planned, may_fail=True),
            Step(name="replicate again", run=self._rearm),
            Step(name="verify", run=self._verify),
        )

    def on_success(self) -> None:
        """Schedule the next round."""
        rounds.schedule(self.context.operation, driver=self.driver, group=self.group)

    def _preflight(self, call: base.Call) -> Mapping[str, object]:
        asked = self.context.arguments["mode"]
        origin = str(self.context.arguments["origin"])
        facts = self._look_at_target(call)
        found = {"origin": origin, "point": truth.point(facts, backend_id=self.target)}
        limit = self.context.arguments.get("discard_bytes")
        if origin == self.target:
            discards = self._held_elsewhere(call, limit=limit)
            return {**found, "mode": ARRIVED, "discards": discards}
        if asked == UNPLANNED:
            # The side that is left is not asked: it may hold as much as there is.
            everything = sum(volume.size_bytes for volume in self.group.volumes)
            discarding.require_stated(everything, limit=limit, backend_id=origin)
            return {**found, "point": self._shared_point(facts), "mode": UNPLANNED}
        left = self._look_at_origin()
        if left is not None and left.active_side != origin and self._has_arrived(facts):
            # Both sides agree; a primary that was left unplanned may still think it is active.
            return {**found, "mode": ARRIVED}
        if left is None:
            # Going back without it would discard what was written there: only a person may say so.
            raise SiteUnavailable(
                f"{truth.side_name(origin).capitalize()} does not answer; failing back without it would discard what"
                " was written there.",
                backend_id=origin,
                remedy="Bring that side back; or fail back unplanned, which discards what was written there.",
            )
        both = self.driver.observe(self.group, sides=[origin, self.target], call=call)
        discards = discarding.amount(self.group, both, backend_id=self.target)
        discarding.require_stated(discards, limit=limit, backend_id=self.target)
        return {**found, "mode": PLANNED, "discards": discards}

    def _held_elsewhere(self, call: base.Call, *, limit: int | None) -> int:
        """Return how many bytes protecting the group again would discard on sides that took writes meanwhile."""
        facts = self.driver.observe(self.group, call=call)
        sides = [side.backend_id for side in facts.sides if side.claims_active and side.backend_id != self.target]
        found = {side: discarding.amount(self.group, facts, backend_id=side) for side in sides}
        for side, discards in found.items():
            discarding.require_stated(discards, limit=limit, backend_id=side)
        return sum(found.values())

    def _rearm(self, call: base.Call) -> None:
        self.driver.enable_replication(self.group, call=call)

    def _verify(self, call: base.Call) -> None:
        facts = self.observe_open(self.target, call=call)
        truth.require_active(self.group, facts, backend_id=self.target)
        truth.require_protected(self.group, facts)
