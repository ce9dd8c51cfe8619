"""Which pages are generated, and which of them are stale."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from groups.reports import fields
from scripts.documents import clients, diagram, failures, findings, options, roles, states

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def _report_schema() -> str:
    return json.dumps(fields.schema(), indent=1) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "docs/states.md": states.text,
    "docs/images/replication-status.svg": diagram.text,
    "docs/errors.md": failures.text,
    "docs/findings.md": findings.text,
    "docs/roles.md": roles.text,
    "docs/clients.md": clients.text,
    "docs/driver-options.md": options.text,
    "docs/drill-report.schema.json": _report_schema,
}


def stale() -> dict[str, str]:
    """Return the right text of every page that has another one, by path."""
    wanted = {path: make() for path, make in PAGES.items()}
    return {path: text for path, text in wanted.items() if _found(path) != text}


def _found(path: str) -> str | None:
    try:
        return (CHECKOUT / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
