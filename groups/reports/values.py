"""How one value of a report looks as HTML: words, times, lists, and tables that fit a page."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?\+00:00")
_LONG, _SENTENCE = 32, 60
"""From which length a word without a blank, and any text, gets a line of its own under its row."""
_FEW_COLUMNS, _MANY_COLUMNS = 4, 7
_ORDER = (
    # Reports are sealed with their keys sorted, as digests want it; people read in another order.
    *("order", "entry", "number", "leg", "check", "what", "kind", "name", "code", "severity", "title", "backend_id"),
    *("version", "before", "during", "after", "started_at", "ended_at", "observed_at", "seconds", "attempt"),
    *("result", "actor", "verdict", "ok", "status", "owner", "due_on", "detail", "says"),
    *("scenario", "to_writable_seconds", "to_verified_seconds", "bytes", "writes", "newest_write"),
    *("newest_write_in_the_copy", "lag_seconds", "bytes_behind", "consistent_at", "reachable", "replicating"),
    *("protected", "active_side", "size_gib", "bytes_same", "bytes_changed", "bytes_different", "differences"),
    *("not_compared", "error", "group", "volumes", "sides", "id", "digest", "previous", "predecessor", "signature"),
    *("left", "created", "safe_at", "how"),
)
_RANK = {key: place for place, key in enumerate(_ORDER)}


def shown(field: Mapping[str, Any]) -> str:
    """Return a field's value, or why it does not apply."""
    if "not_applicable" in field:
        return f"<span class='na'>Not applicable: {safe(field['not_applicable'])}</span>"
    return value(field["value"])


def is_wide(found: Any) -> bool:
    """Tell whether a value needs the whole width of the page: it holds a table with many columns."""
    if isinstance(found, Mapping):
        return any(is_wide(each) for each in found.values())
    return _is_table(found) and len(_columns(found)[0]) > _FEW_COLUMNS


def value(found: Any) -> str:
    """Return a value as HTML."""
    if isinstance(found, Mapping):
        rows = (f"<tr><th>{safe(_words(key))}</th><td>{value(found[key])}</td></tr>" for key in _ordered(found))
        return f"<table class='pairs'>{''.join(rows)}</table>"
    if isinstance(found, list):
        if _is_table(found):
            return table(found)
        if found and all(isinstance(each, int) for each in found):
            return ", ".join(map(str, found))
        return f"<ul>{''.join(f'<li>{value(each)}</li>' for each in found)}</ul>" if found else "none"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if isinstance(found, float):
        return f"{found + 0.0:.3f}".rstrip("0").rstrip(".")
    text = "none" if found is None else str(found)
    if moment := _TIME.fullmatch(text):
        return f"<span class='time' title='{text}'>{moment[1]} {moment[2]} UTC</span>"
    return f"<span class='mono'>{safe(text)}</span>" if _is_long(text) else safe(text)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows under their heads; what is long stands on lines of its own under its row."""
    columns, long = _columns(rows)
    head = "".join(f"<th>{safe(_words(column))}</th>" for column in columns)
    body = []
    for row in rows:
        cells = "".join(f"<td>{value(row.get(column, ''))}</td>" for column in columns)
        under = "".join(f"<div>{safe(_words(key))} {value(row[key])}</div>" for key in long if row.get(key))
        more = f"<tr class='under'><td colspan='{max(1, len(columns))}'>{under}</td></tr>" if under else ""
        body.append(f"<tbody>{f'<tr>{cells}</tr>' if cells else ''}{more}</tbody>")
    kind = "rows many" if len(columns) > _MANY_COLUMNS else "rows"
    above = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f"<table class='{kind}'>{above}{''.join(body)}</table>"


def safe(found: object) -> str:
    """Return a text that cannot become markup."""
    return html.escape(str(found))


def _columns(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the columns that stand beside each other, and those whose values are too long for that."""
    keys = _ordered({key: None for row in rows for key in row})
    told = [key for key in keys if any(row.get(key) not in ("", None) for row in rows)]
    long = [key for key in told if any(_goes_under(row.get(key, "")) for row in rows)]
    return [key for key in told if key not in long], long


def _ordered(keys: Mapping[str, Any]) -> list[str]:
    return sorted(keys, key=lambda key: (_RANK.get(key, len(_RANK)), key))


def _is_table(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(isinstance(each, Mapping) for each in found)


def _goes_under(found: Any) -> bool:
    return isinstance(found, str) and (_is_long(found) or len(found) > _SENTENCE)


def _is_long(text: str) -> bool:
    return len(text) >= _LONG and " " not in text and not _TIME.fullmatch(text)


def _words(key: object) -> str:
    return str(key).replace("_", " ")
