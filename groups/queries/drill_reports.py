"""Reads a drill's report in each of its forms, and the pack that an auditor checks offline."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from groups import drills, errors, ledger, models
from groups.reports import fields, pages, verify_report

VERIFIER = pathlib.Path(verify_report.__file__)


def report(run: models.DrillRun) -> dict[str, Any]:
    """Return a drill's report. Raises `NotFound` while it has none."""
    found: dict[str, Any] = json.loads(_report_entry(run).body)
    return found


def entries(run: models.DrillRun) -> list[dict[str, Any]]:
    """Return a drill's entries in the ledger, the report first."""
    return [{**_header(entry), "body": entry.body} for entry in run.entries.order_by("number")]


def page(run: models.DrillRun) -> str:
    """Return a drill's report as an HTML document."""
    return pages.page(report(run), verdict=run.verdict, why=run.why, entries=entries(run))


def pdf(run: models.DrillRun) -> bytes:
    """Return a drill's report as PDF."""
    return pages.pdf(page(run))


def steps(run: models.DrillRun) -> str:
    """Return a drill's steps as CSV."""
    return pages.steps_as_csv(report(run))


def pack(run: models.DrillRun) -> bytes:
    """Return all of a drill's report as one signed archive, with what checks it."""
    document = page(run)
    own = entries(run)
    files = {
        verify_report.REPORT: _report_entry(run).body.encode(),
        "report.html": document.encode(),
        "report.pdf": pages.pdf(document),
        "steps.csv": steps(run).encode(),
        "schema.json": json.dumps(fields.schema(), indent=1).encode(),
        verify_report.LEDGER: ledger.canonical(
            {
                "group": str(run.subject_id),
                "entries": own,
                "chain": [_header(entry) for entry in ledger.chain(run.subject_id, until=own[-1]["number"])],
            }
        ).encode(),
        VERIFIER.name: VERIFIER.read_bytes(),
    }
    manifest = {
        "drill": str(run.pk),
        "key": ledger.public_key(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    text = ledger.canonical(manifest)
    signed: Mapping[str, bytes] = {
        verify_report.MANIFEST: text.encode(),
        verify_report.SIGNATURE: ledger.sign(text).encode(),
    }
    return verify_report.pack({**files, **signed})


def _report_entry(run: models.DrillRun) -> models.DrillEntry:
    found = run.entries.filter(kind=drills.EntryKind.REPORT).first()
    if found is None:
        raise errors.NotFound("The drill has no report yet: it is written when the drill has ended.")
    return found


def _header(entry: models.DrillEntry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "kind": entry.kind,
        "run": str(entry.run_id),
        "previous": entry.previous,
        "digest": entry.digest,
        "signature": entry.signature,
        "at": entry.created_at.isoformat(),
    }
