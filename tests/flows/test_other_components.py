"""The engine's own tests again, on PostgreSQL with Redis and with RabbitMQ instead of SQLite and the spool folder."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

import pytest

from tests.support import processes, servers

BROKERS = {"redis": servers.redis, "rabbitmq": servers.rabbitmq}
KILLED_WORKERS = "tests/flows/test_worker_killed.py"
AT_THE_HEART = ("tests/engine/test_claims.py", "tests/engine/test_replication.py", "tests/services/test_replication.py")
QUICK = [
    ("redis", (*AT_THE_HEART, KILLED_WORKERS)),
    ("rabbitmq", (KILLED_WORKERS, "-k", "failover or frozen")),
]
IN_SOAK = [
    ("redis", ("tests/engine", "tests/services")),
    ("redis", ("tests/faults/test_crash_matrix.py", "-m", "slow")),
    ("rabbitmq", ("tests/engine", "tests/services", KILLED_WORKERS)),
]


def run(*words: str, **chosen: str) -> subprocess.CompletedProcess[str]:
    """Run Python with components chosen by settings and nothing else of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "REPLSITE_"))}
    return subprocess.run(
        [sys.executable, *words],
        env=inherited | {f"REPLSITE_{name.upper()}": value for name, value in chosen.items()},
        cwd=processes.CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_tests_run_on_the_components_that_are_chosen():
    show = "from tests import settings; print(settings.DATABASES['default']['NAME'], settings.CELERY_BROKER_URL)"

    said = run("-c", show, database_url="postgresql://somebody@127.0.0.1:1/chosen", broker_url="redis://127.0.0.1:1/7")

    assert said.stdout.split() == ["chosen", "redis://127.0.0.1:1/7"], said.stderr


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("broker, words", [*QUICK, *(pytest.param(*case, marks=pytest.mark.soak) for case in IN_SOAK)])
def test_the_engine_keeps_its_promises_on_other_components(broker, words):
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(servers.postgresql())
        address = stack.enter_context(BROKERS[broker]())
        options = ("-q", "-p", "no:cacheprovider", "--show-capture=no")
        ran = run("-m", "pytest", *words, *options, database_url=database, broker_url=address)

    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-2000:]
    assert " passed" in ran.stdout
    assert "skipped" not in ran.stdout
