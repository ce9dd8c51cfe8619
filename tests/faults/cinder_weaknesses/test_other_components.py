"""All of these tests again, on PostgreSQL and Redis instead of SQLite and the spool folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import processes, servers


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_what_cinder_does_wrong_is_right_on_postgresql_and_redis_too() -> None:
    room = Path(__file__).parent.relative_to(processes.CHECKOUT)
    with servers.postgresql() as database, servers.redis() as broker:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "REPLSITE_"))}
        run = subprocess.run(
            [sys.executable, "-m", "pytest", str(room), "-q", "-p", "no:cacheprovider", "--show-capture=no"],
            env={**inherited, "REPLSITE_DATABASE_URL": database, "REPLSITE_BROKER_URL": broker},
            cwd=processes.CHECKOUT,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
    assert "skipped" not in run.stdout
