"""Enable and disable replication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers import base
from groups.engine import rounds, truth
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step
from groups.statuses import ReplicationStatus


class Enable(Handler):
    """Copy every volume to every target, and see that each target holds a complete point."""

    needs_members = True

    def work(self) -> Sequence[Step]:
        """Return the steps: copy, verify."""
        fresh = self._was() == ReplicationStatus.DISABLED
        return (
            # Copies of a failed attempt are kept: the next one needs to copy only what they lack.
            Step(name="copy", run=self._copy, undo=self._take_down if fresh else None, undo_on_failure=False),
            Step(name="verify", run=self._verify),
        )

    def on_success(self) -> None:
        """Schedule the first round."""
        rounds.schedule(self.context.operation, driver=self.driver, group=self.group)

    def result(self) -> Mapping[str, object]:
        """Return the points reached."""
        return self.context.result_of("verify")

    def _was(self) -> str:
        group = self.context.operation.group
        return group.previous_replication_status if group is not None else ""

    def _copy(self, call: base.Call) -> None:
        self.driver.enable_replication(self.group, call=call)

    def _take_down(self, call: base.Call) -> None:
        self.driver.disable_replication(self.group, call=call)

    def _verify(self, call: base.Call) -> Mapping[str, object]:
        facts = self.observe_open(base.PRIMARY, call=call)
        truth.require_active(self.group, facts, backend_id=base.PRIMARY)
        truth.require_protected(self.group, facts)
        return {"points": {side.backend_id: side.consistent_at for side in facts.sides if side.backend_id}}


class Disable(Handler):
    """Stop replicating, and see that nothing replicates any more."""

    needs_members = True

    def work(self) -> Sequence[Step]:
        """Return the steps: take down, verify."""
        return (
            # Half of the copies gone is no protection to go back to: forward is the only way.
            Step(name="take down", run=self._take_down, commits=True),
            Step(name="verify", run=self._verify),
        )

    def on_success(self) -> None:
        """Stop the rounds."""
        rounds.unschedule(self.context.operation)

    def _take_down(self, call: base.Call) -> None:
        self.driver.disable_replication(self.group, call=call)

    def _verify(self, call: base.Call) -> None:
        facts = self.observe_open(base.PRIMARY, call=call)
        truth.require_active(self.group, facts, backend_id=base.PRIMARY)
        if facts.replicating or any(fact.protected for fact in facts.volumes):
            raise truth.NotConfirmed(f"Replication still runs. {truth.describe(self.group, facts)}")
