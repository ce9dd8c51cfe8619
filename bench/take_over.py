"""Measures how long it takes until another worker goes on after one was killed -9.

`python -m bench.take_over` starts beat and two workers on a site of its own, kills the one that
is in the middle of a failover's driver call, and measures from the kill to the claim by the other
and to the operation's end; again and again, with the default settings and with a short lease.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent
_PATIENCE_SECONDS = 300
_LOOK_SECONDS = 0.02
_FIGURES = ("claimed: median", "claimed: worst", "ended: median", "ended: worst")
_COLUMNS = ("lease", "heartbeat", "sweep", "kills", *_FIGURES)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lease:
    """The settings a series of kills is measured with."""

    seconds: float
    heartbeat: float
    sweep: float


_LEASES = (
    Lease(seconds=30, heartbeat=10, sweep=5),  # the default settings
    Lease(seconds=5, heartbeat=2, sweep=5),
    Lease(seconds=5, heartbeat=2, sweep=1),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TakeOver:
    """Seconds from the kill until another worker had the operation, and until it ended."""

    claimed: float
    ended: float


class Worker:
    """A worker process and the name it claims under."""

    def __init__(self, name: str, folder: Path, env: Mapping[str, str]) -> None:
        self.name = name
        log = folder / f"{name}.log"
        self._process = start(
            ["worker", "--hostname", f"{name}@bench", "--without-gossip", "--without-mingle"], log=log, env=env
        )
        wait_until(lambda: " ready" in log.read_text(errors="replace"), what=f"worker {name}")

    def kill(self) -> None:
        """Kill it -9."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def start(words: Sequence[str], *, log: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a Celery program that ends with this one."""
    held = [sys.executable, "-m", "replsite.lifeline", "--parent", str(os.getpid())]
    with log.open("wb") as said:
        return subprocess.Popen(
            [*held, sys.executable, "-m", "celery", "--app", "replsite", *words],
            env={**os.environ, **env},
            cwd=_CHECKOUT,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_until(claim: Callable[[], object], *, what: str) -> None:
    """Wait until a claim is true. Raises `TimeoutError`."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not claim():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {_PATIENCE_SECONDS} s")
        time.sleep(_LOOK_SECONDS)


class Bench:
    """A site with one backend, two workers and beat."""

    def __init__(self, storage: Path, folder: Path, lease: Lease) -> None:
        from bench import site

        self._site = site.Site(storage)
        self._folder, self._lease = folder, lease
        self._env = {
            "REPLSITE_LEASE_SECONDS": f"{lease.seconds:g}",
            "REPLSITE_HEARTBEAT_SECONDS": f"{lease.heartbeat:g}",
            "REPLSITE_SWEEP_SECONDS": f"{lease.sweep:g}",
        }
        self._workers: dict[str, Worker] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run beat and two workers meanwhile."""
        beat = start(["beat", "--pidfile="], log=self._folder / "beat.log", env=self._env)
        try:
            for _ in range(2):
                self._hire()
            yield
        finally:
            for worker in self._workers.values():
                worker.kill()
            os.killpg(beat.pid, signal.SIGKILL)
            beat.wait()

    def kill_once(self) -> TakeOver:
        """Kill the worker that is in the middle of promoting a group; measure until all is well again."""
        group = self._site.replicated_group(wait_until)
        self._site.hang_in_promotion()
        operation = self._site.fail_over(group)
        wait_until(self._site.hangs, what="a call that hangs")
        # At any moment between two signs of life.
        time.sleep(random.uniform(0, self._lease.heartbeat))  # noqa: S311 - not a secret
        self._workers.pop(self._site.owner_of(operation)).kill()
        killed_at = time.monotonic()
        self._site.hang_no_more()
        wait_until(lambda: self._site.attempts(operation) == 2, what="the take-over")
        claimed = time.monotonic() - killed_at
        wait_until(lambda: self._site.has_succeeded(operation), what="the end")
        ended = time.monotonic() - killed_at
        self._hire()
        return TakeOver(claimed=claimed, ended=ended)

    def _hire(self) -> None:
        name = f"worker{random.randrange(10**9)}"  # noqa: S311 - not a secret
        self._workers[name] = Worker(name, self._folder, self._env)


def row(lease: Lease, found: Sequence[TakeOver]) -> str:
    """Return the figures of one series as a row of a Markdown table."""
    claimed, ended = [each.claimed for each in found], [each.ended for each in found]
    seconds = [statistics.median(claimed), max(claimed), statistics.median(ended), max(ended)]
    settings = [f"{each:g} s" for each in (lease.seconds, lease.heartbeat, lease.sweep)]
    cells = [*settings, str(len(found)), *(f"{each:.1f} s" for each in seconds)]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.take_over", description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10, help="how many workers to kill in each series (10)")
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL to use; else SQLite")
    parser.add_argument("--broker-url", default="", help="a broker to use; else a spool folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="replsite-bench-") as name:
        folder = Path(name)
        for setting in [each for each in os.environ if each.startswith("REPLSITE_")]:
            del os.environ[setting]
        os.environ |= {
            "REPLSITE_STATE_DIR": name,
            "REPLSITE_DATABASE_URL": given.database_url,
            "REPLSITE_BROKER_URL": given.broker_url,
            "REPLSITE_LOG_LEVEL": "INFO",
            "DJANGO_SETTINGS_MODULE": "replsite.settings",
        }
        lines = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
        for number, lease in enumerate(_LEASES):
            bench = Bench(folder / f"storage-{number}", folder, lease)
            with bench.running():
                lines.append(row(lease, [bench.kill_once() for _ in range(given.kills)]))
    print("\n".join(lines))  # noqa: T201 - what the program is for


if __name__ == "__main__":
    main()
