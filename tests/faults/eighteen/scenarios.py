"""Eighteen things that go wrong during a failover. Of nine of them a Cinder deployment never recovers.

Each is told to fail one group over and to let something go wrong; what a supervisor would start
again, it starts again. It returns how the group must come to rest.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime
import os
import signal
from collections.abc import Callable

from tests.faults.cinder_weaknesses import story
from tests.faults.eighteen.deployment import NOBODY, WORKERS, Deployment, Group

PATIENCE_SECONDS = 5.0
"""The longest a request may take with the broker down."""


@dataclasses.dataclass(frozen=True)
class End:
    """How a group comes to rest."""

    replication: str
    on: str


MOVED = End("failed-over", "site-b")
STAYED = End("failover-error", "")
UNTOUCHED = End("enabled", "")

Act = Callable[[Deployment, Group], End]


@dataclasses.dataclass(frozen=True)
class Scenario:
    """What goes wrong, how, and whether Cinder comes out of it."""

    name: str
    act: Act
    lost_on_cinder: bool = False
    size: int = 3


def fail_over(site: Deployment, group: Group, **value: object) -> None:
    """Ask for a failover; it must be granted."""
    answer = site.admin.act(group, story.FAILOVER, value)
    assert answer.status == 202, answer.body


def hold(site: Deployment, group: Group, *, seconds: float = 6.0) -> None:
    """Let the group's promotion take a while, in the middle of its volumes."""
    site.control.add_fault(call="promote", action="slow", seconds=seconds, volume=2, group_id=group.pk, times=1)


def begin(site: Deployment, group: Group) -> int:
    """Ask for a failover and wait until it is in the middle; return the id of the process that is at it."""
    fail_over(site, group)
    return site.wait_for_call("promote", group)


def service_killed(site: Deployment, group: Group) -> End:
    hold(site, group)
    begin(site, group)
    site.kill(*WORKERS)
    site.restart(*WORKERS)
    return MOVED


def child_killed(site: Deployment, group: Group) -> End:
    hold(site, group)
    os.kill(begin(site, group), signal.SIGKILL)
    site.wait_for_rest(group.pk)
    for name in WORKERS:
        site.programs[name].stop()
    site.restart(*WORKERS)
    return MOVED


def web_killed_while_asked(site: Deployment, group: Group) -> End:
    # The request is recorded and its message not yet sent: the broker keeps it waiting.
    assert site.broker is not None
    site.broker.freeze()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asking = pool.submit(site.admin.act, group, story.FAILOVER, {})
        site.wait_until(lambda: site.shown(group.pk).get("replication_status") == "failing-over")
        site.kill("web")
        assert asking.result().status in {NOBODY, 202}
    site.broker.wake()
    site.restart("web")
    return MOVED


def broker_restarted(site: Deployment, group: Group, *, how: str = "stop") -> End:
    assert site.broker is not None
    site.kill(*WORKERS)
    fail_over(site, group)
    getattr(site.broker, how)()
    site.broker.start()
    site.restart(*WORKERS)
    return MOVED


def broker_killed(site: Deployment, group: Group) -> End:
    return broker_restarted(site, group, how="kill")


def database_down(site: Deployment, group: Group) -> End:
    assert site.database is not None
    hold(site, group)
    begin(site, group)
    site.database.crash()
    site.wait_until(lambda: all(call.outcome for call in site.control.log(method="promote", group_id=group.pk)))
    site.database.start()
    return MOVED


def foreign_error(site: Deployment, group: Group) -> End:
    site.control.add_fault(call="promote", action="raise-value-error", volume=2, group_id=group.pk, times=1)
    fail_over(site, group)
    return STAYED


def one_of_three_bad(site: Deployment, group: Group) -> End:
    site.control.add_fault(call="promote", action="fail", volume=2, group_id=group.pk, times=1)
    fail_over(site, group)
    return STAYED


def next_at_once(site: Deployment, group: Group) -> End:
    fail_over(site, group)
    site.wait_until(lambda: site.shown(group.pk).get("replication_status") == "failed-over", pause=0.01)
    fail_over(site, group, secondary_backend_id="default")
    return UNTOUCHED


def broker_down(site: Deployment, group: Group) -> End:
    assert site.broker is not None
    site.broker.kill()
    fail_over(site, group)
    assert site.admin.seconds < PATIENCE_SECONDS
    site.broker.start()
    return MOVED


def worker_restarted(site: Deployment, group: Group) -> End:
    hold(site, group)
    begin(site, group)
    for name in WORKERS:
        site.programs[name].stop()
    site.restart(*WORKERS)
    return MOVED


def beat_killed(site: Deployment, group: Group) -> End:
    site.kill("beat")
    fail_over(site, group)
    site.wait_for_rest(group.pk)
    site.restart("beat")
    return MOVED


