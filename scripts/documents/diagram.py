"""docs/images/replication-status.svg: where the replication status may go, from groups/statuses.py.

Only the places of the words are chosen here; every arrow comes from the table of moves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from groups import statuses
from groups.statuses import Axis, ReplicationStatus

Point = tuple[float, float]

_WIDTH, _HEIGHT = 960, 340
_HALF_WIDTH, _HALF_HEIGHT = 66, 19
_APART = 6
"""How far an arrow runs to the right of the line between two words, so that there and back are two lines."""

_PLACES: dict[str, Point] = {
    ReplicationStatus.DISABLED: (90, 110),
    ReplicationStatus.ENABLING: (270, 50),
    ReplicationStatus.DISABLING: (270, 170),
    ReplicationStatus.ENABLED: (450, 110),
    ReplicationStatus.FAILING_OVER: (660, 110),
    ReplicationStatus.FAILED_OVER: (870, 110),
    ReplicationStatus.ERROR: (450, 260),
    ReplicationStatus.FAILOVER_ERROR: (660, 260),
}
_FILLS = {"healthy": "#d9f2e0", "passing": "#e3ecfb", "trouble": "#fbe0dc"}
_HEAD = f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" font-family="sans-serif" \
font-size="14">
<title>How the replication status moves</title>
<defs>
<marker id="begin" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">\
<path d="M0 0L10 5L0 10z" fill="#44546a"/></marker>
<marker id="success" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">\
<path d="M0 0L10 5L0 10z" fill="#1f7a3d"/></marker>
<marker id="failure" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">\
<path d="M0 0L10 5L0 10z" fill="#b3261e"/></marker>
</defs>
<rect width="{_WIDTH}" height="{_HEIGHT}" rx="10" fill="#ffffff" stroke="#c8ced6"/>
"""
_LOOKS = {
    "begin": 'stroke="#44546a"',
    "success": 'stroke="#1f7a3d" stroke-width="2"',
    "failure": 'stroke="#b3261e" stroke-dasharray="5 4"',
}
_LEGEND = (("begin", "asked for"), ("success", "success"), ("failure", "failure"))


def text() -> str:
    """Return the picture."""
    return _HEAD + "".join(f"{line}\n" for line in (*_arrows(), *_words(), *_legend())) + "</svg>\n"


def _arrows() -> Iterator[str]:
    drawn = set()
    for move in statuses.MOVES.values():
        # What finds out by looking where it ends would draw an arrow to everywhere.
        if move.axis is not Axis.REPLICATION or move.outcomes or move.success == statuses.PREVIOUS:
            continue
        found = [(source, move.passing, "begin") for source in sorted(move.sources)]
        found += [(move.passing, move.success, "success"), (move.passing, move.failure, "failure")]
        for arrow in found:
            if arrow not in drawn:
                drawn.add(arrow)
                yield _arrow(*arrow)


def _arrow(source: str, target: str, look: str) -> str:
    start, end = _PLACES[source], _PLACES[target]
    length = math.dist(start, end)
    along = ((end[0] - start[0]) / length, (end[1] - start[1]) / length)
    aside = (-along[1] * _APART, along[0] * _APART)
    first = _edge(start, along, aside)
    last = _edge(end, (-along[0], -along[1]), aside)
    line = f'x1="{first[0]:.1f}" y1="{first[1]:.1f}" x2="{last[0]:.1f}" y2="{last[1]:.1f}"'
    return f'<line {line} {_LOOKS[look]} marker-end="url(#{look})"/>'


def _edge(middle: Point, along: Point, aside: Point) -> Point:
    """Return where a line that leaves a word's box in a direction crosses its border."""
    reach = min(
        (half - math.copysign(1, part) * shift) / abs(part)
        for half, part, shift in ((_HALF_WIDTH, along[0], aside[0]), (_HALF_HEIGHT, along[1], aside[1]))
        if part
    )
    return middle[0] + along[0] * reach + aside[0], middle[1] + along[1] * reach + aside[1]


def _words() -> Iterator[str]:
    for word, (x, y) in _PLACES.items():
        box = f'x="{x - _HALF_WIDTH}" y="{y - _HALF_HEIGHT}" width="{2 * _HALF_WIDTH}" height="{2 * _HALF_HEIGHT}"'
        yield f'<rect {box} rx="{_HALF_HEIGHT}" fill="{_FILLS[_mood(word)]}" stroke="#44546a"/>'
        yield f'<text x="{x}" y="{y + 5}" text-anchor="middle" fill="#1b2430">{word}</text>'


def _mood(word: str) -> str:
    if word in statuses.PASSING[Axis.REPLICATION]:
        return "passing"
    return "healthy" if word in statuses.HEALTHY[Axis.REPLICATION] else "trouble"


def _legend() -> Iterator[str]:
    for row, (look, label) in enumerate(_LEGEND):
        y = 250 + 24 * row
        yield f'<line x1="40" y1="{y}" x2="90" y2="{y}" {_LOOKS[look]} marker-end="url(#{look})"/>'
        yield f'<text x="102" y="{y + 5}" fill="#1b2430">{label}</text>'
