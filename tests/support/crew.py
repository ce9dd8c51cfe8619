"""Starts real workers, beat and web server for a test, and kills them all in the end."""

from __future__ import annotations

from pathlib import Path

from groups import models
from tests.support import doors, processes, workers


class Crew:
    """The processes of one test, which share some settings."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder = folder
        self._settings = settings
        self._started: list[workers.Process] = []

    def worker(self, **settings: str) -> workers.Process:
        """Start a worker that takes messages once this returns."""
        return self._keep(workers.worker(self._file("worker", "log"), **{**self._settings, **settings}))

    def beat(self, **settings: str) -> workers.Process:
        """Start beat."""
        schedule = self._file("beat", "schedule")
        return self._keep(workers.beat(self._file("beat", "log"), schedule, **{**self._settings, **settings}))

    def web(self, **settings: str) -> doors.Door:
        """Start a web server that answers once this returns."""
        port = processes.free_port()
        process = workers.web(self._file("web", "log"), port=port, **{**self._settings, **settings})
        door = doors.Door(port=port, process=self._keep(process))
        processes.wait_until(door.answers, what=f"the web server to answer; see {process.log}")
        return door

    def wait_for_end(self, operation: models.Operation) -> None:
        """Wait until an operation has ended; fail with what everybody said when it does not."""
        try:
            processes.wait_until(lambda: ended(operation), what="the operation's end")
        except AssertionError as error:
            logs = sorted(self._folder.glob("*.log"))
            said = "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)
            row = models.Operation.objects.filter(pk=operation.pk).values().get()
            raise AssertionError(f"{error}\n{row}\n{said}") from error

    def _file(self, name: str, ending: str) -> Path:
        return self._folder / f"{name}-{len(self._started)}.{ending}"

    def _keep(self, process: workers.Process) -> workers.Process:
        self._started.append(process)
        return process

    def dismiss(self) -> None:
        """Kill whoever is left."""
        for process in self._started:
            process.wake()
            process.kill()


def ended(operation: models.Operation) -> bool:
    """Tell whether an operation has ended."""
    operation.refresh_from_db()
    return not operation.is_open
