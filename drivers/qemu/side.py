"""One side of a backend while a call talks to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from drivers.base import Call
from drivers.qemu import graph, images, qmp, record
from drivers.qemu.folder import Folder


class Side:
    """A site that answered when this was made. Its files are used only while its daemon answers."""

    def __init__(self, *, backend_id: str, folder: Folder, call: Call) -> None:
        self.backend_id, self.folder, self.call = backend_id, folder, call
        self.direct = False
        self._monitor: qmp.Monitor | None = None
        with self.talk():
            self.direct = images.direct_works(folder)

    @property
    def title(self) -> str:
        """What to call the side at the start of a sentence."""
        return qmp.title(self.backend_id)

    @contextlib.contextmanager
    def talk(self) -> Iterator[qmp.Monitor]:
        """Talk to the daemon; inside another `talk`, on the same line."""
        if self._monitor is not None:
            yield self._monitor
            return
        self._monitor = qmp.Monitor(folder=self.folder, backend_id=self.backend_id, call=self.call)
        try:
            yield self._monitor
        finally:
            self._monitor.close()
            self._monitor = None

    @contextlib.contextmanager
    def hold(self, group_id: str) -> Iterator[record.Held]:
        """Hold the side's record of a group, fenced by the call's epoch, with a line to the daemon."""
        with (
            record.hold(self.folder, group_id=group_id, backend_id=self.backend_id, call=self.call) as held,
            self.talk(),
        ):
            yield held

    def record(self, group_id: str) -> record.Record:
        """Return the side's record of a group as it is now."""
        return record.load(self.folder, group_id=group_id)

    def look(self) -> graph.View:
        """Return what exists in the daemon."""
        with self.talk() as monitor:
            return graph.look(monitor)
