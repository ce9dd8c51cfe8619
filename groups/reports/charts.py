"""Charts of a drill report, as SVG that stands in the page: steps in time, trend, lag."""

from __future__ import annotations

import datetime
import html
from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH, _LABELS, _ROW = 720, 190, 22
_COLORS = {"done": "#2f7d4f", "failed": "#b3261e", "skipped": "#9aa3ad", "undone": "#b7791f", "undo-failed": "#b3261e"}
_FAR = 5
_INK, _SOFT = "#1f2933", "#e4e7eb"


def steps(found: Sequence[Mapping[str, Any]]) -> str:
    """Return the steps as bars in time; empty when none was begun."""
    begun = [step for step in found if step["started_at"]]
    if not begun:
        return ""
    start = min(_time(step["started_at"]) for step in begun)
    end = max(_time(step["ended_at"] or step["started_at"]) for step in begun)
    span = max((end - start).total_seconds(), 0.001)
    room = _WIDTH - _LABELS - 70
    rows = []
    for place, step in enumerate(begun):
        began = (_time(step["started_at"]) - start).total_seconds()
        took = step["seconds"] or 0.0
        x, width = _LABELS + room * began / span, max(2.0, room * took / span)
        y = 6 + place * _ROW
        color = _COLORS.get(step["result"], "#52606d")
        rows.append(
            _text(_LABELS - 8, y + 12, step["name"], anchor="end")
            + f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="14" rx="2" fill="{color}"/>'
            + _text(min(x + width + 5, _WIDTH - 60), y + 12, f"{took:.2f} s")
        )
    height = 12 + len(begun) * _ROW + 18
    axis = _text(_LABELS, height - 4, "0 s") + _text(_WIDTH - 70, height - 4, f"{span:.1f} s", anchor="end")
    return _svg(height, "Steps in time", "".join(rows) + axis)


def trend(runs: Sequence[Mapping[str, Any]], *, objectives: Mapping[str, float]) -> str:
    """Return recovery time and point of runs, the oldest first; empty for fewer than two."""
    measured = [run for run in runs if run.get("rto_seconds") is not None]
    if len(measured) < 2:
        return ""
    parts = []
    for which, (name, title) in enumerate((("rto_seconds", "Recovery time"), ("rpo_seconds", "Recovery point"))):
        top = 24 + which * 120
        values = [float(run[name] or 0.0) for run in measured]
        limit = objectives.get(name)
        highest = max([*values, 0.001])
        # An objective far above would leave nothing of what was achieved to see.
        is_far = limit is not None and limit > _FAR * highest
        most = highest * 1.3 if limit is None or is_far else max(highest, limit)
        parts.append(_text(0, top - 8, f"{title}, seconds", bold=True))
        width = min(60.0, (_WIDTH - 120) / len(values))
        for place, value in enumerate(values):
            tall = 76 * value / most
            x = 40 + place * width
            bad = limit is not None and value > limit
            color = "#b3261e" if bad else "#2b6cb0"
            parts.append(
                f'<rect x="{x:.1f}" y="{top + 80 - tall:.1f}" width="{width * 0.6:.1f}" height="{tall:.1f}"'
                f' fill="{color}"/>' + _text(x + width * 0.3, top + 76 - tall, f"{value:.1f}", anchor="middle")
            )
        parts.append(f'<line x1="34" x2="{_WIDTH}" y1="{top + 80}" y2="{top + 80}" stroke="{_INK}"/>')
        if limit is not None:
            y = top + 80 - 76 * min(limit / most, 1.0)
            parts.append(
                f'<line x1="34" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#b3261e" stroke-dasharray="5 4"/>'
                + _text(_WIDTH, y - 4, f"objective {limit:g} s{', far above' if is_far else ''}", anchor="end")
            )
    return _svg(250, "Trend of recovery time and point", "".join(parts))


def lag(looks: Mapping[str, Any]) -> str:
    """Return replication's lag before, during and after; empty when it was not measured."""
    found = [
        (title, float(looks[title]["lag_seconds"]))
        for title in ("before", "during", "after")
        if isinstance(looks.get(title), Mapping) and looks[title].get("lag_seconds") is not None
    ]
    if not found:
        return ""
    most = max(0.001, *(value for _, value in found))
    rows = []
    for place, (title, value) in enumerate(found):
        y = 6 + place * _ROW
        width = max(2.0, (_WIDTH - _LABELS - 80) * value / most)
        rows.append(
            _text(_LABELS - 8, y + 12, f"lag {title} the drill", anchor="end")
            + f'<rect x="{_LABELS}" y="{y}" width="{width:.1f}" height="14" rx="2" fill="#2b6cb0"/>'
            + _text(_LABELS + width + 5, y + 12, f"{value:.2f} s")
        )
    return _svg(12 + len(found) * _ROW, "Lag of replication", "".join(rows))


def _svg(height: int, title: str, inside: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="100%" role="img"'
        f' aria-label="{html.escape(title)}"><title>{html.escape(title)}</title>'
        f'<rect width="{_WIDTH}" height="{height}" fill="white" stroke="{_SOFT}"/>{inside}</svg>'
    )


def _text(x: float, y: float, said: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" font-family="DejaVu Sans, Arial, sans-serif" fill="{_INK}"'
        f' text-anchor="{anchor}"{weight}>{html.escape(said)}</text>'
    )


def _time(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)
