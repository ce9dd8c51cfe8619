"""The processes of the stormed site: started, killed, frozen, and started anew. None outlives the storm."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.storm.watch import BEAT, Watch
from tests.support import processes

_PROGRAMS = Path(sys.executable).parent
_END_SECONDS = 30
_LAST_LINES = 4
_WORKS = {"web": "Booting worker", "beat": "LocalTime ->", "worker": " ready."}
"""What each says once it works."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spell:
    """One time that a worker was dead or frozen: its operations had to be taken over."""

    name: str
    """The worker's name, which no other worker of the storm ever had."""
    began: float
    kind: str


class Child:
    """One process with its children, in a group of its own; killed with the storm, however that ends."""

    def __init__(self, name: str, *words: str, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as out:
            self._said_before = out.tell()
            # The kernel ends it with the thread that started it: only the storm's main thread starts any.
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "replsite.lifeline", "--parent", str(os.getpid()), *words],
                env=env,
                cwd=processes.CHECKOUT,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        """Tell whether it runs, or is frozen."""
        return self.popen.poll() is None

    def has_said(self, text: str) -> bool:
        """Tell whether it has said something since it was started."""
        return text in self.said()

    def said(self) -> str:
        """Return what it has said since it was started."""
        with self._log.open("rb") as said:
            said.seek(self._said_before)
            return said.read().decode(errors="replace")

    def kill(self) -> None:
        """Kill -9 it with its children."""
        self.signal(signal.SIGKILL)
        self.popen.wait(_END_SECONDS)

    def signal(self, number: int) -> None:
        """Send a signal to it and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)


class Stack:
    """Web, beat and workers of one site. Where one is killed, another is started in its place."""

    def __init__(self, *, folder: Path, env: Mapping[str, str], workers: int, watch: Watch, plant: str = "") -> None:
        self._folder, self._env, self._watch = folder, dict(env), watch
        self._numbers = iter(range(1, 1_000_000))
        self._children: dict[str, Child] = {}
        self._frozen: dict[str, str] = {}
        self.spells: list[Spell] = []
        self.ends_unasked: list[str] = []
        self.worker_places = [f"worker {number}" for number in range(workers)]
        self._places = ["web", BEAT, *self.worker_places]
        self._app = "replsite"
        if plant:
            self._app = "tests.judging.planted_app"
            self._env["PLANTED_FAULT"] = plant

    def start(self) -> None:
        """Start everything."""
        for place in self._places:
            self._start(place)

    def kill(self, place: str) -> None:
        """Kill -9 what is in a place, and start another one there."""
        child = self._children[place]
        self._note(place, "killed")
        child.kill()
        self._frozen.pop(place, None)
        self._start(place)

    def kill_web_child(self, draw: float) -> bool:
        """Kill -9 one of the web server's own children, which it replaces itself; False when it has none yet."""
        children = _children_of(self._children["web"].popen.pid)
        if not children:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(children[int(draw * len(children))], signal.SIGKILL)
        return True

    def freeze(self, place: str) -> None:
        """Stop a worker where it is."""
        self._note(place, "frozen")
        self._frozen[place] = self._children[place].name
        self._watch.gone(place)
        self._children[place].signal(signal.SIGSTOP)

    def wake(self, place: str) -> None:
        """Let a frozen worker go on, if it still is the one that was frozen."""
        if self._frozen.pop(place, None) == self._children[place].name:
            self._children[place].signal(signal.SIGCONT)

    def revive(self) -> None:
        """Wake whoever is frozen, and start anew what ended without being told to."""
        for place in list(self._frozen):
            self.wake(place)
        self.check()

    def check(self) -> None:
        """Start anew what ended by itself, as a supervisor would; see who has begun to work."""
        for place, child in list(self._children.items()):
            if not child.is_alive:
                last = " | ".join(child.said().strip().splitlines()[-_LAST_LINES:])
                self.ends_unasked.append(f"{place} ended by itself with {child.popen.returncode}: {last}")
                self._start(place)
            elif self._watch.misses(place) and place not in self._frozen and child.has_said(_WORKS[place.split()[0]]):
                self._watch.back(place)

    def dismiss(self) -> None:
        """Kill everything that is left."""
        for child in self._children.values():
            child.kill()

    @property
    def _urgent(self) -> str:
        """Return the place of the worker that is kept free for failovers, as in the Procfile."""
        return self.worker_places[-1] if len(self.worker_places) > 1 else ""

    @property
    def copiers(self) -> list[str]:
        """Return the places of the workers that do everything."""
        return [place for place in self.worker_places if place != self._urgent]

    def _note(self, place: str, kind: str) -> None:
        child = self._children[place]
        self.spells.append(Spell(name=child.name, began=time.time(), kind=kind))

    def _start(self, place: str) -> None:
        name = f"{place.replace(' ', '')}n{next(self._numbers)}"
        log = self._folder / f"{place.replace(' ', '-')}.log"
        self._watch.gone(place)
        self._children[place] = Child(name, *self._words(place, name), env=self._env, log=log)

    def _words(self, place: str, name: str) -> list[str]:
        if place == "web":
            return [str(_PROGRAMS / "gunicorn"), "--config", "python:replsite.gunicorn", "replsite.wsgi"]
        if place == BEAT:
            schedule = str(self._folder / "beat-schedule")
            return [sys.executable, "-m", "celery", "-A", "replsite", "beat", "--pidfile=", "--schedule", schedule]
        queues = "failover,maintenance" if place == self._urgent else "failover,replication,maintenance"
        return [
            sys.executable, "-m", "celery", "-A", self._app, "worker", "--hostname", f"{name}@storm",
            "--queues", queues, "--without-gossip", "--without-mingle",
        ]  # fmt: skip


def _children_of(pid: int) -> list[int]:
    try:
        words = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return sorted(int(word) for word in words)
