"""Eighteen faults in mid-failover, seen over HTTP alone: each ends by itself, and leads back by verbs of the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.eighteen import deployment, scenarios
from tests.support import workers

ENDS: dict[str, tuple[str, float]] = {}
"""How each scenario's group came to rest, and after how many seconds."""
QUICK = ("child_killed", "foreign_error", "one_of_three_bad", "next_at_once")


@pytest.fixture(scope="module")
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[deployment.Deployment]:
    """A site on PostgreSQL and Redis with the settings everybody starts with."""
    with deployment.running(tmp_path_factory.mktemp("large"), servers=True) as site:
        yield site
    lines = [f"{name:<56} {end:<16} {seconds:6.1f} s" for name, (end, seconds) in ENDS.items()]
    plugins = request.config.pluginmanager
    with plugins.getplugin("capturemanager").global_and_fixture_disabled():
        plugins.getplugin("terminalreporter").write_line("\n".join(["", *lines]))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[deployment.Deployment]:
    """A site on SQLite and a spool folder, in a hurry."""
    settings = {**workers.QUICK, "driver_deadline_seconds": "5"}
    with deployment.running(tmp_path_factory.mktemp("small"), servers=False, **settings) as site:
        yield site


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("scenario", scenarios.SCENARIOS, ids=lambda scenario: scenario.act.__name__)
def test_no_scenario_needs_a_human(large: deployment.Deployment, scenario: scenarios.Scenario) -> None:
    ENDS[scenario.name] = scenarios.run(large, scenario)


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_some_scenarios_on_the_default_components(small: deployment.Deployment, name: str) -> None:
    [scenario] = [each for each in scenarios.SCENARIOS if each.act.__name__ == name]

    scenarios.run(small, scenario)


def test_there_are_eighteen_and_cinder_is_lost_in_nine() -> None:
    assert len(scenarios.SCENARIOS) == 18
    assert sum(scenario.lost_on_cinder for scenario in scenarios.SCENARIOS) == 9
