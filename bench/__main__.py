"""Measures a site of its own and prints a table: `make bench`.

Starts a private PostgreSQL and Redis, fills a site, measures it, and does the same with the embedded default. Every
figure stands beside a floor measured in the same run, so that a ratio means the same on any machine.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench import figures
from bench.figures import Figure
from bench.stack import CHECKOUT
from tests.support import servers

PARTS = ("requests", "operations", "crowds", "memory", "growth", "storage")
COLUMNS = ("postgresql", "embedded")
_PACKAGES = ("Django", "celery", "kombu", "redis", "psycopg", "orjson", "gunicorn")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer volumes and repetitions: minutes instead of hours")
    parser.add_argument("--part", action="append", choices=PARTS, help="measure this part alone; may be repeated")
    parser.add_argument("--column", action="append", choices=COLUMNS, help="use this database and broker alone")
    parser.add_argument("--json", type=Path, default=Path("var/bench.json"), help="where to write the figures")
    given = parser.parse_args()
    found: dict[str, list[Figure]] = {}
    for column in given.column or COLUMNS:
        parts = list(given.part or PARTS)
        if column == "embedded" and not given.column and "storage" in parts:
            # It would be the same: the storage knows neither database nor broker.
            parts.remove("storage")
        with _components(column) as settings:
            found[column] = _column(settings, parts, quick=given.quick)
        _say(f"\n## {column}\n\n{figures.table(found[column])}")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(_written(found, quick=given.quick), indent=1) + "\n", encoding="utf-8")
    _say(f"\nWritten to {given.json}.")


@contextlib.contextmanager
def _components(column: str) -> Iterator[Mapping[str, str]]:
    with contextlib.ExitStack() as stack:
        if column == "embedded":
            yield {}
            return
        database = stack.enter_context(servers.postgresql(fsync=True))
        broker = stack.enter_context(servers.redis())
        yield {"REPLSITE_DATABASE_URL": database, "REPLSITE_BROKER_URL": broker}


def _column(settings: Mapping[str, str], parts: Sequence[str], *, quick: bool) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="replsite-bench-") as folder:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REPLSITE_")}
        own = {
            "REPLSITE_STATE_DIR": folder,
            "DJANGO_SETTINGS_MODULE": "replsite.settings",
            **settings,
        }
        words = [sys.executable, "-m", "bench.column", folder, *parts, *(["--quick"] if quick else [])]
        found = []
        with subprocess.Popen(words, env=inherited | own, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                figure = Figure(**json.loads(line))
                found.append(figure)
                sys.stderr.write(f"{figure.part}: {figure.what}: {figure.median:.4g} {figure.unit}\n")
        if process.returncode != 0:
            raise SystemExit(f"measuring failed with {process.returncode}")
        return found


def _written(found: Mapping[str, Sequence[Figure]], *, quick: bool) -> dict[str, object]:
    return {
        "at": datetime.datetime.now(tz=datetime.UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": {
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "figures": {
            column: [vars(each) | {"ratio": each.ratio} for each in several] for column, several in found.items()
        },
    }


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
