"""Create and delete volumes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from drivers import base
from groups import models
from groups.engine import storage, truth
from groups.engine.context import Context
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step
from groups.statuses import VolumeStatus


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


class ExtendVolume(Handler):
    """Make the volume larger on every side that has it.

    It does not wait for a site that is away, which would keep its group from failing over.
    """

    waits_for_sites = False

    def work(self) -> Sequence[Step]:
        """Return the one step. What has grown is as good as before for those who know of its old size only."""
        return (Step(name="extend", run=self._extend, commits=True),)

    def outcome(self) -> str:
        """Return that one that is attached stays so."""
        volume = self.context.operation.volume
        before = "" if volume is None else volume.previous_status
        return before if before == VolumeStatus.IN_USE else VolumeStatus.AVAILABLE

    def success_fields(self) -> Mapping[str, object]:
        """Return the new size."""
        return {"size_gib": self.context.arguments["size_gib"]}

    def _extend(self, call: base.Call) -> None:
        wanted = str(self.context.operation.volume_id)
        [volume] = [each for each in self.group.volumes if each.id == wanted]
        larger = dataclasses.replace(volume, size_bytes=self.context.arguments["size_gib"] * storage.GIB)
        self.driver.extend_volume(self.group, volume=larger, call=call)


class DeleteVolume(Handler):
    """Remove the volume from every side that has it; before that the snapshots that go with it."""

    looks_back = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        ids = context.arguments.get("snapshots", ())
        self._snapshots = list(models.Snapshot.objects.filter(pk__in=ids)) if ids else []

    def work(self) -> Sequence[Step]:
        """Return the steps."""
        deleting = Step(name="delete volume", run=self._delete, commits=True)
        if not self.context.arguments.get("snapshots"):
            return (deleting,)
        return (Step(name="delete snapshots", run=self._delete_snapshots, commits=True), deleting)

    def _delete_snapshots(self, call: base.Call) -> None:
        for row in self._snapshots:
            self.driver.delete_snapshots(storage.snapshot_set([row]), call=call)

    def _delete(self, call: base.Call) -> None:
        self.driver.delete_volume(self.group.volumes[0], call=call)
        truth.require_gone(self.group, self.driver.observe(self.group, call=call))
