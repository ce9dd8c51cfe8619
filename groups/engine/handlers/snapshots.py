"""Take and delete snapshots, of one volume or of a group."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from drivers import base
from groups import models
from groups.engine import storage, truth
from groups.engine.context import Context
from groups.engine.handlers.base import Handler
from groups.engine.steps import Step


class _OfSnapshots(Handler):
    """What the verbs of snapshots do alike."""

    looks_back = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.rows = storage.snapshots_of(context.operation)
        self.set = storage.snapshot_set(self.rows)

    def require_kept(self, call: base.Call, *, wanted: bool) -> None:
        """Raise `NotConfirmed` unless the storage has the snapshots, all of them, or none of them."""
        there = set(self.driver.whole_snapshots(self.set, call=call))
        if wrong := [row for row in self.rows if (str(row.pk) in there) is not wanted]:
            what = "Not taken" if wanted else "Not deleted"
            raise truth.NotConfirmed(f"{what}: snapshot {', '.join(row.name or str(row.pk) for row in wrong)}.")


class TakeSnapshot(_OfSnapshots):
    """Take the snapshots at one moment, on the side where the volumes are active.

    It does not wait for a site that is away: a snapshot is of the time it was asked for.
    """

    waits_for_sites = False

    def work(self) -> Sequence[Step]:
        """Return the one step."""
        return (Step(name="take snapshot", run=self._take, undo=self._remove),)

    def on_success(self) -> None:
        """Note the moment; refuse to call a snapshot the group's that may be of a side it had left."""
        at = datetime.datetime.fromtimestamp(self.context.result_of("take snapshot")["taken_at"], tz=datetime.UTC)
        homes = {row.volume.group_id for row in self.rows if row.volume.group_id is not None}
        moved = models.Group.objects.filter(pk__in=homes).exclude(active_backend_id=self.set.backend_id).first()
        if moved is not None:
            where = truth.side_name(moved.active_backend_id)
            raise truth.NotConfirmed(f"Group {moved} was moved to {where} while the snapshot was taken.")
        models.Snapshot.objects.filter(pk__in=[row.pk for row in self.rows]).update(taken_at=at)
        if (whole := self.context.operation.group_snapshot_id) is not None:
            models.GroupSnapshot.objects.filter(pk=whole).update(taken_at=at)

    def canceled_truth(self) -> str:
        """Return that nothing was kept."""
        return "No snapshot was kept."

    def _take(self, call: base.Call) -> Mapping[str, object]:
        at = self.driver.create_snapshots(self.group, wanted=self.set, call=call)
        self.require_kept(call, wanted=True)
        return {"taken_at": at}

    def _remove(self, call: base.Call) -> None:
        self.driver.delete_snapshots(self.set, call=call)


class DeleteSnapshot(_OfSnapshots):
    """Remove the snapshots from the side they were taken on."""

    def work(self) -> Sequence[Step]:
        """Return the one step."""
        return (Step(name="delete snapshot", run=self._delete, commits=True),)

    def _delete(self, call: base.Call) -> None:
        self.driver.delete_snapshots(self.set, call=call)
        self.require_kept(call, wanted=False)
