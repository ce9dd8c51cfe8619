"""What a site remembers of a group: small, durable, changed by one worker at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any

from drivers.base import Call
from drivers.errors import DriverError, SiteUnavailable, StaleEpoch
from drivers.qemu import images
from drivers.qemu.folder import Folder

ACTIVE, RECEIVER, NONE = "active", "receiver", "none"
_POLL_SECONDS = 0.005
_LOCK_SECONDS = 30.0


@dataclasses.dataclass(kw_only=True)
class Staged:
    """A point that has arrived whole, and is being moved from the overlays into the images."""

    point: str
    at: float
    members: dict[str, int]
    history: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(kw_only=True)
class Kept:
    """An undo point: what a round discarded here."""

    id: str
    at: float
    volumes: dict[str, int]
    """The bytes kept of each volume."""


@dataclasses.dataclass(kw_only=True)
class Copy:
    """A test copy of the group, on a receiver."""

    group_id: str
    point_at: float
    members: dict[str, int]
    """The volumes in it, with their sizes."""
    started_at: float
    epoch: int = 0
    """The highest its own calls carried."""
    saved: str = ""
    """The newest round that it has kept everything from."""
    problem: str = ""
    """Why it is of no more use; empty while it is."""


@dataclasses.dataclass(kw_only=True)
class Record:
    """What one site knows of one group, or of a lone volume."""

    epoch: int = 0
    role: str = NONE
    activated_epoch: int = 0
    activated_at: float = 0.0
    """When the site last became the active one; of two that think so, the later is right."""
    writes_stopped: bool = False
    replicated: list[str] = dataclasses.field(default_factory=list)
    """On the active side: the members that replication was enabled for."""
    sent: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """On the active side: the points each other side was last known to be at."""
    shared_at: float = 0.0
    """On the active side: the time of the newest point that another side has too; 0 where there is none."""
    points: list[str] = dataclasses.field(default_factory=list)
    """On a receiver: names of the complete point its images hold; empty when they hold none."""
    point_at: float = 0.0
    members: dict[str, int] = dataclasses.field(default_factory=dict)
    """On a receiver: the volumes in that point, with their sizes."""
    incoming: str = ""
    """On a receiver: the point on its way here; it is dropped if it does not get whole."""
    staged: Staged | None = None
    reign: str = ""
    """On the active side: the name of its time as such; kept on a side that was that until its next round."""
    cuts: int = 0
    """How many cuts were made in that reign."""
    cut_numbers: dict[str, int] = dataclasses.field(default_factory=dict)
    """On the active side: the number of each point whose changes are marked; 0 where the reign began."""
    history: dict[str, int] = dataclasses.field(default_factory=dict)
    """For each reign before: the newest cut that the side's data comes from."""
    unsent: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    """On a receiver that was active: the bytes written after each cut, by its number, volume by volume."""
    kept: list[Kept] = dataclasses.field(default_factory=list)
    """The undo points here, oldest first; files of others are leftovers."""
    copies: dict[str, Copy] = dataclasses.field(default_factory=dict)
    """The test copies here, by id."""
    ended_copies: dict[str, int] = dataclasses.field(default_factory=dict)
    """The epochs of copies that are no more."""

    def outranks(self, other: Record) -> bool:
        """Return whether this side became active after another one did."""
        return (self.activated_epoch, self.activated_at) > (other.activated_epoch, other.activated_at)

    def activate(self, *, epoch: int, at: float) -> None:
        """Make this side the active one, later than any before; a new reign begins, unless it was that already."""
        if self.role != ACTIVE or not self.reign:
            self.reign, self.cuts, self.unsent = new_point(), 0, {}
            self.cut_numbers = dict.fromkeys(self.points, 0)
            self.shared_at = self.point_at if self.points else 0.0
            self.points = []
        self.role, self.activated_epoch, self.activated_at = ACTIVE, epoch, at
        self.writes_stopped = False


def new_point() -> str:
    """Return a name for a point in time that nobody has used."""
    return uuid.uuid4().hex[:16]


def load(folder: Folder, *, group_id: str) -> Record:
    """Return the site's record of a group; an empty one when it has none."""
    path = folder.record(group_id)
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        staged, kept, copies = found.pop("staged", None), found.pop("kept", ()), found.pop("copies", {})
        return Record(
            **found,
            staged=Staged(**staged) if staged else None,
            kept=[Kept(**undo_point) for undo_point in kept],
            copies={copy_id: Copy(**copy) for copy_id, copy in copies.items()},
        )
    except FileNotFoundError:
        return Record()
    except (ValueError, TypeError) as error:
        raise DriverError(
            f"The record '{path}' cannot be understood.", remedy="Put it back from a backup; nothing was changed."
        ) from error


def save(folder: Folder, *, group_id: str, record: Record) -> None:
    """Replace the site's record of a group, whole or not at all, on stable storage. Needs its lock."""
    path = folder.record(group_id)
    fresh = path.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(dataclasses.asdict(record), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    images.sync(path.parent)


class Held:
    """A record while its lock is held."""

    def __init__(self, folder: Folder, group_id: str) -> None:
        self.record = load(folder, group_id=group_id)
        self.group_id = group_id
        self._folder = folder
        self._saved = dataclasses.asdict(self.record)

    def save(self) -> None:
        """Write the record if it changed."""
        now = dataclasses.asdict(self.record)
        if now != self._saved:
            save(self._folder, group_id=self.group_id, record=self.record)
            self._saved = now

    def forget(self) -> None:
        """Remove the record."""
        path = self._folder.record(self.group_id)
        path.with_suffix(".new").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def hold(folder: Folder, *, group_id: str, backend_id: str, call: Call) -> Iterator[Held]:
    """Hold a group's record against other workers, fenced: raises `StaleEpoch` for an older call.

    The kernel frees the lock when its holder dies. Nothing is written unless `save` is called.
    """
    with lock(folder, group_id=group_id, backend_id=backend_id, call=call):
        held = Held(folder, group_id)
        if held.record.epoch > call.epoch:
            raise StaleEpoch(
                f"Group {group_id} was changed in epoch {held.record.epoch}; this call is of epoch {call.epoch}."
            )
        held.record.epoch = call.epoch
        yield held


@contextlib.contextmanager
def lock(folder: Folder, *, group_id: str, backend_id: str, call: Call) -> Iterator[None]:
    """Keep other workers from changing a group's record on one site."""
    descriptor = os.open(folder.record_lock(group_id), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, group_id, backend_id, call)
        os.pwrite(descriptor, f"{os.getpid():<10}".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, group_id: str, backend_id: str, call: Call) -> None:
    ends = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
        if time.monotonic() > ends:
            holder = os.pread(descriptor, 10, 0).decode(errors="replace").strip()
            raise SiteUnavailable(
                f"Process {holder} has been changing group {group_id} for longer than {_LOCK_SECONDS:g} s.",
                backend_id=backend_id,
                remedy=f"If process {holder} hangs, end it; then the operation goes on.",
            )
        call.wait(_POLL_SECONDS)
