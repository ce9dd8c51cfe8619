"""What the site tells Prometheus, read with Prometheus' own parser."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pydantic
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import parser
from prometheus_client.openmetrics import parser as strict_parser

from groups import findings, models, statuses
from groups.queries import measures
from groups.services import replication
from tests.support import domain, processes, watched

PAGE = processes.CHECKOUT / "docs" / "howto" / "monitor.md"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def scrape(client: Client) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every sample by its name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = parser.text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: dict[Any, float], name: str, **labels: str) -> float | None:
    """Return one sample; None when it is absent."""
    return samples.get((f"replsite_{name}", tuple(sorted(labels.items()))))


@pytest.fixture
def guarded(settings: Any) -> None:
    """A site that asks for a token."""
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"metrics_token": pydantic.SecretStr("wolpertinger")})


@pytest.mark.django_db
@pytest.mark.usefixtures("guarded")
class TestASiteWithAToken:
    @pytest.mark.parametrize("given", ["", "Bearer wrong", "Basic wolpertinger", "Bearer wolpertinge", "Bearer ä"])
    def test_tells_nothing_without_it(self, client: Client, given: str) -> None:
        answer = client.get("/metrics", headers={"Authorization": given} if given else {})

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert b"replsite_" not in answer.content

    def test_tells_those_who_have_it(self, client: Client) -> None:
        assert client.get("/metrics", headers={"Authorization": "Bearer wolpertinger"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_site_without_its_database_says_so_instead_of_numbers(client: Client) -> None:
    def refuse(*_statement: object) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(refuse):
        answer = client.get("/metrics")

    assert answer.status_code == 503
    assert b"database" in answer.content
    assert client.get("/metrics").status_code == 200


class TestOperations:
    def test_are_counted_and_timed_by_verb_and_end(self, client: Client, site: domain.Site) -> None:
        group = site.enabled_group(1)
        site.control.add_fault(call="promote", action="fail", times=1)
        replication.failover(site.owner, group_id=group.pk, mode="planned")
        domain.drain()
        replication.failover(site.owner, group_id=group.pk)

        samples = scrape(client)

        assert value(samples, "operations_total", verb="enable-replication", state="succeeded") == 1
        assert value(samples, "operations_total", verb="failover", state="failed") == 1
        assert value(samples, "operations_total", verb="failover", state="succeeded") == 0
        assert value(samples, "operations_open", verb="failover", state="queued") == 1
        name = "operation_duration_seconds"
        assert value(samples, f"{name}_count", verb="failover", state="failed") == 1
        assert value(samples, f"{name}_bucket", verb="failover", state="failed", le="+Inf") == 1
        assert value(samples, f"{name}_count", verb="failover", state="queued") is None

    def test_are_timed_from_their_acceptance_to_their_end(self, client: Client, db: None) -> None:
        now = timezone.now()
        for seconds in (0, 2, 20, 50_000):
            watched.operation(
                state="succeeded", created_at=now - datetime.timedelta(seconds=seconds + 0.25), ended_at=now
            )

        samples = scrape(client)

        name, labels = "operation_duration_seconds", {"verb": "failover", "state": "succeeded"}
        ends = [*(str(end) for end in measures.DURATIONS), "+Inf"]
        counts = [value(samples, f"{name}_bucket", le=end, **labels) for end in ends]
        assert counts == [1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 4]
        assert value(samples, f"{name}_sum", **labels) == pytest.approx(50_023, abs=0.1)

    def test_that_were_taken_over_are_counted_as_often_as_that_happened(self, client: Client, db: None) -> None:
        for state, attempt, failures in (("queued", 0, 0), ("succeeded", 1, 0), ("waiting", 2, 2), ("failed", 5, 2)):
            watched.operation(state=state, attempt=attempt, failures=failures, not_before=timezone.now())

        assert value(scrape(client), "lease_takeovers_total") == 2

    def test_that_wait_or_lost_their_worker_are_told_by_queue(self, client: Client, db: None) -> None:
        watched.operation(created_at=timezone.now() - datetime.timedelta(seconds=77))
        watched.operation(state="running", lease_until=timezone.now() - datetime.timedelta(seconds=55))

        samples = scrape(client)

        assert 77 <= (value(samples, "queue_oldest_seconds", queue="failover") or 0) < 150
        assert value(samples, "queue_oldest_seconds", queue="replication") == 0
        assert value(samples, "leases_expired") == 1


class TestGroups:
    def test_tell_their_lag_by_id_alone(self, client: Client, site: domain.Site) -> None:
        group = site.enabled_group(1)
        now = timezone.now()
        models.Group.objects.filter(pk=group.pk).update(
            consistent_at=now - datetime.timedelta(seconds=30), bytes_behind=4096
        )

        samples = scrape(client)

        labels = {"group": str(group.pk), "project": group.project_id}
        assert 30 <= (value(samples, "group_lag_seconds", **labels) or 0) < 90
        assert value(samples, "group_behind_bytes", **labels) == 4096
        assert group.name not in client.get("/metrics").content.decode()

    @pytest.mark.parametrize("replication_status", ["enabled", "disabled", "failed-over"])
    def test_whose_lag_is_unknown_or_that_are_not_protected_tell_none(
        self, client: Client, site: domain.Site, replication_status: str
    ) -> None:
        group = site.new_group(0)
        known = None if replication_status == "enabled" else timezone.now()
        models.Group.objects.filter(pk=group.pk).update(
            replication_status=replication_status, consistent_at=known, bytes_behind=None if known is None else 1
        )

        assert not [name for name, _ in scrape(client) if name.startswith("replsite_group_")]

    def test_whose_round_failed_are_counted(self, client: Client, site: domain.Site) -> None:
        group = site.enabled_group(1)
        site.control.add_fault(call="replicate", action="fail", times=1)
        assert domain.run_round(group)
        assert value(scrape(client), "rounds_failing") == 1

        assert domain.run_round(group)
        assert value(scrape(client), "rounds_failing") == 0


def test_who_works_and_watches_is_told(client: Client, db: None) -> None:
    watched.everybody(ticks_seconds_ago=8)
    watched.worker("silent", seen_seconds_ago=60)
    models.Pulse.objects.filter(pk="observe").delete()

    samples = scrape(client)

    assert value(samples, "workers_live", queue="failover") == 2
    assert value(samples, "workers_live", queue="replication") == 1
    assert 8 <= (value(samples, "tick_age_seconds", tick="sweep") or 0) < 60
    assert value(samples, "tick_age_seconds", tick="observe") is None


def test_open_findings_are_told_by_code_and_severity(client: Client, db: None) -> None:
    watched.finding(code=findings.Code.TWO_ACTIVE_SIDES)
    watched.finding(code=findings.Code.LAGGING, closed_at=timezone.now())

    samples = scrape(client)

    assert value(samples, "findings_open", code="two-active-sides", severity="critical") == 1
    assert value(samples, "findings_open", code="lagging", severity="warning") == 0


@pytest.mark.unjudged("nobody did what it only counts")
def test_50_groups_cost_as_many_statements_as_one(client: Client, site: domain.Site) -> None:
    counts = []
    for more in (1, 49):
        now = timezone.now()
        for number in range(more):
            group = models.Group.objects.create(
                project=site.project,
                user_id="olga",
                name=f"of-{more}-{number}",
                backend=site.backend,
                group_type=site.group_type,
                status="available",
                replication_status="enabled",
                consistent_at=now,
                bytes_behind=0,
            )
            models.Round.objects.create(group=group, due_at=now)
            watched.operation(kind=list(statuses.Kind)[number % 9], state="succeeded", ended_at=now)
            watched.finding(code=findings.Code.LAGGING)
            watched.worker(f"worker-{number}")
        with CaptureQueriesContext(connection) as captured:
            scrape(client)
        # One more asks PostgreSQL for its clock, once a minute.
        counts.append(len([each for each in captured if "clock_timestamp" not in each["sql"]]))

    assert counts == [6, 6]


def test_what_is_told_keeps_to_the_stricter_format_as_well(client: Client, site: domain.Site) -> None:
    site.enabled_group(1)
    watched.everybody()

    answer = client.get("/metrics", headers={"Accept": OPENMETRICS})

    assert answer["Content-Type"].startswith("application/openmetrics-text")
    families = list(strict_parser.text_string_to_metric_families(answer.content.decode()))
    assert families
    assert all(family.documentation and family.name.startswith("replsite_") for family in families)


def test_every_metric_is_documented_and_no_other(client: Client, db: None) -> None:
    answer = client.get("/metrics").content.decode()
    told = {line.split()[2] for line in answer.splitlines() if line.startswith("# TYPE")}

    documented = {line.split("`")[1] for line in Path(PAGE).read_text().splitlines() if line.startswith("| `replsite_")}

    assert documented == told
