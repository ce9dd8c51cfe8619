"""What every handler has."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Mapping, Sequence

from drivers import base
from drivers.errors import Refused
from groups.engine.context import Context
from groups.engine.steps import Step


class Handler(abc.ABC):
    """The steps of one verb, and what its end writes besides the statuses.

    Built anew for every attempt; keeps nothing that the journal does not hold.
    """

    needs_members = False
    """Whether the verb means nothing for a group without volumes."""

    waits_for_sites = True
    """Whether it is tried again when a site does not answer; else it ends, and holds nobody up."""

    looks_back = True
    """Whether the group is looked at after a failure, to say what is true then."""

    def __init__(self, context: Context) -> None:
        self.context = context

    @property
    def driver(self) -> base.Driver:
        """Return the driver of the subject's backend."""
        return self.context.driver

    @property
    def group(self) -> base.Group:
        """Return the group as the driver knows it."""
        return self.context.group

    def steps(self) -> Sequence[Step]:
        """Return the steps in order; the same ones on every attempt.

        Where there is nothing to replicate there is nothing to do, and the storage is not asked.
        """
        return () if self.needs_members and not self.group.volumes else self.work()

    @abc.abstractmethod
    def work(self) -> Sequence[Step]:
        """Return the steps in order."""

    def observe_open(self, backend_id: str, *, call: base.Call) -> base.GroupFacts:
        """Look at every side; where the active one was restarted and lets no client in, let them in first."""
        facts = self.driver.observe(self.group, call=call)
        if facts.writable or not facts.side(backend_id).claims_active:
            return facts
        with contextlib.suppress(Refused):
            self.driver.serve(self.group, backend_id=backend_id, call=call)
        return self.driver.observe(self.group, call=call)

    def result(self) -> Mapping[str, object]:
        """Return what the operation found and measured, for its row."""
        return {}

    def outcome(self) -> str:
        """Return the status success ends in, for a verb whose move leaves it open."""
        return ""

    def on_success(self) -> None:  # noqa: B027 - most verbs have nothing to add
        """Write what belongs to success, inside the ending transaction."""

    def success_fields(self) -> Mapping[str, object]:
        """Return columns of the subject that success changes."""
        return {}

    def failure_fields(self, facts: base.GroupFacts | None) -> Mapping[str, object]:
        """Return columns of the subject that are true after a failure, by what was seen."""
        return {}

    def failure_result(self, facts: base.GroupFacts | None) -> Mapping[str, object]:
        """Return what is to be known of a failure besides its cause, by what was seen."""
        return {}

    def undone_problem(self, facts: base.GroupFacts | None) -> str:
        """Return why a cancellation cannot be claimed, by what was seen; empty when it can."""
        journal = self.context.journal
        begun = [step.name for step in self.steps() if step.commits and not step.undo and journal.was_begun(step)]
        return f"It was too late for that: '{begun[0]}' had begun." if begun else ""

    def canceled_truth(self) -> str:
        """Return what is true after a cancellation that can be claimed."""
        return "Everything is as it was before."
