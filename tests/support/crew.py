"""Starts real workers and beat for a test, and kills them all in the end."""

from __future__ import annotations

from pathlib import Path

from groups import models
from tests.support import processes, workers


class Crew:
    """The workers and the beat of one test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[workers.Process] = []

    def worker(self, **settings: str) -> workers.Process:
        """Start a worker that takes messages once this returns."""
        self._started.append(workers.worker(self._folder / f"worker-{len(self._started)}.log", **settings))
        return self._started[-1]

    def beat(self, **settings: str) -> workers.Process:
        """Start beat."""
        self._started.append(workers.beat(self._folder / "beat.log", self._folder / "beat-schedule", **settings))
        return self._started[-1]

    def wait_for_end(self, operation: models.Operation) -> None:
        """Wait until an operation has ended; fail with what everybody said when it does not."""
        try:
            processes.wait_until(lambda: ended(operation), what="the operation's end")
        except AssertionError as error:
            logs = sorted(self._folder.glob("*.log"))
            said = "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)
            row = models.Operation.objects.filter(pk=operation.pk).values().get()
            raise AssertionError(f"{error}\n{row}\n{said}") from error

    def dismiss(self) -> None:
        """Kill whoever is left."""
        for process in self._started:
            process.wake()
            process.kill()


def ended(operation: models.Operation) -> bool:
    """Tell whether an operation has ended."""
    operation.refresh_from_db()
    return not operation.is_open
