"""Create and delete volumes."""

from __future__ import annotations

from collections.abc import Sequence

from drivers import base
from groups.engine import truth
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step


class CreateVolume(Handler):
    """Make the volume on its primary side."""

    looks_back = False

    def work(self) -> Sequence[Step]:
        """Return the one step."""
        return (Step(name="create volume", run=self._create, undo=self._delete),)

    def _create(self, call: base.Call) -> None:
        self.driver.create_volume(self.group.volumes[0], call=call)
        truth.require_made(self.group, self.driver.observe(self.group, call=call))

    def _delete(self, call: base.Call) -> None:
        self.driver.delete_volume(self.group.volumes[0], call=call)


class DeleteVolume(Handler):
    """Remove the volume from every side that has it."""

    looks_back = False

    def work(self) -> Sequence[Step]:
        """Return the one step."""
        return (Step(name="delete volume", run=self._delete, commits=True),)

    def _delete(self, call: base.Call) -> None:
        self.driver.delete_volume(self.group.volumes[0], call=call)
        truth.require_gone(self.group, self.driver.observe(self.group, call=call))
