"""Running one site: what it leaves behind, what it refuses."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

from tests.drivers.qemu.daemons import ROOT, Sites


def _run(folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "drivers.qemu.site", os.fspath(folder)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_second_daemon_in_the_same_folder_is_refused(sites: Sites) -> None:
    refused = _run(sites.folders[""].path)

    assert refused.returncode != 0
    assert "runs in" in refused.stderr
    assert sites.driver().check_connection(call=sites.call())[0].reachable


def test_a_folder_too_long_for_sockets_is_refused_with_a_sentence(tmp_path: pathlib.Path) -> None:
    refused = _run(tmp_path / ("long" * 30))

    assert refused.returncode != 0
    assert "choose a shorter path" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_site_ends_when_asked_and_starts_again_after_a_kill(sites: Sites) -> None:
    process = sites.processes[""]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    sites.start("")

    sites.kill("")
    sites.start("")

    assert all(side.reachable for side in sites.driver().check_connection(call=sites.call()))
