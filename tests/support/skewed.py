"""Processes whose clock is wrong, as on a host whose time nobody keeps: Debian's libfaketime does it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_LIBRARIES = Path("/usr/lib")


@contextlib.contextmanager
def clock_off_by(seconds: int | Path) -> Iterator[None]:
    """Have processes started meanwhile live that much later; a file is read again and again for it.

    Only the time of day is wrong, as with a wrong clock: what counts seconds goes on counting them.
    """
    library = next(_LIBRARIES.glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        raise AssertionError("libfaketime is not installed: apt-get install faketime")
    added = {
        "LD_PRELOAD": str(library),
        # Two names of one wish, as versions of the library differ; files keep their true times.
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": str(Path(__file__).parent / "at_start"),
    }
    if isinstance(seconds, Path):
        added |= {"FAKETIME_TIMESTAMP_FILE": str(seconds), "FAKETIME_NO_CACHE": "1"}
    else:
        added["FAKETIME"] = f"{seconds:+d}s"
    kept = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
