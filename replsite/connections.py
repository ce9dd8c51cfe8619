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
    found = _Fixup(app)
    found.install()
    return found


class _Fixup(celerys.DjangoFixup):
    @property
    def worker_fixup(self) -> Any:
        """Return what looks after Django in a worker; Celery asks for it once it knows the settings."""
        found = super().worker_fixup
        found.close_database = _close_old
        return found


def _close_old(**_known: Any) -> None:
    """Close a connection that is broken or too old, as Django does around each request."""
    close_old_connections()
