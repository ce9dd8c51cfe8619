"""Tells where the time of an operation on a small group goes: `python -m bench.breakdown`.

Runs a site on a private PostgreSQL and Redis whose processes note when each part of their work begins and ends, and
prints the medians. Noting takes time too: these figures tell the parts' shares, `python -m bench` how long it takes.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.stack import CHECKOUT, Client, Stack
from bench.tracing import Note, notes
from tests.support import servers

_FOLDER = "BENCH_FOLDER"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.breakdown", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=20, help="how often each verb is done")
    parser.add_argument("--size", type=int, default=1, help="how many volumes the group has")
    given = parser.parse_args()
    if _FOLDER in os.environ:
        _measure(Path(os.environ[_FOLDER]), times=given.times, size=given.size)
        return
    with (
        servers.postgresql(fsync=True) as database,
        servers.redis() as broker,
        tempfile.TemporaryDirectory(prefix="replsite-bench-") as folder,
    ):
        settings = {
            "REPLSITE_STATE_DIR": folder,
            "REPLSITE_DATABASE_URL": database,
            "REPLSITE_BROKER_URL": broker,
            "DJANGO_SETTINGS_MODULE": "replsite.settings",
            _FOLDER: folder,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("REPLSITE_")}
        words = [sys.executable, "-m", "bench.breakdown", *sys.argv[1:]]
        raise SystemExit(subprocess.run(words, env=inherited | settings, cwd=CHECKOUT, check=False).returncode)


def _measure(folder: Path, *, times: int, size: int) -> None:
    from bench import filling, floors  # they read the settings, which only the inner process has
    from bench.measures import operations

    site = filling.build(folder)
    done: dict[str, list[tuple[float, float]]] = {verb: [] for verb in operations.VERBS}
    with Stack(folder, traced=True).running() as stack:
        trip = statistics.median(floors.round_trip(folder, times=50))
        client = Client(stack.port, token=site.token)
        (group,) = filling.groups(site, count=1, size=size)
        # The first time, connections are made and code is loaded.
        for number in range(times + 1):
            for verb, spans in done.items():
                span = operations.timed(stack, client, f"{site.path}/groups/{group.pk}", verb)
                spans.extend([span] if number else [])
    found = notes(folder)
    _say(
        f"An empty task there and back: {trip * 1000:.2f} ms. Load: {os.getloadavg()[0]:.1f}. Milliseconds, medians:\n"
    )
    rows = {verb: _parts([_within(found, *span) for span in spans], spans) for verb, spans in done.items()}
    _say(_table(rows))


def _within(found: Sequence[Note], began: float, ended: float) -> list[Note]:
    return [note for note in found if began <= note.began and note.ended <= ended]


def _parts(found: Sequence[Sequence[Note]], spans: Sequence[tuple[float, float]]) -> dict[str, float]:
    def median(part: Callable[[Sequence[Note]], float]) -> float:
        return 1000 * statistics.median(part(each) for each in found)

    return {
        "all of it": 1000 * statistics.median(ended - began for began, ended in spans),
        "the request, until it is answered": median(lambda each: _took(each, "POST")),
        "- its thread on the processor, in the web process": median(lambda each: _processor(each, "POST")),
        "from the message to the worker": median(_on_its_way),
        "the worker": median(lambda each: _took(each, "run")),
        "- its thread on the processor, in the worker": median(lambda each: _processor(each, "run")),
        "- claiming the operation": median(lambda each: _took(each, "claim")),
        "- reading what it is about": median(lambda each: _took(each, "load")),
        "- writing down its steps": median(lambda each: _took(each, "begin")),
        "- the driver's calls, with their threads": median(lambda each: _took(each, "call")),
        "- writing down its end": median(lambda each: _took(each, "end")),
        "asking for the status at the end": median(lambda each: _took(each, "GET")),
        "of all that: statements": median(lambda each: _took(each, "statement")),
        "of all that: commits": median(lambda each: _took(each, "commit")),
        "of all that: new connections to the database": median(lambda each: _took(each, "connect")),
    }


def _took(found: Sequence[Note], what: str) -> float:
    return sum(note.ended - note.began for note in found if note.what == what)


def _processor(found: Sequence[Note], what: str) -> float:
    return sum(note.processor for note in found if note.what == what)


def _on_its_way(found: Sequence[Note]) -> float:
    sent = next((note.began for note in found if note.what == "send"), 0.0)
    return next((note.began for note in found if note.what == "run"), sent) - sent


def _table(rows: Mapping[str, Mapping[str, float]]) -> str:
    lines = [f"| part | {' | '.join(rows)} |", f"|{' --- |' * (1 + len(rows))}"]
    for part in next(iter(rows.values())):
        numbers = [f"{parts[part]:.1f}" for parts in rows.values()]
        lines.append(f"| {part} | {' | '.join(numbers)} |")
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