def driver_hangs(site: Deployment, group: Group) -> End:
    site.control.add_fault(call="promote", action="hang", volume=2, group_id=group.pk, times=1)
    fail_over(site, group)
    return MOVED


def target_unknown(site: Deployment, group: Group) -> End:
    answer = site.admin.act(group, story.FAILOVER, {"secondary_backend_id": "site-x"})
    assert answer.status == 400
    assert "site-b, site-c" in answer.message
    return UNTOUCHED


def target_down(site: Deployment, group: Group) -> End:
    site.control.site_down("site-b")
    fail_over(site, group)
    site.wait_for_rest(group.pk)
    site.control.site_up("site-b")
    return STAYED


def two_callers(site: Deployment, group: Group) -> End:
    targets = ("site-b", "site-c")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        asking = [
            pool.submit(site.admin.act, group, story.FAILOVER, {"secondary_backend_id": each}) for each in targets
        ]
        statuses = [each.result().status for each in asking]
    assert sorted(statuses) == [202, 400]
    return End("failed-over", targets[statuses.index(202)])


def canceled(site: Deployment, group: Group) -> End:
    site.control.add_fault(call="replicate", action="slow", seconds=30, group_id=group.pk, times=1)
    fail_over(site, group)
    site.wait_until(lambda: site.operations(group)[0]["progress"]["step"] == "final round")
    answer = site.admin.ask("POST", f"/operations/{site.operations(group)[0]['id']}/cancel", root="/api")
    assert answer.status == 202
    return UNTOUCHED


def primary_down(site: Deployment, group: Group) -> End:
    site.control.site_down("")
    fail_over(site, group)
    site.wait_for_rest(group.pk)
    site.control.site_up("")
    # The next look finds that the old primary still takes itself for the active side, and closes it.
    site.wait_until(lambda: story.writable_on(site, group.volumes[0]) == ("site-b",))
    return MOVED


SCENARIOS = (
    Scenario("the service is killed -9 in mid-failover", service_killed, lost_on_cinder=True),
    Scenario("only the child that does the work is killed -9", child_killed, lost_on_cinder=True),
    Scenario("the API is killed -9 during the request", web_killed_while_asked, lost_on_cinder=True),
    Scenario("the broker is stopped and started, a message waiting", broker_restarted, lost_on_cinder=True),
    Scenario("the broker is killed -9, a message waiting", broker_killed, lost_on_cinder=True),
    Scenario("the database is down when the driver returns", database_down, lost_on_cinder=True),
    Scenario("the driver raises a foreign error", foreign_error, lost_on_cinder=True),
    Scenario("the driver fails at one volume of three", one_of_three_bad, lost_on_cinder=True),
    Scenario("the next operation is asked for at once, 60 volumes", next_at_once, lost_on_cinder=True, size=60),
    Scenario("the broker is down when the request comes", broker_down),
    Scenario("the service is restarted in mid-failover", worker_restarted),
    Scenario("beat is dead", beat_killed),
    Scenario("the driver hangs", driver_hangs),
    Scenario("the target is unknown", target_unknown),
    Scenario("the target's site is down", target_down),
    Scenario("two callers at once, two targets", two_callers),
    Scenario("the failover is canceled", canceled),
    Scenario("the primary's site is down", primary_down),
)


def run(site: Deployment, scenario: Scenario) -> tuple[str, float]:
    """Act a scenario out and see that it ends as it must; return where, and after how many seconds."""
    group = site.enabled_group(scenario.size)
    end = scenario.act(site, group)
    site.wait_for_rest(group.pk)
    seconds = _seconds(site, group)
    site.control.clear_faults()

    expected = story.whole(scenario.size, replication=end.replication, on=end.on)
    assert story.seen(site.admin, site, group) == expected
    _recover(site, group, end)
    return end.replication, seconds


def _seconds(site: Deployment, group: Group) -> float:
    """Return how long it took from the request to the last end; 0 when nothing was granted."""
    moves = [each for each in site.operations(group) if each["kind"] in {"failover", "failback"}]
    times = [datetime.datetime.fromisoformat(each[name]) for each in moves for name in ("created_at", "ended_at")]
    return (max(times) - min(times)).total_seconds() if times else 0.0


def _recover(site: Deployment, group: Group, end: End) -> None:
    """Lead the group back to its primary, and away, by verbs of the API alone."""
    if end.replication != "failed-over":
        fail_over(site, group)
        site.wait_for_rest(group.pk, replication_status="failed-over")
    fail_over(site, group, secondary_backend_id="default")
    site.wait_for_rest(group.pk, replication_status="enabled")
    size = len(group.volumes)
    assert story.seen(site.admin, site, group) == story.whole(size, replication="enabled")
    assert site.admin.act(group, "delete", {"delete-volumes": True}).status == 202
    site.wait_until(lambda: site.admin.get(f"/groups/{group.pk}").status == 404)
