"""Create, change and delete groups."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence

from drivers import base
from groups import transitions
from groups.engine import findings, rounds, storage, truth
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step


class CreateGroup(Handler):
    """Make the group known to the storage."""

    looks_back = False

    def work(self) -> Sequence[Step]:
        """Return the one step."""
        return (Step(name="create group", run=self._create, undo=self._delete),)

    def _create(self, call: base.Call) -> None:
        self.driver.create_group(self.group, call=call)

    def _delete(self, call: base.Call) -> None:
        self.driver.delete_group(self.group, call=call)


class UpdateGroup(Handler):
    """Make the storage's membership equal to the recorded one.

    Volumes that join are members in the database from the request on; those that leave are so
    until the storage has let them go. Whatever ends the operation without success gives back the former.
    """

    def work(self) -> Sequence[Step]:
        """Return the one step."""
        return (Step(name="change members", run=self._change, undo=self._change_back, commits=True),)

    def undone_problem(self, facts: base.GroupFacts | None) -> str:
        """Return that what was to leave has lost its copies; what joined is taken out again without a trace."""
        begun = any(self.context.journal.was_begun(step) for step in self.steps())
        return "It was too late for that: volumes had begun to leave." if begun and self._ids("removed") else ""

    def on_success(self) -> None:
        """Let the removed volumes go."""
        transitions.let_go(self._ids("removed"), operation=self.context.operation)

    def _change(self, call: base.Call) -> None:
        removed = {str(pk) for pk in self._ids("removed")}
        after = tuple(volume for volume in self.group.volumes if volume.id not in removed)
        gone = [volume for volume in self.group.volumes if volume.id in removed]
        wanted = dataclasses.replace(self.group, volumes=after)
        if self.context.arguments["only_missing"]:
            truth.require_missing(self.group, gone, self.driver.observe(self.group, call=call))
        self.driver.update_group(wanted, removed=gone, call=call)
        self._require_released(wanted, removed, call=call)

    def _require_released(self, wanted: base.Group, removed: set[str], *, call: base.Call) -> None:
        """Raise `NotConfirmed` when the storage still replicates what was to leave."""
        if not wanted.volumes:
            return
        facts = self.driver.observe(wanted, call=call)
        if kept := sorted(removed.intersection(facts.strangers)):
            names = storage.names(self.group.volumes, kept)
            raise truth.NotConfirmed(f"Still replicated with the group: {names}. {truth.describe(wanted, facts)}")

    def _change_back(self, call: base.Call) -> None:
        added = {str(pk) for pk in self._ids("added")}
        before = tuple(volume for volume in self.group.volumes if volume.id not in added)
        gone = [volume for volume in self.group.volumes if volume.id in added]
        self.driver.update_group(dataclasses.replace(self.group, volumes=before), removed=gone, call=call)

    def _ids(self, which: str) -> list[uuid.UUID]:
        return [uuid.UUID(text) for text in self.context.arguments[which]]


class DeleteGroup(Handler):
    """Take down replication, then delete the volumes one by one."""

    def work(self) -> Sequence[Step]:
        """Return the steps."""
        return (
            Step(name="forget group", run=self._forget, commits=True),
            Step(name="delete volumes", run=self._delete_volumes, commits=True),
        )

    def on_success(self) -> None:
        """Stop the rounds, and close what was found about the group."""
        rounds.unschedule(self.context.operation)
        findings.close_all(self.context.operation.subject_id)

    def _forget(self, call: base.Call) -> None:
        self.driver.delete_group(self.group, call=call)

    def _delete_volumes(self, call: base.Call) -> Mapping[str, object]:
        total = len(self.group.volumes)
        for done, volume in enumerate(self.group.volumes):
            call.progress(done=done, total=total, unit="volumes", waiting_for=volume.name or volume.id)
            self.driver.delete_volume(volume, call=call)
        truth.require_gone(self.group, self.driver.observe(self.group, call=call))
        return {"volumes": total}
