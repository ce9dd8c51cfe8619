"""Does many small pieces of work on each of several storage systems at once, so that none waits for another."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")

_TOGETHER_SECONDS = 0.5
"""For how long what comes back is collected: so many seconds later it is written, and no more."""


class Done(Protocol):
    """What a piece of work comes back with."""

    @property
    def was_silent(self) -> bool:
        """Tell whether the storage did not answer in time."""


Result = TypeVar("Result", bound=Done)


class Crew(Generic[T, Result]):
    """A bounded number of threads for one storage system, and the work they have not begun.

    Once as many pieces as there are threads found the storage silent, one after the other and with no answer
    in between, nothing more is asked of it.
    """

    def __init__(
        self, work: Callable[[T], Result], *, read: Iterator[Sequence[T]], size: int, if_silent: Callable[[T], Result]
    ) -> None:
        self._work, self._read, self._size, self._if_silent = work, read, size, if_silent
        self._threads = futures.ThreadPoolExecutor(size, thread_name_prefix="crew")
        self._pieces: dict[futures.Future[Result], T] = {}
        self._silences = 0

    @property
    def is_silent(self) -> bool:
        """Tell whether the storage is taken for silent."""
        return self._silences >= self._size

    def under_way(self) -> set[futures.Future[Result]]:
        """Return the pieces that have not ended, begun ones and those in line, after filling up the line."""
        while not self.is_silent and len(self._pieces) < 2 * self._size and (batch := next(self._read, None)):
            for piece in batch:
                self._pieces[self._threads.submit(self._work, piece)] = piece
        return set(self._pieces)

    def take(self, done: futures.Future[Result]) -> Result:
        """Return what a piece came back with; raise what it raised."""
        self._pieces.pop(done)
        result = done.result()
        self._silences = self._silences + 1 if result.was_silent else 0
        return result

    def give_up(self) -> Iterator[Result]:
        """Yield what is to be said of each piece that a silent storage was not asked for."""
        for done, piece in list(self._pieces.items()):
            if done.cancel():
                del self._pieces[done]
                yield self._if_silent(piece)
        for batch in self._read:
            yield from map(self._if_silent, batch)

    def dismiss(self) -> None:
        """Begin no more; what is under way ends by itself, at its deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def gather(crews: Sequence[Crew[T, Result]], *, seconds: float, most: int) -> Iterator[list[Result]]:
    """Let all crews work, for some time at most; yield what they come back with, at most so many at a time."""
    end = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        for crew in crews:
            stack.callback(crew.dismiss)
        while (left := end - time.monotonic()) > 0:
            owners = {done: crew for crew in crews for done in crew.under_way()}
            if not owners:
                return
            # All that ends within a moment is handed out together: what is made of it costs as much for one.
            finished, _ = futures.wait(owners, timeout=min(left, _TOGETHER_SECONDS))
            found = [owners[done].take(done) for done in finished]
            found += [result for crew in crews if crew.is_silent for result in crew.give_up()]
            for place in range(0, len(found), most):
                yield found[place : place + most]
