"""A group's lag over time as a drawing, with its objectives as lines."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Sequence

from groups import clock
from groups.admin import shown
from groups.objectives import Levels
from groups.queries import lag

POINTS = 180
SPANS: dict[str, tuple[str, datetime.timedelta]] = {
    "1h": ("1 hour", datetime.timedelta(hours=1)),
    "24h": ("24 hours", datetime.timedelta(hours=24)),
    "30d": ("30 days", datetime.timedelta(days=30)),
}
DEFAULT_SPAN = "1h"

_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 14, 24
_GAPS = 3
"""How many spans without a look break the line."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """A level across the drawing."""

    y: float
    text: str
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Blind:
    """A time in which no look could tell."""

    x: float
    width: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
    """The drawing, for one width of screen."""

    name: str
    width: int
    height: int
    paths: list[str]
    dots: list[tuple[float, float]]
    """Points that no line joins."""
    levels: list[Line]
    ticks: list[Line]
    times: list[tuple[float, str, str]]
    blinds: list[Blind]
    left: int = _LEFT
    top: int = _TOP

    @property
    def right(self) -> int:
        """Return where the drawing ends."""
        return self.width - _RIGHT

    @property
    def bottom(self) -> int:
        """Return where time is written."""
        return self.height - _BOTTOM

    @property
    def tall(self) -> int:
        """Return the height of what is drawn."""
        return self.bottom - self.top


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """A group's lag over one span of time: drawings, and the same in words."""

    span: str
    charts: list[Chart]
    says: str


def history(points: Sequence[lag.Point], *, span: str, levels: Levels) -> History:
    """Draw what was seen in a span of time that ends now."""
    known = [point.lag_seconds for point in points if point.lag_seconds is not None]
    blind = sum(1 for point in points if point.lag_seconds is None)
    if not points:
        return History(span=span, charts=[], says=f"Nobody has looked in the last {SPANS[span][0]}.")
    worst = f"at worst {shown.span(max(known))}, at the end {shown.span(known[-1])}" if known else "never known"
    says = f"In the last {SPANS[span][0]} the newest complete point was {worst} old."
    if blind:
        says += f" In {blind} of {len(points)} spans no look could tell."
    charts = [_draw(points, name=name, size=size, span=span, levels=levels) for name, size in _SIZES.items()]
    return History(span=span, charts=charts, says=says)


_SIZES = {"wide": (900, 220), "tall": (360, 220)}


def _draw(points: Sequence[lag.Point], *, name: str, size: tuple[int, int], span: str, levels: Levels) -> Chart:
    width, height = size
    length = SPANS[span][1].total_seconds()
    begin = clock.now().timestamp() - length
    inner, tall = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM
    known = [point.lag_seconds for point in points if point.lag_seconds is not None]
    limits = [level for level in (levels.warning, levels.critical) if level is not None]
    top = _round_up(max([*known, *(limits[:1] if known and max(known) < limits[0] else limits)], default=1.0) * 1.1)

    def x(point: lag.Point) -> float:
        return round(_LEFT + inner * min(1.0, max(0.0, (point.at.timestamp() - begin) / length)), 1)

    def y(seconds: float) -> float:
        return round(_TOP + tall * (1 - min(1.0, seconds / top)), 1)

    paths, dots = _paths([(x(each), each.lag_seconds) for each in points], y, gap=_GAPS * inner / POINTS)
    step = inner / POINTS
    return Chart(
        name=name,
        width=width,
        height=height,
        paths=paths,
        dots=dots,
        levels=[
            Line(y=y(level), text=f"{word} above {shown.span(level)}", name=word)
            for word, level in (("warning", levels.warning), ("critical", levels.critical))
            if level is not None and level <= top
        ],
        ticks=[Line(y=y(part * top), text=shown.span(part * top), name="") for part in (0.0, 0.5, 1.0)],
        times=[
            (_LEFT, f"{SPANS[span][0]} ago", "start"),
            (width - _RIGHT, "now", "end"),
        ],
        blinds=[Blind(x=x(each), width=round(step + 0.5, 1)) for each in points if each.lag_seconds is None],
    )


def _paths(
    places: Sequence[tuple[float, float | None]], y: object, *, gap: float
) -> tuple[list[str], list[tuple[float, float]]]:
    """Return the lines between points that are near each other, and the points that are alone."""
    runs: list[list[tuple[float, float]]] = []
    last = -math.inf
    for x, seconds in places:
        if seconds is None:
            last = -math.inf
            continue
        if x - last > gap:
            runs.append([])
        runs[-1].append((x, y(seconds)))  # type: ignore[operator]
        last = x
    paths = ["M " + " L ".join(f"{x} {height}" for x, height in run) for run in runs if len(run) > 1]
    return paths, [run[0] for run in runs if len(run) == 1]


def _round_up(seconds: float) -> float:
    """Return a round number of seconds, minutes or hours above."""
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
    return float(next((step for step in steps if step >= seconds), math.ceil(seconds / 86400) * 86400))
