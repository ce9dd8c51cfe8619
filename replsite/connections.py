"""Keeps the database connections of a worker's threads from one task to the next.

Celery's own way is to close them before and after every task, and a new one costs PostgreSQL a process that knows no
table yet: more than all the statements of a small operation.
"""

from __future__ import annotations

from typing import Any

from celery import Celery
from celery.fixups import django as celerys
from django.db import close_old_connections


def fixup(app: Celery) -> celerys.DjangoFixup:
    """Have Celery treat Django as it does, but for the connections."""
    return _Fixup(app).install()


class _WorkerFixup(celerys.DjangoWorkerFixup):
    def close_database(self, **_known: Any) -> None:
        """Close what is broken or too old, as Django does around each request."""
        close_old_connections()


class _Fixup(celerys.DjangoFixup):
    @property
    def worker_fixup(self) -> celerys.DjangoWorkerFixup:
        if self._worker_fixup is None:
            self._worker_fixup = _WorkerFixup(self.app)
        return self._worker_fixup

    @worker_fixup.setter
    def worker_fixup(self, value: celerys.DjangoWorkerFixup) -> None:
        self._worker_fixup = value
