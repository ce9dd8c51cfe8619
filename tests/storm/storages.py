"""The storage under the stormed site: its backends, its clients' way in, and what can befall it."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import os
import shutil
import signal
import struct
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from drivers.base import PRIMARY
from drivers.errors import DriverError
from drivers.fake.control import Control
from drivers.fake.journal import LoggedCall
from drivers.qemu import nbd
from drivers.qemu.folder import Folder
from tests.storm.plan import TARGETS
from tests.storm.stack import Child
from tests.support import processes

BLOCK = 4096
BLOCKS = 16
"""How many blocks of a volume are written, in turn."""
_NUMBER = struct.Struct(">Q")
_ARRAYS = 4
_LATENCY_SECONDS = 0.02
_CLIENT_SECONDS = 3.0


class NotLetThrough(Exception):
    """A client's request was refused or not answered; it does not know whether a write was kept."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where a client finds a volume."""

    backend: str
    side: str
    volume_id: str
    group_id: uuid.UUID | None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backend:
    """One backend as an admin adds it."""

    name: str
    options: Mapping[str, object]
    targets: Mapping[str, Mapping[str, object]]


class Storage(abc.ABC):
    """All storage systems of one storm."""

    backends: Sequence[Backend]

    @abc.abstractmethod
    def write(self, place: Place, *, offset: int, data: bytes) -> None:
        """Write as a client. Raises `NotLetThrough`."""

    @abc.abstractmethod
    def read(self, place: Place, *, offset: int, length: int) -> bytes:
        """Read as a client. Raises `NotLetThrough`."""

    @abc.abstractmethod
    def befall(self, kind: str, *, draw: float, details: Mapping[str, Any]) -> Callable[[], None] | None:
        """Let something befall one of the systems; return what ends it, None when it ends by itself."""

    @abc.abstractmethod
    def calm(self) -> None:
        """Bring every side up and forget every fault."""

    def logs(self) -> Iterable[LoggedCall]:
        """Return the calls the storage got, where it keeps a log."""
        return ()

    def end(self) -> None:  # noqa: B027 - where nothing runs there is nothing to stop
        """Stop what runs, and remove it."""

    def write_number(self, place: Place, number: int) -> None:
        """Write the next number to its block. Raises `NotLetThrough`."""
        self.write(place, offset=number % BLOCKS * BLOCK, data=_NUMBER.pack(number) * (BLOCK // _NUMBER.size))

    def highest_number(self, place: Place) -> int:
        """Return the highest number a volume holds, 0 for none. Raises `NotLetThrough`."""
        content = self.read(place, offset=0, length=BLOCKS * BLOCK)
        return max(_NUMBER.unpack_from(content, block * BLOCK)[0] for block in range(BLOCKS))


class Fakes(Storage):
    """Several systems of the fake driver: what befalls one is nothing to the others."""

    def __init__(self, folder: Path, *, pace_seconds: float) -> None:
        self._controls = {f"array-{number}": Control(folder=folder / f"array-{number}") for number in range(_ARRAYS)}
        self.backends = [
            Backend(
                name=name,
                options={
                    "state": str(control.folder),
                    "latency_seconds": _LATENCY_SECONDS,
                    "seconds_per_volume": pace_seconds,
                },
                targets={side: {} for side in TARGETS},
            )
            for name, control in self._controls.items()
        ]

    def write(self, place: Place, *, offset: int, data: bytes) -> None:
        """See `Storage.write`."""
        with _plainly():
            self._controls[place.backend].write(side=place.side, volume_id=place.volume_id, offset=offset, data=data)

    def read(self, place: Place, *, offset: int, length: int) -> bytes:
        """See `Storage.read`."""
        with _plainly():
            return self._controls[place.backend].read(
                side=place.side, volume_id=place.volume_id, offset=offset, length=length
            )

    def befall(self, kind: str, *, draw: float, details: Mapping[str, Any]) -> Callable[[], None] | None:
        """See `Storage.befall`."""
        control = list(self._controls.values())[int(draw * len(self._controls))]
        side = details["side"]
        if kind == "site restarted":
            control.site_restart(side)
            return None
        if kind == "driver":
            fault = control.add_fault(
                call=details["call"],
                action=details["action"],
                volume=details["volume"],
                when=details["when"],
                seconds=0.0 if details["action"] == "hang" else details["seconds"],
                times=details["times"],
            )
            return lambda: _forget(control, fault)
        if kind == "site down":
            control.site_down(side)
        else:
            control.site_frozen(side)
        return lambda: control.site_up(side)

    def calm(self) -> None:
        """See `Storage.calm`."""
        for control in self._controls.values():
            control.clear_faults()
            for side in (PRIMARY, *TARGETS):
                control.site_up(side)

    def logs(self) -> Iterable[LoggedCall]:
        """See `Storage.logs`."""
        return sorted((call for control in self._controls.values() for call in control.log()), key=_started)


class Qemu(Storage):
    """One system of QEMU storage daemons, one a side."""

    def __init__(self, folder: Path) -> None:
        # Sockets' paths must be short.
        self._path = Path(tempfile.mkdtemp(prefix="rs-"))
        self._log = folder / "sites.log"
        sides = (PRIMARY, *TARGETS)
        self._folders = {side: Folder(self._path / f"s{number}") for number, side in enumerate(sides)}
        self._daemons: dict[str, Child] = {}
        paths = {side: {"site": os.fspath(found.path)} for side, found in self._folders.items()}
        self.backends = [Backend(name="real", options=paths.pop(PRIMARY), targets=paths)]
        for side in sides:
            self._start(side)

    def write(self, place: Place, *, offset: int, data: bytes) -> None:
        """See `Storage.write`."""
        with self._connected(place) as connection:
            connection.write(offset=offset, data=data)

    def read(self, place: Place, *, offset: int, length: int) -> bytes:
        """See `Storage.read`."""
        with self._connected(place) as connection:
            return connection.read(offset=offset, length=length)

    def befall(self, kind: str, *, draw: float, details: Mapping[str, Any]) -> Callable[[], None] | None:
        """See `Storage.befall`. A daemon that is down is killed -9; one that is restarted is back at once."""
        side = details["side"]
        if kind == "site frozen":
            daemon = self._daemons[side]
            daemon.signal(signal.SIGSTOP)
            return lambda: daemon.signal(signal.SIGCONT)
        self._daemons[side].kill()
        if kind == "site down":
            return lambda: self._start(side)
        self._start(side)
        return None

    def calm(self) -> None:
        """See `Storage.calm`."""
        for side, daemon in self._daemons.items():
            daemon.signal(signal.SIGCONT)
            self._start(side)

    def end(self) -> None:
        """See `Storage.end`."""
        for daemon in self._daemons.values():
            daemon.kill()
        shutil.rmtree(self._path, ignore_errors=True)

    def _start(self, side: str) -> None:
        """Start a side's daemon unless it runs."""
        if side in self._daemons and self._daemons[side].is_alive:
            return
        words = (sys.executable, "-m", "drivers.qemu.site", os.fspath(self._folders[side].path))
        env = processes.environment(self._path)
        self._daemons[side] = Child(f"site {side}", *words, env=env, log=self._log)

    @contextlib.contextmanager
    def _connected(self, place: Place) -> Iterator[nbd.Connection]:
        path = os.fspath(self._folders[place.side].nbd_socket)
        with _plainly(), nbd.Connection(path=path, export=place.volume_id, timeout=_CLIENT_SECONDS) as connection:
            yield connection


@contextlib.contextmanager
def _plainly() -> Iterator[None]:
    try:
        yield
    except (DriverError, OSError) as error:
        raise NotLetThrough(str(error)) from error


def _forget(control: Control, fault: int) -> None:
    control.clear_faults(fault)


def _started(call: LoggedCall) -> float:
    return call.started_at
