"""Runs one check of the recovered data: a program of the site, or a request.

Programs lie in one folder that only whoever runs the site can write, and are named, not written, in a
plan: a plan that anybody may edit must not be a way to run anything. Checks run at least once: one
whose worker died runs again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from drivers import base
from groups import drills

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SHOWN = 2000
"""How many bytes of what a check said go into the report; the digest covers all."""
_MOST_READ = 1 << 20
_POLL_SECONDS = 0.05


def run(check: Mapping[str, Any], *, told: Mapping[str, object], call: base.Call) -> Mapping[str, object]:
    """Run a check and return whether it is content, and what it said."""
    began = time.monotonic()
    if check["kind"] == drills.CheckKind.COMMAND:
        ok, detail, output = _command(check, told, call)
    else:
        ok, detail, output = _request(check, told)
    return {
        "ok": ok,
        "detail": detail,
        "output": output[:_SHOWN].decode(errors="replace"),
        "output_digest": hashlib.sha256(output).hexdigest(),
        "seconds": time.monotonic() - began,
    }


def _command(check: Mapping[str, Any], told: Mapping[str, object], call: base.Call) -> tuple[bool, str, bytes]:
    path = settings.REPLSITE.checks_dir / str(check["run"])
    if not _NAME.fullmatch(str(check["run"])) or not path.is_file() or not os.access(path, os.X_OK):
        return False, f"There is no program '{check['run']}' in {settings.REPLSITE.checks_dir}.", b""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as asked:
        asked.write(json.dumps(told).encode())
        asked.seek(0)
        try:
            process = subprocess.Popen(
                [path],
                stdin=asked,
                stdout=said,
                stderr=subprocess.STDOUT,
                env=_environment(told),
                start_new_session=True,
            )
        except OSError as error:
            return False, f"'{check['run']}' could not be started: {error.strerror}.", b""
        ended = _wait(process, seconds=float(check["timeout_seconds"]), call=call)
        said.seek(0)
        output = said.read(_MOST_READ)
    if not ended:
        return False, f"It had not ended after {check['timeout_seconds']:g} s, and was killed.", output
    return process.returncode == 0, f"It ended with {process.returncode}.", output


def _environment(told: Mapping[str, object]) -> dict[str, str]:
    """Return the few variables a check gets: this process's own hold secrets."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TZ"}}
    return {**kept, "REPLSITE_DRILL": str(told["drill"]), "REPLSITE_DRILL_COPY": json.dumps(told)}


def _wait(process: subprocess.Popen[bytes], *, seconds: float, call: base.Call) -> bool:
    """Wait for a program's end; kill it with all it started when its time is over or the drill stops."""
    ends = time.monotonic() + seconds
    try:
        while process.poll() is None:
            if time.monotonic() > ends:
                return False
            call.wait(_POLL_SECONDS)
        return True
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _request(check: Mapping[str, Any], told: Mapping[str, object]) -> tuple[bool, str, bytes]:
    request = urllib.request.Request(  # noqa: S310 - the plan's check takes http and https only
        str(check["run"]), data=json.dumps(told).encode(), headers={"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=float(check["timeout_seconds"])) as answer:  # noqa: S310
            return True, f"It answered {answer.status}.", answer.read(_MOST_READ)
    except urllib.error.HTTPError as error:
        with error:
            return False, f"It answered {error.code}.", error.read(_MOST_READ)
    except (OSError, ValueError) as error:
        return False, f"It could not be asked: {getattr(error, 'reason', None) or error}.", b""
