"""A drawing of where a group is: its sides, which may be written, and which way data goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

Role = Literal["active", "left", "taking-over", "receives", "idle", "stale", "unknown"]

_WIDTH, _HEIGHT = 250, 92
_GAP = 24
_REACH = 170
"""How far apart a source and its receivers stand, for an arrow with its words between them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side:
    """One side of a group, as the drawing shows it."""

    name: str
    role: Role
    title: str
    """What it is now, in a word or two."""
    note: str
    icon: str
    answers: bool | None
    """None when nobody has looked lately."""
    lag: str = ""
    """How far it is behind, in words; for what receives."""

    @property
    def is_active(self) -> bool:
        """Tell whether it may be written."""
        return self.role in {"active", "left"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Box:
    """A side in its place."""

    side: Side
    x: int
    y: int
    width: int = _WIDTH
    height: int = _HEIGHT

    @property
    def name(self) -> str:
        """Return the side's name, as long as there is room for."""
        return self.side.name if len(self.side.name) <= 22 else f"{self.side.name[:21]}…"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arrow:
    """The way that data goes, or a group that moves."""

    path: str
    text_x: int
    text_y: int
    anchor: str
    text: str
    is_moving: bool
    is_broken: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """The drawing, for one width of screen."""

    name: str
    width: int
    height: int
    boxes: list[Box]
    arrows: list[Arrow]
    says: str
    """The same in a sentence, for those who do not see it."""


def wide(sides: Sequence[Side]) -> Picture:
    """Draw the active side on the left and the others below each other on the right."""
    source, others = _split(sides)
    height = max(1, len(others)) * (_HEIGHT + _GAP) - _GAP
    boxes = [Box(side=source, x=1, y=(height - _HEIGHT) // 2 + 1)]
    boxes += [Box(side=side, x=_WIDTH + _REACH, y=place * (_HEIGHT + _GAP) + 1) for place, side in enumerate(others)]
    arrows = []
    for box in boxes[1:]:
        begin, end = (_WIDTH + 4, height // 2 + 1), (box.x - 8, box.y + _HEIGHT // 2)
        middle = (begin[0] + end[0]) // 2
        path = f"M {begin[0]} {begin[1]} C {middle} {begin[1]}, {middle} {end[1]}, {end[0]} {end[1]}"
        arrows += _arrow(source, box.side, path, (end[0] - 8, end[1] + (18 if end[1] > begin[1] else -10), "end"))
    return Picture(
        name="wide", width=2 * _WIDTH + _REACH + 2, height=height + 2, boxes=boxes, arrows=arrows, says=said(sides)
    )


def tall(sides: Sequence[Side]) -> Picture:
    """Draw the active side on top and the others below it, for a narrow screen."""
    source, others = _split(sides)
    inset, step = 46, _HEIGHT + _GAP
    boxes = [Box(side=source, x=1, y=1)]
    boxes += [Box(side=side, x=inset, y=step * (place + 1) + 14) for place, side in enumerate(others)]
    arrows = []
    for box in boxes[1:]:
        level = box.y + _HEIGHT // 2
        path = f"M 20 {_HEIGHT + 5} L 20 {level - 10} Q 20 {level} 30 {level} L {inset - 8} {level}"
        arrows += _arrow(source, box.side, path, (inset, box.y - 6, "start"))
    height = boxes[-1].y + _HEIGHT + 2
    return Picture(name="tall", width=_WIDTH + inset + 2, height=height, boxes=boxes, arrows=arrows, says=said(sides))


def said(sides: Sequence[Side]) -> str:
    """Return what the drawing shows, in words."""
    return "; ".join(
        f"{side.name}: {side.title}" + (f", {side.lag}" if side.lag else "") + _reach_said(side) for side in sides
    )


def _split(sides: Sequence[Side]) -> tuple[Side, list[Side]]:
    source = next((side for side in sides if side.is_active), sides[0])
    return source, [side for side in sides if side is not source]


def _arrow(source: Side, side: Side, path: str, place: tuple[int, int, str]) -> list[Arrow]:
    if side.role not in {"receives", "taking-over", "stale"}:
        return []
    is_moving = side.role == "taking-over"
    text = "moves here" if is_moving else side.lag
    broken = side.answers is False or source.answers is False or side.role == "stale"
    return [
        Arrow(
            path=path,
            text_x=place[0],
            text_y=place[1],
            anchor=place[2],
            text="nothing is sent" if side.role == "stale" else text,
            is_moving=is_moving,
            is_broken=broken,
        )
    ]


def _reach_said(side: Side) -> str:
    return {True: "", False: ", does not answer", None: ", not looked at lately"}[side.answers]
