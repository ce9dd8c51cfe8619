"""How the demo is told: headings, commands with their answers, progress, tables."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence

INDENT = "  "
_PLAIN = {"bold": "", "faint": "", "good": "", "bad": "", "end": ""}
_COLORED = {"bold": "\033[1m", "faint": "\033[2m", "good": "\033[32m", "bad": "\033[1;31m", "end": "\033[0m"}
_CLEAR_LINE = "\r\033[K"
_WORTH_LISTING_SECONDS = 0.1
_QUIET_SECONDS, _BETWEEN_LINES_SECONDS = 2.0, 5.0
"""Without a terminal: after how long something is said to go on, and how often again."""


class Teller:
    """Writes to standard output; uses colors and moving lines on a terminal only."""

    def __init__(self) -> None:
        self.on_terminal = sys.stdout.isatty()
        self._look = _COLORED if self.on_terminal else _PLAIN
        self._chapters = 0
        self._began = time.monotonic()
        self.times: list[tuple[str, float]] = []

    def say(self, text: str = "", *, look: str = "") -> None:
        """Write one line."""
        styled = f"{self._look[look]}{text}{self._look['end']}" if look else text
        sys.stdout.write(f"{styled}\n")
        sys.stdout.flush()

    def chapter(self, title: str) -> None:
        """Begin the next part of the story."""
        self._chapters += 1
        self.say()
        self.say(f"{self._chapters}. {title}", look="bold")

    def command(self, words: str) -> None:
        """Show a command as one would type it."""
        self.say()
        self.say(f"$ {words}", look="bold")

    def answer(self, text: str) -> None:
        """Show what a command answered."""
        if text.strip():
            self.say(text.strip("\n"))

    def explain(self, text: str) -> None:
        """Say what the next thing is about."""
        self.say()
        self.say(text, look="faint")

    def good(self, text: str) -> None:
        """Show what turned out right."""
        self.say(f"{INDENT}{text}", look="good")

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[Progress]:
        """Show how long something goes on, and keep its time for the table at the end."""
        progress = Progress(self, what)
        yield progress
        self.times.append((what, progress.elapsed()))
        progress.finish()

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Show rows in columns; the first one is the head."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for number, row in enumerate(rows):
            line = "   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
            self.say(f"{INDENT}{line}", look="faint" if number == 0 else "")

    def show_times(self) -> None:
        """Show how long everything took, but for what took no time."""
        rows = [(what, f"{seconds:7.1f}") for what, seconds in self.times if seconds >= _WORTH_LISTING_SECONDS]
        self.table([("what", "seconds"), *rows, ("all together", f"{time.monotonic() - self._began:7.1f}")])


class Progress:
    """One line that says how far something is and for how long it goes on."""

    def __init__(self, teller: Teller, what: str) -> None:
        self._teller = teller
        self._what = what
        self._began = time.monotonic()
        self._next_line = _QUIET_SECONDS

    def elapsed(self) -> float:
        """Return the seconds since it began."""
        return time.monotonic() - self._began

    def show(self, state: str) -> None:
        """Show the state: in place on a terminal, else on a line of its own from time to time."""
        elapsed = self.elapsed()
        line = f"{INDENT}{self._what}: {state} ({elapsed:.1f} s)"
        if self._teller.on_terminal:
            sys.stdout.write(f"{_CLEAR_LINE}{line}")
            sys.stdout.flush()
        elif elapsed >= self._next_line:
            self._teller.say(line)
            self._next_line = elapsed + _BETWEEN_LINES_SECONDS

    def finish(self) -> None:
        """Leave the line as the last word on it."""
        if self._teller.on_terminal:
            sys.stdout.write(_CLEAR_LINE)
        self._teller.good(f"{self._what}: done in {self.elapsed():.1f} s")
