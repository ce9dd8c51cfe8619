"""`manage.py verify_report`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from groups import ledger
from groups.management import base
from groups.reports import verify_report


class Command(base.DoorCommand):
    """Checks packs of drill reports."""

    help = "Check packs of drill reports against this site's key; name what was changed or is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the packs."""
        parser.add_argument("packs", nargs="+", metavar="PACK", help="a pack, a .zip file")

    def run(self, **options: Any) -> None:
        """Say what is wrong, and end with 1 when something is."""
        try:
            contents = {path: Path(path).read_bytes() for path in options["packs"]}
        except OSError as error:
            raise base.Error(f"{error.filename} cannot be read: {error.strerror}.") from error
        problems, _ = verify_report.check(contents, key=ledger.public_key())
        for problem in problems:
            self.warn(problem)
        if problems:
            raise base.Error(f"{len(problems)} problem(s) found: these are not the reports that were signed.")
        self.say(f"{len(contents)} report(s) are as they were signed, and none is missing between them.")
