"""Where things are in one site's folder."""

from __future__ import annotations

import pathlib
import re

from drivers.errors import Refused

LONGEST_SOCKET_PATH = 107
MONITORS = 8
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Folder:
    """The layout of one site's folder."""

    def __init__(self, path: str | pathlib.Path) -> None:
        self.path = pathlib.Path(path)
        self.images = self.path / "images"
        self.records = self.path / "records"
        self.locks = self.path / "locks"
        self.undo = self.path / "undo"
        self.copies = self.path / "copies"
        self.snapshots = self.path / "snapshots"
        self.nbd_socket = self.path / "nbd.sock"
        self.pid_file = self.path / "daemon.pid"
        self.site_lock = self.locks / "site"

    def monitor_sockets(self) -> list[pathlib.Path]:
        """Return the monitors' sockets: a monitor talks to one client at a time, so there are several."""
        return [self.path / "qmp.sock", *(self.path / f"qmp-{number}.sock" for number in range(1, MONITORS))]

    def problem(self) -> str:
        """Return why this folder cannot be a site, or nothing."""
        longest = max(len(str(path).encode()) for path in [self.nbd_socket, *self.monitor_sockets()])
        if longest > LONGEST_SOCKET_PATH:
            too_long = longest - LONGEST_SOCKET_PATH
            return (
                f"The site folder '{self.path}' is {too_long} bytes too long for the sockets in it;"
                f" choose a shorter path."
            )
        return ""

    def make(self) -> None:
        """Make what is missing of the layout."""
        for path in (self.images, self.records, self.locks, self.undo, self.copies, self.snapshots):
            path.mkdir(parents=True, exist_ok=True)

    def image(self, volume_id: str, kind: str = "raw") -> pathlib.Path:
        """Return the path of one of a volume's files: `raw` the data, `round` and `cut` a round's,
        `spread` a mark that other sides may hold copies, `written` where clients wrote alone."""
        return self.images / f"{checked(volume_id)}.{kind}"

    def record(self, group_id: str) -> pathlib.Path:
        """Return the path of the site's record of a group."""
        return self.records / f"{checked(group_id)}.json"

    def snapshot(self, snapshot_id: str) -> pathlib.Path:
        """Return the path of a snapshot's image."""
        return self.snapshots / f"{checked(snapshot_id)}.raw"

    def undo_points(self, group_id: str) -> pathlib.Path:
        """Return the path of the folder of a group's undo points."""
        return self.undo / checked(group_id)

    def test_copies(self, group_id: str) -> pathlib.Path:
        """Return the path of the folder of a group's test copies."""
        return self.copies / checked(group_id)

    def test_copy(self, group_id: str, copy_id: str) -> pathlib.Path:
        """Return the path of the folder of one test copy."""
        return self.test_copies(group_id) / checked(copy_id)

    def record_lock(self, group_id: str) -> pathlib.Path:
        """Return the path of the lock on a record."""
        return self.locks / f"group-{checked(group_id)}"


def checked(name: str) -> str:
    """Return an id that is safe as a file's name. Raises `Refused` for another."""
    if not _ID.fullmatch(name):
        raise Refused(
            f"The id '{name}' cannot name a file.", remedy="Use letters, digits, '.', '_' and '-', at most 128."
        )
    return name
