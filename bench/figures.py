"""Figures: medians with their spread, what they are held against, and the table they end in."""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Sequence


@dataclasses.dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the table: what was measured, and how many times the floor it is."""

    part: str
    what: str
    median: float
    least: float
    most: float
    unit: str = "s"
    floor: float | None = None
    """What the bare parts take for the same, in the same unit and run; None where there is none."""
    floor_of: str = ""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return how many times the floor the median is."""
        return self.median / self.floor if self.floor else None


def of(
    part: str,
    what: str,
    values: Sequence[float],
    *,
    unit: str = "s",
    floor: float | None = None,
    floor_of: str = "",
    note: str = "",
) -> Figure:
    """Return the figure of some measured values."""
    return Figure(
        part=part,
        what=what,
        median=statistics.median(values),
        least=min(values),
        most=max(values),
        unit=unit,
        floor=floor,
        floor_of=floor_of,
        note=note,
    )


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def repeated(work: Callable[[], object], *, times: int) -> list[float]:
    """Return how many seconds some work takes, each time anew; the first time does not count."""
    work()
    return [timed(work) for _ in range(times)]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    head = ("part", "what", "median", "min", "max", "floor", "x floor", "note")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for each in figures:
        floor = "" if each.floor is None else f"{_shown(each.floor, each.unit)} ({each.floor_of})"
        ratio = "" if each.ratio is None else f"{each.ratio:.2f}"
        numbers = [_shown(value, each.unit) for value in (each.median, each.least, each.most)]
        lines.append(f"| {' | '.join([each.part, each.what, *numbers, floor, ratio, each.note])} |")
    return "\n".join(lines)


def _shown(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:.{min(digits, 3)}f} {unit}".strip()
