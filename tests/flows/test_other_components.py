"""The engine's own tests again, on PostgreSQL and Redis instead of SQLite and the spool folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support import processes, servers

ROOMS = ("tests/engine", "tests/services", "tests/flows/test_worker_killed.py")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_engine_keeps_its_promises_on_postgresql_and_redis():
    with servers.postgresql() as database, servers.redis() as broker:
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *ROOMS, "-q", "-p", "no:cacheprovider", "--show-capture=no"],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "REPLSITE_"))},
                "REPLSITE_DATABASE_URL": database,
                "REPLSITE_BROKER_URL": broker,
            },
            cwd=processes.CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
    assert "skipped" not in run.stdout
