"""Real sites for tests: daemons in a folder, killed and started at will, and clients of theirs."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator

from drivers import registry, write_order
from drivers.base import Call, Driver, Group, UndoPoint, Volume
from drivers.qemu import nbd
from drivers.qemu.folder import Folder

ROOT = pathlib.Path(__file__).parents[3]
_START_SECONDS = 20.0


@contextlib.contextmanager
def small_files(size_bytes: int) -> Iterator[None]:
    """Let no file of this process grow larger, as on a disk that is full; the daemons are others."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _process_in(pid_file: pathlib.Path) -> str:
    """Return what a pid file says; nothing when there is none, or it is removed meanwhile."""
    try:
        return pid_file.read_text().strip()
    except FileNotFoundError:
        return ""


class Sites:
    """One daemon for each side, all in one short folder, because sockets' paths must be short."""

    def __init__(self, *, targets: Collection[str] = ("target-a", "target-b")) -> None:
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="rq-"))
        self.targets = list(targets)
        self.copied = 0
        names = {"": "p", **{target: f"t{number}" for number, target in enumerate(self.targets)}}
        self.folders = {side: Folder(self.path / name) for side, name in names.items()}
        self._open = contextlib.ExitStack()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for side in self.folders:
                self.start(side)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Stop every daemon and remove the folder."""
        for side in list(self.processes):
            self.kill(side)
        self._open.close()
        shutil.rmtree(self.path)

    def start(self, side: str) -> None:
        """Start a side's daemon and wait until it is ready."""
        folder = self.folders[side]
        process = subprocess.Popen([sys.executable, "-m", "drivers.qemu.site", str(folder.path)], cwd=ROOT)
        self.processes[side] = process
        ends = time.monotonic() + _START_SECONDS
        while _process_in(folder.pid_file) != str(process.pid):
            if process.poll() is not None or time.monotonic() > ends:
                raise AssertionError(f"The daemon in {folder.path} did not start.")
            time.sleep(0.005)

    def kill(self, side: str) -> None:
        """Kill a side's daemon at once."""
        process = self.processes.pop(side)
        process.kill()
        process.wait()

    def freeze(self, side: str) -> None:
        """Stop a side's daemon without ending it."""
        self.processes[side].send_signal(signal.SIGSTOP)

    def thaw(self, side: str) -> None:
        """Let a frozen daemon go on."""
        self.processes[side].send_signal(signal.SIGCONT)

    def process_id(self, side: str) -> int:
        """Return the process id of a side's daemon."""
        return self.processes[side].pid

    def driver(self) -> Driver:
        """Return a new driver for these sites."""
        options = {side: {"site": os.fspath(folder.path)} for side, folder in self.folders.items()}
        primary = options.pop("")
        return registry.load("qemu")(registry.configure("qemu", name="qemu", options=primary, targets=options))

    def call(self, epoch: int = 1, *, deadline_seconds: float = 60.0) -> Call:
        """Return a call that counts the bytes it is told were copied."""
        last = 0

        def count(done: int, total: int, unit: str, waiting_for: str) -> None:
            nonlocal last
            if unit == "bytes":
                self.copied += max(0, done - last)
                last = done

        return Call(epoch=epoch, deadline_seconds=deadline_seconds, on_progress=count)

    def connect(self, side: str, volume_id: str) -> nbd.Connection:
        """Return a client's connection to a volume."""
        return nbd.Connection(path=os.fspath(self.folders[side].nbd_socket), export=volume_id)

    def write(self, side: str, volume_id: str, offset: int, data: bytes) -> None:
        """Write as a client."""
        with self.connect(side, volume_id) as connection:
            for start in range(0, len(data), nbd.MAXIMUM_REQUEST):
                connection.write(offset=offset + start, data=data[start : start + nbd.MAXIMUM_REQUEST])

    def read(self, side: str, volume_id: str, offset: int, length: int) -> bytes:
        """Read as a client."""
        with self.connect(side, volume_id) as connection:
            return connection.read(offset=offset, length=length)

    def writer(self, side: str, group: Group, *, blocks: int = 64) -> write_order.Writer:
        """Return a client that writes in order to all volumes, over connections that stay open."""
        connections: dict[str, nbd.Connection] = {}

        def write(volume_id: str, offset: int, data: bytes) -> None:
            if volume_id not in connections:
                connections[volume_id] = self._open.enter_context(self.connect(side, volume_id))
            connections[volume_id].write(offset=offset, data=data)

        layout = write_order.Layout(volume_ids=[volume.id for volume in group.volumes], blocks=blocks)
        return write_order.Writer(layout=layout, write=write)

    def hang_up(self) -> None:
        """Close what writers left open."""
        self._open.close()

    def judge(self, side: str, writer: write_order.Writer) -> write_order.Verdict:
        """Return what a side's clients find of a writer's writes."""
        return write_order.judge(writer.layout, lambda *place: self.read(side, *place))

    def can_write(self, side: str, volume_id: str) -> bool:
        """Return whether a client gets through."""
        try:
            self.connect(side, volume_id).close()
        except OSError:
            return False
        return True

    def rot(self, side: str, volume_id: str, offset: int) -> None:
        """Turn the bits of one byte of a site's image over, as a failing disk would."""
        with self.folders[side].image(volume_id).open("r+b") as image:
            image.seek(offset)
            [value] = image.read(1)
            image.seek(offset)
            image.write(bytes([value ^ 0xFF]))

    def undo_image(self, point: UndoPoint, volume_id: str) -> pathlib.Path:
        """Return the path of what an undo point holds of a volume."""
        [path] = self.folders[point.backend_id].undo.glob(f"*/{point.id}/{volume_id}.qcow2")
        return path

    def read_undo_point(self, point: UndoPoint, volume_id: str) -> bytes:
        """Return all of what an undo point holds of a volume, the way the guide says."""
        image, copy = self.undo_image(point, volume_id), self.path / "read.raw"
        subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", image], check=True)
        subprocess.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", image, copy], check=True)
        return copy.read_bytes()

    def group(self, count: int = 2, *, size_bytes: int = 4 << 20, name: str = "group") -> Group:
        """Make volumes on the primary and a group of them."""
        volumes = tuple(
            Volume(id=f"{name}-{number}", name=f"{name}-{number}", size_bytes=size_bytes) for number in range(count)
        )
        group = Group(id=name, name=name, volumes=volumes)
        driver = self.driver()
        for volume in volumes:
            driver.create_volume(volume, call=self.call())
        driver.create_group(group, call=self.call())
        driver.update_group(group, removed=(), call=self.call())
        return group
