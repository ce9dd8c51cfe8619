"""What the tests stand on: what a driver's author fills in, and helpers made from that."""

from __future__ import annotations

import abc
import contextlib
import multiprocessing
import random
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from multiprocessing.connection import Connection

from drivers import write_order
from drivers.base import PRIMARY, Call, Driver, Group, GroupFacts, UndoPoint, Volume

VOLUME_BYTES = 1024 * 1024
CHUNK = 64 * 1024
BLOCK = write_order.BLOCK
Step = Callable[[Driver], object]
_START_SECONDS = 60.0


class Harness(abc.ABC):
    """What a driver's tests tell the kit about its storage."""

    targets: tuple[str, str] = ("target-a", "target-b")
    crash_delays: tuple[float, ...] = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.02)
    """Seconds from a call's start to the kill -9 of its process."""
    unplanned_trials: int = 3
    """How often the primary is lost under load."""
    call_seconds: float = 60.0
    """The deadline calls are given."""
    look_seconds: float = 10.0
    """The bound within which `observe` and `check_connection` must answer, whatever is dead."""

    @abc.abstractmethod
    def make_driver(self) -> Driver:
        """Return a new driver for this test's storage, with the two `targets` and every secret option set."""

    @abc.abstractmethod
    def write(self, side: str, volume_id: str, offset: int, data: bytes) -> None:
        """Write as a client of that side; return once acknowledged, raise when refused. Thread-safe."""

    @abc.abstractmethod
    def read(self, side: str, volume_id: str, offset: int, length: int) -> bytes:
        """Return what a client of that side gets; raise when the side does not let it."""

    @abc.abstractmethod
    def can_write(self, side: str, volume_id: str) -> bool:
        """Return whether that side would let a client write now; changes no data."""

    @abc.abstractmethod
    def site_down(self, side: str) -> None:
        """Let a side die at once, for driver and clients alike."""

    @abc.abstractmethod
    def site_up(self, side: str) -> None:
        """Bring a side back; it may have forgotten to serve its volumes."""

    @abc.abstractmethod
    def bytes_copied(self) -> int:
        """Return the bytes of volumes' data carried between sides so far; only differences are used."""

    @abc.abstractmethod
    def inventory(self, side: str) -> Collection[str]:
        """Return the names of all a side keeps for groups and volumes, but the epochs it remembers."""

    @abc.abstractmethod
    def secrets(self) -> Collection[str]:
        """Return the values of the secret options that `make_driver` sets; none is a common word."""

    # Asked only of a driver whose capabilities say that it keeps undo points.

    def read_undo_point(self, point: UndoPoint, volume_id: str, offset: int, length: int) -> bytes:
        """Return what an undo point holds of a volume; zeros where nothing was discarded."""
        raise NotImplementedError("Say how an undo point is read, or declare that none are kept.")

    def no_room_for_undo_points(self) -> contextlib.AbstractContextManager[None]:
        """Return what makes the storage unable to keep 512 KiB of undo point as long as it is entered."""
        raise NotImplementedError("Say how keeping an undo point fails, or declare that none are kept.")

    # Asked only of a driver whose capabilities say that it makes test copies.

    def write_test_copy(self, side: str, copy_id: str, volume_id: str, offset: int, data: bytes) -> None:
        """Write as a client of a test copy."""
        raise NotImplementedError("Say how a test copy is written, or declare that none are made.")

    def rot(self, side: str, volume_id: str, offset: int) -> None:
        """Spoil a byte of a target's copy of a volume behind the storage's back."""
        raise NotImplementedError("Say how a target's copy is spoiled, or declare that no test copies are made.")

    # Helpers, also for a driver's further tests.

    def call(self, epoch: int = 1) -> Call:
        """Return a call that nobody stops."""
        return Call(epoch=epoch, deadline_seconds=self.call_seconds)

    def new_group(self, count: int = 3, *, epoch: int = 1) -> Group:
        """Make so many volumes and a group of them on the primary."""
        volumes = tuple(
            Volume(id=str(uuid.uuid4()), name=f"volume-{number}", size_bytes=VOLUME_BYTES) for number in range(count)
        )
        group = Group(id=str(uuid.uuid4()), name="group", volumes=volumes, interval_seconds=1.0)
        driver = self.make_driver()
        for volume in volumes:
            driver.create_volume(volume, call=self.call(epoch))
        driver.create_group(group, call=self.call(epoch))
        driver.update_group(group, removed=(), call=self.call(epoch))
        return group

    def replicated_group(self, count: int = 3, *, epoch: int = 1) -> Group:
        """Make a group that is half full of data, which both targets have."""
        group = self.new_group(count, epoch=epoch)
        self.fill(PRIMARY, group, seed=1)
        self.make_driver().enable_replication(group, call=self.call(epoch))
        return group

    def fill(self, side: str, group: Group, *, seed: int, offset: int = 0, length: int = VOLUME_BYTES // 2) -> None:
        """Write other bytes to each member, as a client."""
        for number, volume in enumerate(group.volumes):
            self.write(side, volume.id, offset, pattern(seed * 1000 + number, length))

    def fail_over(self, group: Group, side: str, *, epoch: int, source: str = PRIMARY) -> None:
        """Move a group as planned: nothing is lost."""
        driver = self.make_driver()
        driver.stop_writes(group, call=self.call(epoch))
        driver.replicate(group, backend_id=side, call=self.call(epoch))
        driver.promote(group, backend_id=side, call=self.call(epoch))
        driver.retire(group, backend_id=source, call=self.call(epoch))

    def fail_back(self, group: Group, source: str, *, epoch: int) -> None:
        """Bring a group back to the primary with what was written since."""
        self.make_driver().replicate(group, backend_id=PRIMARY, call=self.call(epoch))
        self.fail_over(group, PRIMARY, epoch=epoch, source=source)

    def observe(self, group: Group, sides: Collection[str] | None = None) -> GroupFacts:
        """Look at a group."""
        return self.make_driver().observe(group, sides=sides, call=self.call(0))

    def unsent(self, group: Group, side: str) -> int | None:
        """Return what a side is said to hold that the active one never had."""
        return self.observe(group).side(side).bytes_unsent

    def contents(self, side: str, group: Group) -> Sequence[bytes]:
        """Return all that a client of that side can read, volume by volume."""
        return [self.read(side, volume.id, 0, volume.size_bytes) for volume in group.volumes]

    def writable(self, side: str, group: Group) -> set[bool]:
        """Return the members' answers to whether a client may write."""
        return {self.can_write(side, volume.id) for volume in group.volumes}

    def stock(self) -> dict[str, set[str]]:
        """Return what every side keeps."""
        return {side: set(self.inventory(side)) for side in (PRIMARY, *self.targets)}

    def killed(self, step: Step, delay: float) -> None:
        """Make a call in a child, and kill the child with -9 after so many seconds."""
        context = multiprocessing.get_context("fork")
        hearing, telling = context.Pipe(duplex=False)
        child = context.Process(target=self._in_child, args=(step, telling))
        child.start()
        try:
            if not hearing.poll(_START_SECONDS):
                raise AssertionError(f"A child did not begin its call within {_START_SECONDS:g} s.")
            time.sleep(delay)
        finally:
            child.kill()
            child.join()
            child.close()
            hearing.close()
            telling.close()

    def _in_child(self, step: Step, telling: Connection) -> None:
        driver = self.make_driver()
        telling.send("about to call")
        step(driver)

    @contextlib.contextmanager
    def nothing_changes(self, group: Group) -> Iterator[None]:
        """Assert that what is done inside changes nothing that can be seen of a group."""
        before = self._seen(group)
        yield
        assert self._seen(group) == before

    def _seen(self, group: Group) -> object:
        facts = self.observe(group)
        points = [(side.backend_id, side.consistent_at) for side in facts.sides if side.backend_id != facts.active_side]
        clients = [self.writable(side, group) for side in (PRIMARY, *self.targets)]
        known = (facts.active_side, facts.writable, facts.replicating, facts.volumes, facts.epoch)
        return known, points, clients, self.stock()


def pattern(seed: int, length: int) -> bytes:
    """Return bytes that no other seed gives and that do not compress."""
    return random.Random(seed).randbytes(length)  # noqa: S311 - test data, no secret
