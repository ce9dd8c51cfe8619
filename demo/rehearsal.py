"""The drill of the story: a failover rehearsed on a copy, its report, and the report checked without the site."""

from __future__ import annotations

import io
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from typing import Any

from demo.client import Client
from demo.places import PRIMARY, SECONDARY, Places
from demo.stack import Stack
from demo.surprise import Surprise
from demo.telling import Teller

PLAN = "shop, every month"
_CALENDAR = "30 2 1 * *"
_FIELDS = 46
_LONGEST_SECONDS = 120
_LOOK_SECONDS = 0.1
_CHECK_SECONDS = 60
_VERIFIER = "verify_report.py"


class Rehearsal:
    """One drill of one group, from its plan to its verified report."""

    def __init__(self, *, stack: Stack, client: Client, places: Places, teller: Teller) -> None:
        self._stack = stack
        self._client = client
        self._folder = places.state / "drill"
        self._teller = teller

    def run(self, group_id: str) -> None:
        """Carry it out; raises `Surprise` unless it passes and the verifier is content."""
        self._teller.explain(
            f"A drill starts a copy of the whole group in {SECONDARY} that hosts could write to, compares every block"
            f" of it\nwith {PRIMARY}, and removes it. This plan has one every month; the first one is run at once."
        )
        self._make_plan(group_id)
        run_id = self._stack.manage("run_drill", PLAN).split()[0]
        self._show(self._ended(run_id))
        self._keep(run_id)
        self._verify()

    def _make_plan(self, group_id: str) -> None:
        body = {"name": PLAN, "groups": [group_id], "cron": _CALENDAR, "rto_seconds": 60, "rpo_seconds": 300}
        self._client.post("/api/drill-plans", body)

    def _ended(self, run_id: str) -> Mapping[str, Any]:
        """Return the drill once it has a verdict, which is written with its report."""
        with self._teller.timed("drill") as progress:
            while not (found := self._client.get(f"/api/drills/{run_id}")["drill"])["verdict"]:
                operation = self._client.get(f"/api/operations/{found['operation']}")["operation"]
                progress.show(operation["progress"]["step"] or operation["state"])
                self._stack.check()
                if progress.elapsed() > _LONGEST_SECONDS:
                    raise Surprise(expected="a verdict", seen=f"none after {progress.elapsed():.1f} s")
                time.sleep(_LOOK_SECONDS)
        return dict(found)

    def _show(self, drill: Mapping[str, Any]) -> None:
        report = self._client.get(f"/api/drills/{drill['id']}/report.json")
        said = {field["key"]: field.get("value") for field in report["fields"]}
        if drill["verdict"] != "passed":
            raise Surprise(expected="the drill to pass", seen=f"'{drill['verdict']}': {drill['why']}")
        if len(said) != _FIELDS:
            raise Surprise(expected=f"a report of {_FIELDS} fields", seen=f"{len(said)}")
        compared = said["data_verification"]["volumes"]
        self._teller.table(
            [
                ("what", "found"),
                ("verdict", drill["verdict"]),
                ("recovery time", f"{drill['rto_seconds']:.1f} s until the copy could be written"),
                ("", f"{drill['verified_seconds']:.1f} s until all of it was verified"),
                ("recovery point", f"{drill['rpo_seconds']:.1f} s before the drill was asked for"),
                (
                    "compared",
                    f"{len(compared)} volumes, {sum(each['bytes_different'] for each in compared)} bytes differ",
                ),
                ("left behind", str(said["clean_up"]["left"])),
            ]
        )

    def _keep(self, run_id: str) -> None:
        """Put the report, in all its forms, where it can be looked at."""
        pack = self._client.download(f"/api/drills/{run_id}/report.zip")
        self._folder.mkdir()
        (self._folder / "drill.zip").write_bytes(pack)
        with zipfile.ZipFile(io.BytesIO(pack)) as archive:
            archive.extractall(self._folder)
        self._teller.explain(f"Its report, of {_FIELDS} fields, as HTML, PDF, JSON, and a signed pack for an auditor:")
        self._teller.say(f"  {self._folder}/report.html")

    def _verify(self) -> None:
        """Check the pack with the verifier that it brings along, which asks no server."""
        self._teller.command(f"cd {self._folder} && python {_VERIFIER} drill.zip")
        done = subprocess.run(
            [sys.executable, "-I", _VERIFIER, "drill.zip"],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_CHECK_SECONDS,
        )
        self._teller.answer(done.stdout)
        if done.returncode:
            raise Surprise(
                expected="the report to be as it was signed", seen=done.stdout.strip() or done.stderr.strip()
            )
