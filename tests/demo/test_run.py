"""The demo as people run it: it tells the truth in its exit code and leaves nothing behind."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest

from tests.support import processes


@pytest.fixture
def state(tmp_path):
    """The folder of the demo's site; whatever still runs there at the end is killed."""
    folder = tmp_path / "demo"
    yield folder
    for process in processes.of_site(folder):
        process.kill()


@pytest.fixture
def start(tmp_path, state):
    """Start a demo that is ended with the test."""
    started = []

    def begin() -> subprocess.Popen[str]:
        words = [sys.executable, "-m", "demo", "--within", str(tmp_path)]
        process = subprocess.Popen(
            words, cwd=processes.CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def await_site(demo, state):
    processes.wait_until(
        lambda: demo.poll() is not None or len(processes.of_site(state)) >= 6, seconds=60, what="the demo's processes"
    )
    assert demo.poll() is None, demo.stdout.read()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_status_and_every_byte_is_right(start, state):
    demo = start()
    said, _ = demo.communicate(timeout=360)

    assert demo.returncode == 0, said
    assert "Every status and every byte was right" in said
    assert "compared         3 volumes, 0 bytes differ" in said
    assert "All is well: 1 report(s) are as they were signed" in said
    assert (state / "drill" / "report.pdf").read_bytes().startswith(b"%PDF")
    assert processes.of_site(state) == []


@pytest.mark.slow
def test_interrupting_leaves_no_process(start, state):
    demo = start()
    await_site(demo, state)

    demo.send_signal(signal.SIGINT)

    assert demo.wait(60) == 130
    assert processes.of_site(state) == []


@pytest.mark.slow
def test_killing_it_leaves_no_process(start, state):
    demo = start()
    await_site(demo, state)

    demo.kill()
    demo.wait()

    processes.wait_until(lambda: processes.of_site(state) == [], seconds=30, what="all processes to end")


@pytest.mark.slow
def test_a_site_that_dies_is_told_with_its_log(start, state):
    demo = start()
    await_site(demo, state)

    for process in processes.of_site(state):
        if process.name().startswith("qemu-storage"):
            process.send_signal(psutil.signal.SIGKILL)
    said, _ = demo.communicate(timeout=90)

    assert demo.returncode == 1
    assert "expected  site-" in said
    assert "logs in" in said
    assert processes.of_site(state) == []
