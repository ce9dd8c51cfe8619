"""Volumes and groups made from snapshots, or from what other ones hold now."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from drivers import base
from groups import models
from groups.engine import storage, truth
from groups.engine.context import Context
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step


class Copying(Handler):
    """Make the subject's volumes from snapshots; those of a live source are taken for this alone, at one moment.

    The arguments name, for each new volume, the snapshot or the volume that it is made from.
    """

    looks_back = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._chosen: Mapping[str, str] = context.arguments["made_from"]
        self._live = bool(context.arguments["live"])
        rows = self._live_rows() if self._live else []
        self.home = storage.home_of(rows[0]) if rows else None
        self.source = self._own_set(rows) if self._live else self._kept_set()

    def work(self) -> Sequence[Step]:
        """Return the steps: with a live source, a snapshot is taken first and dropped at last."""
        copying = (Step(name="copy", run=self._copy, undo=self._delete), *self.finishing())
        if not self._live:
            return copying
        return (
            Step(name="take snapshot", run=self._take, undo=self._drop),
            *copying,
            Step(name="drop snapshot", run=self._drop),
        )

    def finishing(self) -> Sequence[Step]:
        """Return the steps after the copying."""
        return (Step(name="verify", run=self._verify),)

    def _live_rows(self) -> list[models.Volume]:
        found = models.Volume.objects.select_related("group__group_type").in_bulk(map(uuid.UUID, self._chosen.values()))
        return [found[uuid.UUID(pk)] for pk in self._chosen.values() if uuid.UUID(pk) in found]

    def _own_set(self, rows: Sequence[models.Volume]) -> base.SnapshotSet:
        """Return the snapshots taken for this operation alone, each named after the volume made from it."""
        sizes = {str(row.pk): row.size_gib * storage.GIB for row in rows}
        return base.SnapshotSet(
            id=str(self.context.operation.pk),
            backend_id=self.context.arguments["side"],
            snapshots=tuple(
                base.Snapshot(id=made, volume_id=source, size_bytes=sizes.get(source, 0))
                for made, source in self._chosen.items()
            ),
        )

    def _kept_set(self) -> base.SnapshotSet:
        return storage.snapshot_set(list(models.Snapshot.objects.filter(pk__in=list(self._chosen.values()))))

    def _take(self, call: base.Call) -> None:
        if self.home is None:
            raise truth.NotConfirmed("What it should be made from is gone.")
        self.driver.create_snapshots(self.home, wanted=self.source, call=call)

    def _drop(self, call: base.Call) -> None:
        self.driver.delete_snapshots(self.source, call=call)

    def _copy(self, call: base.Call) -> None:
        snapshots = {made: made if self._live else source for made, source in self._chosen.items()}
        self.driver.create_volumes_from(self.group, source=self.source, snapshots=snapshots, call=call)

    def _verify(self, call: base.Call) -> None:
        truth.require_made(self.group, self.driver.observe(self.group, call=call))

    def _delete(self, call: base.Call) -> None:
        for volume in self.group.volumes:
            self.driver.delete_volume(volume, call=call)


class CopyGroup(Copying):
    """Make a group with volumes from a group snapshot, or from another group as it is now."""

    def finishing(self) -> Sequence[Step]:
        """Return the steps after the copying."""
        return (Step(name="create group", run=self._create_group, undo=self._delete_group), *super().finishing())

    def _create_group(self, call: base.Call) -> None:
        self.driver.create_group(self.group, call=call)

    def _delete_group(self, call: base.Call) -> None:
        self.driver.delete_group(self.group, call=call)
