"""The storm: in `make test` a short one, in `make soak` the real ones, and ones that must end in complaints.

STORM_MINUTES, STORM_QEMU_MINUTES and STORM_PLANTED_MINUTES say how long the ones of `make soak` are, STORM_SEED repeats
one.
"""

from __future__ import annotations

import collections
import dataclasses
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.judging import plants
from tests.storm import plan
from tests.support import processes

_MINUTES = float(os.environ.get("STORM_MINUTES", "30"))
_QEMU_MINUTES = float(os.environ.get("STORM_QEMU_MINUTES", "10"))
_PLANTED_MINUTES = float(os.environ.get("STORM_PLANTED_MINUTES", "3"))
_SEED = os.environ.get("STORM_SEED", "")
_AFTERWARDS_SECONDS = 900
"""How long coming to rest, mending and judging may take."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Storm:
    """One storm that is over."""

    code: int
    said: str

    def figure(self, name: str) -> int:
        """Return a figure of the summary."""
        found = re.search(rf"^{name}: (\d+)", self.said, re.MULTILINE)
        assert found is not None, self.said
        return int(found[1])


def blow(*words: str, minutes: float) -> Storm:
    """Let a storm blow in processes of its own, and wait for its end."""
    seed = ("--seed", _SEED) if _SEED else ()
    storm = subprocess.Popen(
        [sys.executable, "-m", "tests.storm", "--minutes", str(minutes), *seed, *words],
        env=processes.environment(processes.CHECKOUT),
        cwd=processes.CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = storm.communicate(timeout=minutes * 60 + _AFTERWARDS_SECONDS)
    finally:
        if storm.poll() is None:
            _end(storm)
    print(said)  # noqa: T201  the figures, for whoever looks
    return Storm(code=storm.returncode, said=said)


def _end(storm: subprocess.Popen[str]) -> None:
    """Have it end what it started; should it not, the kernel ends its processes with it."""
    storm.send_signal(signal.SIGTERM)
    try:
        storm.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        storm.kill()
        storm.communicate()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_short_storm_leaves_nothing_to_complain_of():
    words = ("--groups", "10", "--components", "own", "--verbs", "120", "--kills", "30", "--faults", "16")

    storm = blow(*words, "--workers", "2", minutes=0.4)

    assert storm.code == 0, storm.said
    # A web server that was just started has no child to kill.
    assert storm.figure("kills") >= 10
    assert storm.figure("operations") >= 20


@pytest.mark.soak
@pytest.mark.timeout(_MINUTES * 60 + _AFTERWARDS_SECONDS + 60)
def test_a_storm_over_many_groups_leaves_nothing_to_complain_of():
    storm = blow(minutes=_MINUTES)

    assert storm.code == 0, storm.said
    assert storm.figure("groups made") >= 200
    assert storm.figure("kills") >= _MINUTES * 10
    assert storm.figure("operations") >= _MINUTES * 67


@pytest.mark.soak
@pytest.mark.timeout(_QEMU_MINUTES * 60 + _AFTERWARDS_SECONDS + 60)
def test_a_storm_over_real_storage_leaves_nothing_to_complain_of():
    words = ("--driver", "qemu", "--groups", "5", "--verbs", "40", "--kills", "12", "--faults", "6")

    storm = blow(*words, minutes=_QEMU_MINUTES)

    assert storm.code == 0, storm.said
    assert storm.figure("kills") >= _QEMU_MINUTES * 10


@pytest.mark.soak
@pytest.mark.timeout(_PLANTED_MINUTES * 60 + _AFTERWARDS_SECONDS + 60)
@pytest.mark.parametrize("plant", plants.PLANTS)
def test_a_storm_over_a_broken_engine_ends_in_complaints(plant):
    # Workers that are away in the middle of their work, and come back: what lease and fence are for.
    words = ("--plant", plant, "--groups", "30", "--verbs", "150", "--kills", "10", "--faults", "6", "--pace", "0.5")
    words += ("--only", "frozen worker")

    storm = blow(*words, minutes=_PLANTED_MINUTES)

    assert storm.code == 1, storm.said
    assert storm.figure("complaints") > 0


class TestTheSchedule:
    def test_is_the_same_again_for_the_same_seed(self):
        terms = plan.Terms(seed=7, seconds=60, groups=10)

        assert plan.schedule(terms) == plan.schedule(terms)

    def test_is_another_for_another_seed(self):
        terms = plan.Terms(seed=7, seconds=60, groups=10)

        assert plan.schedule(terms) != plan.schedule(dataclasses.replace(terms, seed=8))

    @pytest.mark.parametrize("driver", ["fake", "qemu"])
    @pytest.mark.parametrize("components", ["own", "servers"])
    def test_brings_every_possible_kill(self, driver, components):
        terms = plan.Terms(seed=7, seconds=60, groups=10, driver=driver, components=components)

        kills = collections.Counter(each.name for each in plan.schedule(terms) if each.what == "kill")

        assert set(kills) == set(plan.kinds_of_kill(terms))

    def test_has_all_that_the_long_storm_promises(self):
        terms = plan.Terms(seed=7)

        found = collections.Counter(each.what for each in plan.schedule(terms))

        assert found["kill"] >= 300
        assert found["verb"] >= 4000
