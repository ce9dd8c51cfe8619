"""Tells Prometheus how the site is, from the database: whichever process is asked, the answer is the same."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator

from django.conf import settings
from django.db import Error as DatabaseTrouble, connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from groups import findings, queues, statuses
from groups.queries import measures, watching

_TEXT = "text/plain; charset=utf-8"


def show(request: HttpRequest) -> HttpResponse:
    """Return the metrics, in the format the client asks for."""
    if not _may_read(request):
        return HttpResponse(
            "Give the metrics token: Authorization: Bearer TOKEN\n",
            status=401,
            content_type=_TEXT,
            headers={"WWW-Authenticate": 'Bearer realm="metrics"'},
        )
    encode, content_type = exposition.choose_encoder(request.headers.get("Accept", ""))
    try:
        return HttpResponse(encode(_registry), content_type=content_type)
    except DatabaseTrouble:
        connection.close()
        return HttpResponse("The database cannot be used; there is nothing to tell.\n", status=503, content_type=_TEXT)


def _may_read(request: HttpRequest) -> bool:
    token = settings.REPLSITE.metrics_token.get_secret_value()
    given = request.headers.get("Authorization", "")
    return not token or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


class SiteCollector(Collector):
    """Reads everything anew each time it is asked, in a number of statements that nothing changes."""

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from _operations(measures.operations())
        yield from _watch(watching.standing())
        yield from _groups(measures.lags())
        yield _findings(watching.open_findings())
        yield GaugeMetricFamily(
            "replsite_rounds_failing", "Groups whose newest replication round failed.", value=measures.failing_rounds()
        )


_registry = CollectorRegistry(auto_describe=False)
_registry.register(SiteCollector())


def _operations(rows: list[measures.Operations]) -> Iterator[Metric]:
    ended = CounterMetricFamily(
        "replsite_operations", "Operations that have ended, by verb and end state.", labels=("verb", "state")
    )
    ongoing = GaugeMetricFamily(
        "replsite_operations_open", "Operations that have not ended, by verb and state.", labels=("verb", "state")
    )
    for kind in statuses.Kind:
        for family, states in ((ended, statuses.FINAL), (ongoing, statuses.OPEN)):
            for state in sorted(states):
                family.add_metric((kind, state), _sum(rows, kind, state, lambda row: row.count))
    yield ended
    yield ongoing
    yield _durations(rows)
    yield CounterMetricFamily(
        "replsite_lease_takeovers",
        "How often a worker took up an operation again that had not failed: the worker before it died, went silent, or"
        " gave it back after a hung storage call. The sum over all operations of attempts - 1 - retried failures.",
        value=sum(row.takeovers for row in rows),
    )


def _durations(rows: list[measures.Operations]) -> Metric:
    family = HistogramMetricFamily(
        "replsite_operation_duration_seconds",
        "How long ended operations took, from being accepted to their end, by verb and end state.",
        labels=("verb", "state"),
    )
    for kind, state in sorted({(row.kind, row.state) for row in rows if row.state in statuses.FINAL}):
        own = [row for row in rows if (row.kind, row.state) == (kind, state)]
        buckets = [
            (end, sum(row.count for row in own if row.duration <= place))
            for place, end in enumerate([*map(str, measures.DURATIONS), "+Inf"])
        ]
        family.add_metric((kind, state), buckets=buckets, sum_value=sum(row.seconds for row in own))
    return family


def _watch(standing: watching.Standing) -> Iterator[Metric]:
    workers = GaugeMetricFamily("replsite_workers_live", "Live workers that read a queue.", labels=("queue",))
    for queue in queues.ALL:
        workers.add_metric((queue,), len(standing.readers(queue)))
    yield workers
    waiting = GaugeMetricFamily(
        "replsite_queue_oldest_seconds",
        "How long the operation has waited that has been due and without a worker the longest; 0 when none waits.",
        labels=("queue",),
    )
    for queue in (queues.FAILOVER, queues.REPLICATION):
        waiting.add_metric((queue,), standing.waiting_seconds.get(queue, 0.0))
    yield waiting
    ticks = GaugeMetricFamily(
        "replsite_tick_age_seconds", "How long ago each tick was last done; absent before the first.", labels=("tick",)
    )
    for tick, age in sorted(standing.tick_seconds.items()):
        ticks.add_metric((tick,), age)
    yield ticks
    yield GaugeMetricFamily(
        "replsite_leases_expired",
        "Running operations whose worker died or went silent and that nobody has taken over yet.",
        value=standing.expired_leases,
    )


def _groups(lags: Iterable[measures.Lag]) -> Iterator[Metric]:
    labels = ("group", "project")
    lag = GaugeMetricFamily(
        "replsite_group_lag_seconds",
        "Seconds since a protected group's newest complete point on a target; absent when there is none known.",
        labels=labels,
    )
    behind = GaugeMetricFamily(
        "replsite_group_behind_bytes",
        "Bytes that the worst target of a protected group lacked at the last look; absent when unknown.",
        labels=labels,
    )
    for each in lags:
        names = (str(each.group_id), each.project_id)
        if each.seconds is not None:
            lag.add_metric(names, each.seconds)
        if each.bytes is not None:
            behind.add_metric(names, each.bytes)
    yield lag
    yield behind


def _findings(counts: dict[tuple[str, str], int]) -> Metric:
    family = GaugeMetricFamily(
        "replsite_findings_open", "Open findings that nobody has set aside.", labels=("code", "severity")
    )
    usual = {(code.value, meaning.severity.value): 0 for code, meaning in findings.MEANINGS.items()}
    for labels, count in sorted((usual | counts).items()):
        family.add_metric(labels, count)
    return family


def _sum(rows: list[measures.Operations], kind: str, state: str, value: Callable[[measures.Operations], int]) -> int:
    return sum(value(row) for row in rows if (row.kind, row.state) == (kind, state))
