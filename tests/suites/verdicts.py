"""How many tests of each suite passed, written down for docs/clients.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

RECORD = Path(__file__).with_name("verdicts.json")


def record(folder: Path, suites: Sequence[str], *, log_in: str) -> None:
    """Write down what the suites' reports in a folder say, in the place of what was said before."""
    found = {(each["suite"], each["log_in"]): each for each in json.loads(RECORD.read_text())}
    for suite in suites:
        # Written by pytest a moment ago.
        [report] = ElementTree.parse(folder / f"{suite}.xml").iter("testsuite")  # noqa: S314
        counts = {name: int(report.attrib[name]) for name in ("tests", "failures", "errors", "skipped")}
        failed = counts["failures"] + counts["errors"]
        found[suite, log_in] = {
            "suite": suite,
            "log_in": log_in,
            "passed": counts["tests"] - failed - counts["skipped"],
            "failed": failed,
            "skipped": counts["skipped"],
        }
    RECORD.write_text(json.dumps([found[key] for key in sorted(found)], indent=2) + "\n")
