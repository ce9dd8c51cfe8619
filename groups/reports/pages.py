"""A drill report as a page: HTML that needs nothing else, the same as PDF, and its steps as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from groups.reports import charts, fields
from groups.reports.values import is_wide, safe, shown, table, value

_CSV_COLUMNS = ("order", "name", "after", "started_at", "ended_at", "seconds", "attempt", "result", "actor", "error")
_VERDICTS = {
    "passed": ("#2f7d4f", "✔ passed"),
    "failed": ("#b3261e", "✘ failed"),
    "canceled": ("#52606d", "■ canceled"),
}
_STYLE = """
@page { size: A4; margin: 16mm 14mm 18mm;
  @bottom-left { content: string(drill); font-size: 9px; color: #52606d }
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 9px } }
body { font: 12px/1.45 "DejaVu Sans", Arial, sans-serif; color: #1f2933; max-width: 960px; margin: 0 auto;
  padding: 16px }
h1 { font-size: 22px; margin: 0 0 2px }
h2 { font-size: 15px; border-bottom: 2px solid #1f2933; margin: 22px 0 8px; break-after: avoid }
.sub { color: #52606d; margin: 0 0 2px }
.id { string-set: drill content() }
.badge { color: white; padding: 3px 10px; border-radius: 4px; font-weight: bold }
.tiles { display: flex; gap: 8px; margin: 12px 0 }
.tile { border: 1px solid #cbd2d9; border-radius: 6px; padding: 7px 9px; flex: 1 1 0; font-size: 10px }
.tile b { display: block; font-size: 16px }
figure { margin: 10px 0; break-inside: avoid }
figcaption { font-weight: 600; margin-bottom: 3px }
table { border-collapse: collapse; width: 100%; margin: 2px 0 }
td, th { text-align: left; vertical-align: top; padding: 3px 6px; border: 1px solid #e4e7eb; overflow-wrap: break-word }
th { background: #f5f7fa; font-weight: 600 }
.time { white-space: nowrap; font-variant-numeric: tabular-nums }
table.fields > tbody > tr > td:first-child { width: 26px; color: #52606d; text-align: right }
table.fields > tbody > tr > th { width: 170px }
table table, table.rows { font-size: 10px }
table.many { font-size: 8.5px }
table.many td, table.many th { padding: 2px 4px }
table.pairs > tbody > tr > th { width: 22% }
table.rows > tbody { break-inside: avoid }
tr.head { break-after: avoid }
tr.under > td { border-top: none; padding-left: 18px; color: #52606d }
ul { margin: 0; padding-left: 16px; overflow-wrap: anywhere }
.na { color: #616e7c; font-style: italic }
.mono { font-family: "DejaVu Sans Mono", monospace; font-size: 9px; overflow-wrap: anywhere }
@media (max-width: 640px) { .tiles { flex-wrap: wrap } .tile { flex-basis: 40% } }
"""


def page(report: Mapping[str, Any], *, verdict: str, why: str, entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the report as one HTML document; `entries` are its ledger entries, the report's first."""
    site = fields.value(report, "site") or {}
    color, said = _VERDICTS.get(verdict, ("#52606d", verdict))
    title = f"Drill of {site.get('group', '')}"
    parts = [
        f"<h1>{safe(title)} <span class='badge' style='background:{color}'>{safe(said)}</span></h1>",
        *(f"<p class='sub'>{line}</p>" for line in _about(report, site, entries)),
        f"<p><b>{safe(why)}</b></p>" if why else "",
        _tiles(report),
        _charts(report),
        *(_section(report, section) for section in fields.SECTIONS),
        _ledger(entries),
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        f"<meta name='viewport' content='width=device-width'><title>{safe(title)}</title>"
        f"<style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>"
    )


def _about(report: Mapping[str, Any], site: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what an auditor asks first: which drill, of what, when, and who stands for it."""
    plan = fields.value(report, "plan") or {}
    steps = [step for step in fields.value(report, "steps") or [] if step["started_at"]]
    ended = [step["ended_at"] for step in steps if step["ended_at"]]
    when = f"{value(steps[0]['started_at'])} to {value(max(ended))}" if ended else "it was never begun"
    attested = next((json.loads(entry["body"]) for entry in entries if entry["kind"] == "attestation"), None)
    by = "Not attested when this was made."
    if attested is not None:
        finding = "passed" if attested["passed"] else "not passed"
        by = f"Attested by {safe(attested['name'])}, {value(attested['at'])}: {finding}. {safe(attested['text'])}"
    planned = f"Plan {safe(plan.get('name', ''))}, version {safe(plan.get('version', ''))}"
    target = f"target {safe(site.get('target', ''))} of {safe(site.get('backend', ''))}"
    return [
        f"<span class='id'>Drill {safe(fields.value(report, 'id'))}</span>",
        f"{planned}; {safe(fields.value(report, 'kind'))}; {target}",
        f"Carried out: {when}",
        by,
    ]


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
        + "".join(f"<div class='tile'>{safe(title)}<b>{safe(value)}</b></div>" for title, value in tiles.items())
        + "</div>"
    )


def _charts(report: Mapping[str, Any]) -> str:
    rto, rpo = fields.value(report, "achieved_rto") or {}, fields.value(report, "achieved_rpo") or {}
    now = {"rto_seconds": rto.get("to_writable_seconds"), "rpo_seconds": rpo.get("seconds")}
    earlier = list(reversed(fields.value(report, "comparison") or []))
    objectives = fields.value(report, "objectives") or {}
    drawn = {
        "Steps in time": charts.steps(fields.value(report, "steps") or []),
        "Replication's lag": charts.lag(fields.value(report, "production_impact") or {}),
        "Compared with earlier drills": charts.trend([*earlier, now], objectives=objectives),
    }
    return "".join(
        f"<figure><figcaption>{safe(title)}</figcaption>{each}</figure>" for title, each in drawn.items() if each
    )


def _section(report: Mapping[str, Any], section: str) -> str:
    rows = []
    for field in report["fields"]:
        if field["section"] != section:
            continue
        number, title = f"<td>{field['number']}</td>", safe(field["title"])
        if is_wide(field.get("value")):
            rows.append(f"<tr class='head'>{number}<th colspan='2'>{title}</th></tr>")
            rows.append(f"<tr><td></td><td colspan='2'>{shown(field)}</td></tr>")
        else:
            rows.append(f"<tr>{number}<th>{title}</th><td>{shown(field)}</td></tr>")
    return f"<h2>{safe(section)}</h2><table class='fields'><tbody>{''.join(rows)}</tbody></table>"


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
    return f"<h2>Ledger</h2>{table(rows)}" if rows else ""


def _seconds(value: float | None) -> str:
    return "not reached" if value is None else f"{value:.1f} s"
