"""The processes of a site under measurement, and an HTTP client that keeps its connection."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import tracing

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 600.0
_VERSION = {"OpenStack-API-Version": "volume 3.71"}
_WORKER = ("celery", "--app", "replsite", "worker", "--without-gossip", "--without-mingle")
_WEB = ("gunicorn", "--config", "python:replsite.gunicorn")


class Stack:
    """Web, two workers and beat, as the Procfile has them, on a port of its own; traced, they note what they do."""

    def __init__(self, folder: Path, *, traced: bool = False) -> None:
        self._folder, self._traced = folder, traced
        self.port = _free_port()
        self._worker_logs = [str(folder / f"{name}.log") for name in ("worker", "urgent")]
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[Stack]:
        """Run the processes meanwhile."""
        queues = "failover,replication,maintenance"
        try:
            worker = [*_WORKER, "--include", "bench.empty,bench.tracing" if self._traced else "bench.empty"]
            self._start("web", [*_WEB, "bench.tracing:application" if self._traced else "replsite.wsgi"])
            self._start("worker", [*worker, "--hostname", "worker@bench", "--queues", queues])
            self._start("urgent", [*worker, "--hostname", "urgent@bench", "--queues", "failover,maintenance"])
            self._start("beat", ["celery", "--app", "replsite", "beat", "--pidfile="])
            for name in ("worker", "urgent"):
                wait_until(lambda name=name: " ready" in self._said(name), what=name)  # type: ignore[misc]
            wait_until(self._answers, what="web")
            yield self
        finally:
            for process in self._processes.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def spoken(self) -> int:
        """Return how much the workers have said in their logs, where a line follows each step and each end."""
        return sum([os.stat(path).st_size for path in self._worker_logs])

    def memory(self) -> dict[str, float]:
        """Return the resident memory of each process with all its children, in MiB."""
        groups = {process.pid: name for name, process in self._processes.items()}
        found = dict.fromkeys(groups.values(), 0.0)
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, KeyError, ValueError):
                group = int((path / "stat").read_text().rpartition(")")[2].split()[2])
                found[groups[group]] += int((path / "statm").read_text().split()[1]) * 4096 / 2**20
        return found

    def _start(self, name: str, words: Sequence[str]) -> None:
        held = [sys.executable, "-m", "replsite.lifeline", "--parent", str(os.getpid())]
        with (self._folder / f"{name}.log").open("wb") as said:
            self._processes[name] = subprocess.Popen(
                [*held, sys.executable, "-m", *words],
                env={
                    **os.environ,
                    "REPLSITE_BIND": f"127.0.0.1:{self.port}",
                    **({tracing.FOLDER: str(self._folder)} if self._traced else {}),
                },
                cwd=CHECKOUT,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _said(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return Client(self.port, token="").get("/healthz")[0] == 200
        return False


class Client:
    """A client of the API with one connection."""

    def __init__(self, port: int, *, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self._headers = {"X-Auth-Token": token, "Content-Type": "application/json", **_VERSION}

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask for something; return the status and the body."""
        return self._send("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send something and return the answer. Raises `RuntimeError` when it was not accepted."""
        status, said = self._send("POST", path, json.dumps(body))
        if status >= 300:
            raise RuntimeError(f"{path}: {status} {said!r}")
        answer: dict[str, Any] = json.loads(said) if said else {}
        return answer

    def _send(self, method: str, path: str, body: str | None) -> tuple[int, bytes]:
        for last in (False, True):
            try:
                self._connection.request(method, path, body=body, headers=self._headers)
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.BadStatusLine, ConnectionError):
                # Kept too long: the server closed it.
                self._connection.close()
                if last:
                    raise
        raise AssertionError


def wait_until(claim: Callable[[], object], *, what: str, pause: float = 0.02) -> None:
    """Wait until a claim is true. Raises `TimeoutError`."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not claim():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {PATIENCE_SECONDS:g} s")
        time.sleep(pause)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
