"""Disks that take nothing more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil
from django.db import connection

from tests.support import workers


@contextlib.contextmanager
def full_for(*started: workers.Process) -> Iterator[None]:
    """Let no write of these processes to a file succeed meanwhile.

    The kernel's limit on the size of files does it; that needs no file system of its own and no right.
    """
    parents = [psutil.Process(process.popen.pid) for process in started]
    family = [each for parent in parents for each in (parent, *parent.children(recursive=True))]
    _limit(family, 0)
    try:
        yield
    finally:
        _limit(family, psutil.RLIM_INFINITY)


@contextlib.contextmanager
def nearly_full_database() -> Iterator[None]:
    """Let this process's SQLite database grow no more meanwhile: what room is left in it soon is used up."""
    with connection.cursor() as cursor:
        most = cursor.execute("PRAGMA max_page_count").fetchone()[0]
        cursor.execute("VACUUM")
        there = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {there}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA max_page_count = {most}")


def _limit(family: list[psutil.Process], size: int) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            most = process.rlimit(psutil.RLIMIT_FSIZE)[1]
            process.rlimit(psutil.RLIMIT_FSIZE, (most if size == psutil.RLIM_INFINITY else size, most))
