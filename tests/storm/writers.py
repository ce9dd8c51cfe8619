"""The volumes' clients: they write numbers all the time, and keep a ledger of what was acknowledged."""

from __future__ import annotations

import random
import threading
import time
import uuid

from django.db import DatabaseError, connection

from groups import models, statuses
from tests.judging import history
from tests.storm import storages

_LOOK_SECONDS = 1.0
_READ_SHARE = 0.2


class Writers:
    """Clients in threads of their own, each with its share of the volumes.

    They go where the record says that a group is active, as hosts would be told to.
    """

    def __init__(self, storage: storages.Storage, *, seed: int, threads: int = 2, a_second: float = 20.0) -> None:
        self._storage = storage
        self._pause = threads / a_second
        self._stop = threading.Event()
        self._places: list[storages.Place] = []
        self._numbers: dict[str, int] = {}
        self.writes: list[history.Write] = []
        self.reads: list[history.Read] = []
        self.refused = 0
        self._threads = [
            threading.Thread(target=self._write, args=(share, threads, seed), name=f"client {share}", daemon=True)
            for share in range(threads)
        ]
        self._threads.append(threading.Thread(target=self._follow, name="where volumes are", daemon=True))

    def start(self) -> None:
        """Start writing."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the write under way."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(60)

    def read_all(self) -> list[str]:
        """Read every volume once more where the record says it is active; return those that cannot be read."""
        unread = []
        for place in _places():
            try:
                self._read(place)
            except storages.NotLetThrough as error:
                unread.append(f"Volume {place.volume_id} cannot be read on side '{place.side}': {error}")
        return unread

    def _follow(self) -> None:
        """Keep in mind where the volumes are, as the record says."""
        while not self._stop.wait(_LOOK_SECONDS):
            try:
                self._places = _places()
            except DatabaseError:
                connection.close()
        connection.close()

    def _write(self, share: int, shares: int, seed: int) -> None:
        chance = random.Random(f"{seed} client {share}")
        while not self._stop.wait(chance.uniform(0, 2 * self._pause)):
            # One writer a volume: its numbers must grow.
            ours = [place for place in self._places if uuid.UUID(place.volume_id).int % shares == share]
            if not ours:
                continue
            place = chance.choice(ours)
            try:
                if chance.random() < _READ_SHARE:
                    self._read_at_rest(place)
                else:
                    self._write_next(place)
            except (storages.NotLetThrough, DatabaseError):
                self.refused += 1
                connection.close()
        connection.close()

    def _write_next(self, place: storages.Place) -> None:
        # Never used twice: a write that was not acknowledged may be there all the same.
        number = self._numbers[place.volume_id] = self._numbers.get(place.volume_id, 0) + 1
        self._storage.write_number(place, number)
        self.writes.append(
            history.Write(
                volume_id=place.volume_id,
                side=place.side,
                number=number,
                acknowledged_at=time.time(),
                group_id=place.group_id,
            )
        )

    def _read_at_rest(self, place: storages.Place) -> None:
        """Read, if the group stood on this side and nothing was open on it all the while."""
        before = _count_at_rest(place)
        if before is None:
            return
        at = time.time()
        number = self._storage.highest_number(place)
        if _count_at_rest(place) == before:
            self._keep(place, number, at)

    def _read(self, place: storages.Place) -> None:
        at = time.time()
        number = self._storage.highest_number(place)
        self._keep(place, number, at)

    def _keep(self, place: storages.Place, number: int, at: float) -> None:
        self.reads.append(
            history.Read(volume_id=place.volume_id, side=place.side, number=number, at=at, group_id=place.group_id)
        )


def _places() -> list[storages.Place]:
    rows = models.Volume.objects.filter(status=statuses.VolumeStatus.AVAILABLE).order_by("created_at", "id")
    found = rows.values_list("backend__name", "group__active_backend_id", "pk", "group_id")
    return [
        storages.Place(backend=backend, side=side or "", volume_id=str(pk), group_id=group)
        for backend, side, pk, group in found
    ]


def _count_at_rest(place: storages.Place) -> int | None:
    """Return how many operations the group has had, None when one is open or it is elsewhere."""
    group = models.Group.objects.filter(volumes__pk=place.volume_id, active_backend_id=place.side).first()
    if group is None:
        return None
    found = models.Operation.objects.filter(group=group)
    if found.filter(state__in=statuses.OPEN).exists():
        return None
    return found.count()
