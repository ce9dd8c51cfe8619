"""A drill report as a page: HTML that needs nothing else, the same as PDF, and its steps as CSV."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from groups.reports import charts, fields

_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?\+00:00")
_CSV_COLUMNS = ("order", "name", "after", "started_at", "ended_at", "seconds", "attempt", "result", "actor", "error")
_VERDICTS = {
    "passed": ("#2f7d4f", "✔ passed"),
    "failed": ("#b3261e", "✘ failed"),
    "canceled": ("#52606d", "■ canceled"),
}
_STYLE = """
@page { size: A4; margin: 16mm 14mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 9px } }
body { font: 12px/1.45 "DejaVu Sans", Arial, sans-serif; color: #1f2933; max-width: 960px; margin: 0 auto;
  padding: 16px }
h1 { font-size: 22px; margin: 0 0 2px }
h2 { font-size: 15px; border-bottom: 2px solid #1f2933; margin: 22px 0 8px; page-break-after: avoid }
.sub { color: #52606d; margin: 0 0 12px }
.badge { color: white; padding: 3px 10px; border-radius: 4px; font-weight: bold }
.tiles { display: flex; flex-wrap: wrap; gap: 8px; margin: 12px 0 }
.tile { border: 1px solid #cbd2d9; border-radius: 6px; padding: 8px 12px; flex: 1 1 100px }
.tile b { display: block; font-size: 17px }
table { border-collapse: collapse; width: 100%; margin: 2px 0 }
td, th { text-align: left; vertical-align: top; padding: 3px 6px; border: 1px solid #e4e7eb; overflow-wrap: anywhere }
th { background: #f5f7fa; font-weight: 600; overflow-wrap: normal }
.time { white-space: nowrap; font-variant-numeric: tabular-nums }
table.fields > tbody > tr > td:first-child { width: 26px; color: #52606d; text-align: right }
table.fields > tbody > tr > th { width: 170px }
table table { font-size: 10px }
ul { margin: 0; padding-left: 16px }
.na { color: #616e7c; font-style: italic }
.mono { font-family: "DejaVu Sans Mono", monospace; font-size: 10px }
"""


def page(report: Mapping[str, Any], *, verdict: str, why: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the report as one HTML document; `entries` are its ledger entries, the report's first."""
    site, plan = fields.value(report, "site") or {}, fields.value(report, "plan") or {}
    color, said = _VERDICTS.get(verdict, ("#52606d", verdict))
    title = f"Drill of {site.get('group', '')}"
    about = (
        f"Plan {_safe(plan.get('name', ''))}, version {_safe(plan.get('version', ''))};"
        f" {_safe(fields.value(report, 'kind'))}; target {_safe(site.get('target', ''))} of"
        f" {_safe(site.get('backend', ''))}"
    )
    parts = [
        f"<h1>{_safe(title)} <span class='badge' style='background:{color}'>{_safe(said)}</span></h1>",
        f"<p class='sub'>{about}</p>",
        f"<p><b>{_safe(why)}</b></p>" if why else "",
        _tiles(report),
        _charts(report),
        *(_section(report, section) for section in fields.SECTIONS),
        _ledger(entries),
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width'><title>{_safe(title)}</title>"
        f"<style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def pdf(document: str) -> bytes:
    """Return an HTML document as PDF."""
    # Loaded when it is needed: it takes longer than most requests.
    import weasyprint  # type: ignore[import-untyped]

    found: bytes = weasyprint.HTML(string=document, url_fetcher=_nothing).write_pdf()
    return found


def steps_as_csv(report: Mapping[str, Any]) -> str:
    """Return the steps, one a line."""
    found = io.StringIO()
    writer = csv.DictWriter(found, _CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for step in fields.value(report, "steps") or []:
        writer.writerow({name: _harmless(step.get(name)) for name in _CSV_COLUMNS})
    return found.getvalue()


def _harmless(value: Any) -> Any:
    # A spreadsheet takes these for formulas.
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value


def _nothing(url: str, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
    raise ValueError(f"A report fetches nothing, and not {url}.")


def _tiles(report: Mapping[str, Any]) -> str:
    rpo, rto = fields.value(report, "achieved_rpo") or {}, fields.value(report, "achieved_rto") or {}
    checked = (fields.value(report, "data_verification") or {}).get("volumes") or []
    cover = fields.value(report, "coverage") or {}
    tiles = {
        "Recovery time achieved": _seconds(rto.get("to_writable_seconds")),
        "Until verified": _seconds(rto.get("to_verified_seconds")),
        "Recovery point achieved": _seconds(rpo.get("seconds")),
        "Bytes that differ": f"{sum(each['bytes_different'] for each in checked)}" if checked else "not compared",
        "Groups proven in 12 months": f"{cover.get('percent', 0)} %" if cover else "unknown",
    }
    return (
        "<div class='tiles'>"
        + "".join(f"<div class='tile'>{_safe(title)}<b>{_safe(value)}</b></div>" for title, value in tiles.items())
        + "</div>"
    )


def _charts(report: Mapping[str, Any]) -> str:
    rto, rpo = fields.value(report, "achieved_rto") or {}, fields.value(report, "achieved_rpo") or {}
    now = {"rto_seconds": rto.get("to_writable_seconds"), "rpo_seconds": rpo.get("seconds")}
    earlier = list(reversed(fields.value(report, "comparison") or []))
    objectives = fields.value(report, "objectives") or {}
    drawn = [
        charts.steps(fields.value(report, "steps") or []),
        charts.lag(fields.value(report, "production_impact") or {}),
        charts.trend([*earlier, now], objectives=objectives),
    ]
    return "".join(f"<p>{each}</p>" for each in drawn if each)


def _section(report: Mapping[str, Any], section: str) -> str:
    rows = [
        f"<tr><td>{field['number']}</td><th>{_safe(field['title'])}</th><td>{_shown(field)}</td></tr>"
        for field in report["fields"]
        if field["section"] == section
    ]
    return f"<h2>{_safe(section)}</h2><table class='fields'><tbody>{''.join(rows)}</tbody></table>"


def _shown(field: Mapping[str, Any]) -> str:
    if "not_applicable" in field:
        return f"<span class='na'>Not applicable: {_safe(field['not_applicable'])}</span>"
    return _value(field["value"])


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        rows = (f"<tr><th>{_safe(_words(key))}</th><td>{_value(each)}</td></tr>" for key, each in value.items())
        return f"<table>{''.join(rows)}</table>"
    if isinstance(value, list):
        if value and all(isinstance(each, Mapping) for each in value):
            return _table(value)
        return f"<ul>{''.join(f'<li>{_value(each)}</li>' for each in value)}</ul>" if value else "none"
    if isinstance(value, bool):
        return "<span class='time'>yes</span>" if value else "<span class='time'>no</span>"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    text = "unknown" if value is None else str(value)
    if found := _TIME.fullmatch(text):
        return f"<span class='time' title='{text}'>{found[1]} {found[2]} UTC</span>"
    return f"<span class='mono'>{_safe(text)}</span>" if len(text) >= 32 and " " not in text else _safe(text)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    head = "".join(f"<th>{_safe(_words(column))}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{_value(row.get(column, ''))}</td>" for column in columns) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _ledger(entries: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        {
            "entry": entry["number"],
            "kind": entry["kind"],
            "says": "this report" if entry["kind"] == "report" else json.loads(entry["body"]),
            "digest": entry["digest"],
            "predecessor": entry["previous"],
            "signature": entry["signature"],
        }
        for entry in entries
    ]
    return f"<h2>Ledger</h2>{_table(rows)}" if rows else ""


def _seconds(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.1f} s"


def _words(key: object) -> str:
    return str(key).replace("_", " ")


def _safe(value: object) -> str:
    return html.escape(str(value))
