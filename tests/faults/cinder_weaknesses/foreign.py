"""A driver that breaks its word: the fake one, but for one method that raises or returns what it should not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from drivers import registry
from drivers.fake.driver import FakeDriver

Wrong = Callable[[Callable[[], Any], Any], Any]
_wrongs: dict[str, Wrong] = {}


class ForeignDriver(FakeDriver):
    """Does as the fake driver, until it is told otherwise."""

    def __getattribute__(self, name: str) -> Any:
        method = super().__getattribute__(name)
        wrong = _wrongs.get(name)
        if wrong is None:
            return method
        return lambda *words, **options: wrong(lambda: method(*words, **options), options["call"])


@contextlib.contextmanager
def doing(method: str, wrong: Wrong) -> Iterator[None]:
    """Let a method of the driver do something else; it is handed what it would have done, and the call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.DRIVERS, "fake", f"{__name__}:{ForeignDriver.__name__}")
        patch.setitem(_wrongs, method, wrong)
        yield


def raising(error: BaseException, *, late: bool = False) -> Wrong:
    """Return what raises an error, before the work or, when `late`, after it."""

    def wrong(work: Callable[[], Any], call: Any) -> Any:
        if late:
            work()
        raise error

    return wrong


def returning(value: Any) -> Wrong:
    """Return what does nothing and answers with a value."""
    return lambda work, call: value


def instead(other: Callable[[Any], Any]) -> Wrong:
    """Return what does something else with the call."""
    return lambda work, call: other(call)
