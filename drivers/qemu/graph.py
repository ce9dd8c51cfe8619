"""What exists in a site's daemon, found by looking, and the names of what we put there.

The daemon keeps nothing when it ends, and its names are short, so each name is a letter and a
digest of the volume's id:  v the volume,  f the filter a cut puts above it,  c the cut,
b and r the image and the overlay a round arrives in;  e, x, i the exports of v, c and of b or r.
Of a test copy's parts, named by the copy and the volume:  k, o, w its layers from the image up;
a and s the exports of w and o;  m an export of v with the copy's marks.
q and z a snapshot that the volume is made from, and its export. What a snapshot in the making puts
there bears both names, the volume's first:  j its job,  p its filter,  t its image.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from drivers.base import Call
from drivers.qemu.qmp import Command, Monitor

_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.001, 0.05
Bitmaps = Mapping[str, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class View:
    """One look at a daemon."""

    nodes: Mapping[str, Bitmaps]
    """Each node's bitmaps with the bytes they mark."""
    exports: frozenset[str]
    jobs: Mapping[str, Mapping[str, Any]]

    def bitmaps(self, volume_id: str) -> Bitmaps:
        """Return the bitmaps on a volume's node; none when there is no such node."""
        return self.nodes.get(name("v", volume_id), {})


def name(letter: str, volume_id: str) -> str:
    """Return the name of one of a volume's parts in the daemon."""
    return letter + hashlib.sha256(volume_id.encode()).hexdigest()[:24]


def part(letter: str, volume_id: str, snapshot_id: str) -> str:
    """Return the name of one of a snapshot's parts in the daemon while it is taken."""
    return name(letter, volume_id)[:15] + hashlib.sha256(snapshot_id.encode()).hexdigest()[:14]


def parts(letter: str, volume_id: str, among: Iterable[str]) -> list[str]:
    """Return those names that a volume's snapshots in the making have."""
    return [each for each in among if each.startswith(name(letter, volume_id)[:15]) and len(each) == 29]


def look(monitor: Monitor) -> View:
    """Return what exists in the daemon."""
    nodes, exports, jobs = monitor.run(
        [("query-named-block-nodes", {"flat": True}), ("query-block-exports", {}), ("query-jobs", {})]
    )
    return View(
        nodes={node["node-name"]: _bitmaps(node) for node in nodes},
        exports=frozenset(export["id"] for export in exports),
        jobs={job["id"]: job for job in jobs},
    )


def add_raw(node: str, path: pathlib.Path, *, direct: bool) -> Command:
    """Return the command that opens a raw image."""
    return "blockdev-add", {"driver": "raw", "node-name": node, "discard": "unmap", "file": _file(path, direct)}


def add_shared(node: str, path: pathlib.Path, *, direct: bool) -> Command:
    """Return the command that opens a raw image for reading, while others may have it open for writing."""
    file = {**_file(path, direct), "locking": "off", "read-only": True}
    return "blockdev-add", {"driver": "raw", "node-name": node, "read-only": True, "file": file}


def add_overlay(node: str, path: pathlib.Path, *, backing: str, direct: bool) -> Command:
    """Return the command that opens an overlay above another node."""
    return "blockdev-add", {"driver": "qcow2", "node-name": node, "backing": backing, "file": _file(path, direct)}


def export(
    export_id: str, node: str, *, named: str, writable: bool, bitmaps: Iterable[str] = (), depth: bool = False
) -> Command:
    """Return the command that lets NBD clients reach a node; `depth` has it tell what its own image holds."""
    arguments: dict[str, Any] = {"type": "nbd", "id": export_id, "node-name": node, "name": named}
    # What is as the daemon has it anyway is left out: it is slow to read.
    if writable:
        arguments["writable"] = True
    if depth:
        arguments["allocation-depth"] = True
    if marked := list(bitmaps):
        arguments["bitmaps"] = marked
    return "block-export-add", arguments


def remove_exports(monitor: Monitor, *, exports: Collection[str], call: Call) -> None:
    """Close exports with their connections and wait until they are gone; absent ones are fine.

    Requests already taken in are finished first, so whatever was acknowledged is in the images.
    """
    wanted = set(exports)
    found = {export["id"] for export in monitor.ask("query-block-exports")} & wanted
    monitor.run([("block-export-del", {"id": each, "mode": "hard"}) for each in found], lenient=True)
    for pause in pauses():
        if not {export["id"] for export in monitor.ask("query-block-exports")} & wanted:
            return
        call.wait(pause)


def remove_jobs(monitor: Monitor, *, jobs: Collection[str], call: Call) -> None:
    """Cancel jobs and wait until they are gone; absent ones are fine."""
    wanted = set(jobs)
    for pause in pauses():
        found = [job for job in monitor.ask("query-jobs") if job["id"] in wanted]
        if not found:
            return
        commands: list[Command] = [
            ("job-dismiss" if job["status"] == "concluded" else "job-cancel", {"id": job["id"]}) for job in found
        ]
        monitor.run(commands, lenient=True)
        call.wait(pause)


def remove_nodes(monitor: Monitor, *, nodes: Iterable[str], view: View) -> None:
    """Close nodes, in the order given; those that were not there at the look are fine."""
    monitor.run([("blockdev-del", {"node-name": node}) for node in nodes if node in view.nodes])


def pauses() -> Iterable[float]:
    """Yield pauses between looks, short at first, without end."""
    pause = _FIRST_POLL_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, _LONGEST_POLL_SECONDS)


def _bitmaps(node: Mapping[str, Any]) -> Bitmaps:
    return {bitmap["name"]: bitmap["count"] for bitmap in node.get("dirty-bitmaps", ()) if "name" in bitmap}


def _file(path: pathlib.Path, direct: bool) -> Mapping[str, Any]:
    return {
        "driver": "file",
        "filename": os.fspath(path),
        "discard": "unmap",
        "cache": {"direct": direct},
    }
