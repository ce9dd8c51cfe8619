"""Measures one column of the table, with the site's settings taken from the environment; prints JSON.

`python -m bench.column FOLDER PART... [--quick]`, as `python -m bench` runs it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import filling
from bench.figures import Figure
from bench.measures import crowds, growth, memory, operations, requests, storages
from bench.stack import Stack

PARTS = ("requests", "operations", "crowds", "memory", "growth", "storage")


def measured(folder: Path, parts: set[str], *, quick: bool) -> Iterator[Figure]:
    """Yield every figure as it is found."""
    site = filling.build(folder)
    if parts & {"requests", "operations", "crowds", "memory"}:
        with Stack(folder).running() as stack:
            if "requests" in parts:
                filling.groups(site, count=100, size=10)
                yield from requests.measure(stack, site, quick=quick)
            if "operations" in parts:
                yield from operations.measure(stack, site, folder, quick=quick)
            if "crowds" in parts:
                yield from crowds.measure(stack, folder, quick=quick)
            if "memory" in parts:
                yield from memory.measure(stack, site, quick=quick)
    if "growth" in parts:
        yield from growth.measure(folder, quick=quick)
    if "storage" in parts:
        yield from storages.measure(quick=quick)


def main() -> None:
    """Measure, and print a line of JSON for each figure."""
    parser = argparse.ArgumentParser(prog="python -m bench.column", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    for figure in measured(given.folder, set(given.parts), quick=given.quick):
        sys.stdout.write(json.dumps(dataclasses.asdict(figure)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
