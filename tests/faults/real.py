"""The same bench on real storage: one QEMU daemon a side."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Sequence

import psutil

from drivers.base import Call
from drivers.fake.journal import LoggedCall
from drivers.qemu.folder import Folder
from drivers.qemu.side import Side
from groups import models
from groups.services import backends
from tests.drivers.qemu.daemons import Sites
from tests.faults.matrix import SIDES
from tests.support import domain

_WRITTEN = 4096
_HANG_UP_SECONDS = 10.0
_MARKS = ("f", "c", "b", "r", "x", "i", "p", "t", "q", "z")
"""What a cut, a round or a snapshot puts into a daemon while it lasts."""


class RealControl:
    """Power over real sites, in the words of the fake storage's control."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites

    def site_up(self, side: str) -> None:
        """Start a side's daemon, if it does not run."""
        if side not in self.sites.processes:
            self.sites.start(side)

    def site_down(self, side: str) -> None:
        """Kill a side's daemon."""
        self.sites.kill(side)

    def write(self, *, side: str, volume_id: str, offset: int, data: bytes) -> None:
        """Write as a client."""
        self.sites.write(side, volume_id, offset, data)

    def clear_faults(self) -> None:
        """Do nothing: real storage takes no orders to fail."""

    def forget_log(self) -> None:
        """Do nothing: real storage keeps no log of calls."""


class Real:
    """What real sites tell of themselves."""

    def __init__(self, sites: Sites) -> None:
        self._sites = sites

    def log(self) -> Sequence[LoggedCall]:
        """See `Storage.log`."""
        return ()

    def inventory(self) -> set[str]:
        """See `Storage.inventory`: files, what daemons have open, lines to them, and processes at work on them."""
        found = set()
        for side, folder in self._sites.folders.items():
            files = [*folder.images.iterdir(), *folder.records.iterdir(), *folder.snapshots.iterdir()]
            found |= {f"{side or 'primary'}: file {path.name}" for path in files}
            if side in self._sites.processes:
                found |= {f"{side or 'primary'}: open {name}" for name in _open(side, folder)}
                found |= {f"{side or 'primary'}: line {number}" for number in range(self._lines(side, folder))}
        return found | {f"process {name}" for name in self._helpers()}

    def holds(self, volume_ids: Sequence[str]) -> object:
        """See `Storage.holds`."""
        return {side: [self._copy(side, volume_id) for volume_id in volume_ids] for side in SIDES}

    def _copy(self, side: str, volume_id: str) -> object:
        path = self._sites.folders[side].image(volume_id)
        if not path.exists():
            return None
        with path.open("rb") as file:
            content = file.read(_WRITTEN).rstrip(b".\0").decode()
            return {
                "content": content,
                "size": os.fstat(file.fileno()).st_size,
                "more": _has_data(file.fileno(), after=1 << 20),
                "clients write": side in self._sites.processes and self._sites.can_write(side, volume_id),
            }

    def _lines(self, side: str, folder: Folder) -> int:
        """Return how many clients are connected to a daemon, once those that hung up are gone."""
        daemon = psutil.Process(self._sites.process_id(side))
        ends = time.monotonic() + _HANG_UP_SECONDS
        while True:
            own = [line for line in daemon.net_connections("unix") if line.laddr == os.fspath(folder.nbd_socket)]
            # One of them is where it listens.
            if len(own) <= 1 or time.monotonic() > ends:
                return len(own) - 1
            time.sleep(0.01)

    def _helpers(self) -> list[str]:
        """Return the processes at work on the sites, but the daemons."""
        daemons = {process.pid for process in self._sites.processes.values()}
        folder = os.fspath(self._sites.path)
        found = []
        for process in psutil.process_iter(["pid", "cmdline"]):
            words = process.info["cmdline"] or []
            if process.pid not in daemons and any(folder in word for word in words):
                found.append(words[0])
        return found


def _open(side: str, folder: Folder) -> list[str]:
    """Return what a daemon has open of a cut or a round, and its jobs."""
    view = Side(backend_id=side, folder=folder, call=Call(epoch=0)).look()
    lasting = [name for name in (*view.nodes, *view.exports) if name.startswith(_MARKS) and len(name) in {25, 29}]
    return [*lasting, *view.jobs]


def _has_data(descriptor: int, *, after: int) -> bool:
    """Tell whether there is more in an image than its first part."""
    try:
        os.lseek(descriptor, after, os.SEEK_DATA)
    except OSError:
        return False
    return True


def on_real_storage(site: domain.Site, sites: Sites) -> domain.Site:
    """Return the site with real storage in the place of the fake one."""
    paths = {side: {"site": os.fspath(folder.path)} for side, folder in sites.folders.items()}
    primary = paths.pop("")
    backend = backends.add(site.admin, name="real", driver="qemu", options=primary, targets=paths)
    models.Backend.objects.exclude(pk=backend.pk).update(enabled=False)
    return dataclasses.replace(site, backend=backend, control=RealControl(sites))
