"""Failing a whole site over: what is moved, in which order, how many at once, and what is left where it is."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups import clock, errors, models, queueing
from groups.engine import leases, runner, sweeper
from groups.queries import sites as found
from groups.services import groups, operations, replication, sites, volumes
from tests.services.test_replication import every_row
from tests.support import domain


def start(site: domain.Site, **options: object) -> models.SiteFailover:
    return sites.start(site.admin, backend="array", **options)  # type: ignore[arg-type]


def totals(run: models.SiteFailover) -> found.Totals:
    return found.totals([run])[run.pk]


def words(run: models.SiteFailover) -> dict[str, str]:
    """Return what became of each group."""
    return {place.subject_name: found.state_of(place) for place in found.places(run)}


def advance(run: models.SiteFailover) -> int:
    return sites.advance(site_failover_id=run.pk)


def ended(run: models.SiteFailover) -> models.SiteFailover:
    domain.drain_with_retries()
    run.refresh_from_db()
    return run


def named(group: models.Group, name: str, **changes: object) -> models.Group:
    models.Group.objects.filter(pk=group.pk).update(name=name, **changes)
    group.refresh_from_db()
    return group


def run_one(group: models.Group) -> None:
    runner.run(operation_id=domain.last_operation(group).pk, owner="tests")


class TestASiteFailover:
    def test_moves_every_replicated_group_and_says_where_the_site_is(self, site):
        made = [site.enabled_group(2), site.enabled_group(1)]

        run = ended(start(site))

        assert run.state == "succeeded", run.outcome
        for group in made:
            group.refresh_from_db()
            assert (group.replication_status, group.active_backend_id) == ("failed-over", "site-b")
        site.backend.refresh_from_db()
        assert (site.backend.active_backend_id, site.backend.enabled) == ("site-b", False)
        assert site.backend.disabled_reason == "failed-over"
        assert run.outcome == "2 of 2 groups moved, 0 were there already."

    def test_back_to_default_returns_every_group_and_takes_new_ones_again(self, site):
        group = site.enabled_group(1)
        ended(start(site))

        run = ended(start(site, secondary_backend_id="default"))

        group.refresh_from_db()
        site.backend.refresh_from_db()
        assert (run.state, group.replication_status, group.active_backend_id) == ("succeeded", "enabled", "")
        assert (site.backend.active_backend_id, site.backend.enabled, site.backend.disabled_reason) == ("", True, "")

    def test_leaves_a_backend_disabled_that_somebody_had_disabled(self, site):
        site.enabled_group(1)
        models.Backend.objects.update(enabled=False, disabled_reason="to be replaced")

        ended(start(site))
        ended(start(site, secondary_backend_id="default"))

        site.backend.refresh_from_db()
        assert (site.backend.enabled, site.backend.disabled_reason) == (False, "to be replaced")

    def test_goes_on_without_a_primary_that_is_gone(self, site):
        group = site.enabled_group(2)
        site.control.site_down("")

        run = ended(start(site, mode="unplanned"))

        assert run.state == "succeeded"
        assert domain.last_operation(group).arguments["mode"] == "unplanned"

    def test_begins_the_lower_numbers_first_and_no_more_than_the_limit_at_once(self, site):
        for name, priority in (("third", 300), ("first", 1), ("second", 200)):
            named(site.enabled_group(1), name, failover_priority=priority)

        run = start(site, concurrency=2)
        advance(run)

        assert words(run) == {"first": "queued", "second": "queued", "third": "queued"}
        begun = {operation.subject_name for operation in run.operations.all()}
        assert begun == {"first", "second"}
        run_one(models.Group.objects.get(name="second"))
        assert advance(run) == 1
        assert run.operations.count() == 3
        assert ended(run).state == "succeeded"

    def test_in_waves_a_number_waits_for_the_ones_before_it_to_end(self, site):
        first = named(site.enabled_group(1), "first", failover_priority=1)
        named(site.enabled_group(1), "second", failover_priority=2)

        run = start(site, in_waves=True)

        assert (advance(run), run.operations.count()) == (1, 1)
        run_one(first)
        assert (advance(run), run.operations.count()) == (1, 2)
        assert ended(run).state == "succeeded"

    @pytest.mark.unjudged("a volume's status is spoiled by hand to be refused")
    def test_lists_those_it_cannot_move_with_the_reason_and_moves_the_others(self, site):
        named(site.enabled_group(1), "fine")
        named(site.new_group(1), "bare")
        broken = named(site.enabled_group(1), "broken")
        models.Volume.objects.filter(group=broken).update(status="reserved")

        run = ended(start(site))

        assert run.state == "failed"
        assert words(run) == {"fine": "succeeded", "bare": "unprotected", "broken": "wrong_state"}
        [place] = run.groups.filter(refusal_code="wrong_state")
        assert "reserved" in place.refusal
        assert "1 of 3 groups moved, 0 were there already; 1 could not be begun; 1 are not replicated." in run.outcome

    def test_in_which_one_group_fails_moves_the_others_and_says_so(self, site):
        named(site.enabled_group(1), "fine")
        failing = named(site.enabled_group(1), "failing", failover_priority=1)
        site.control.add_fault(call="promote", action="fail", group_id=str(failing.pk))

        run = ended(start(site, concurrency=1))

        assert (run.state, words(run)) == ("failed", {"failing": "failed", "fine": "succeeded"})
        assert (totals(run).failed, totals(run).done) == (1, 1)

    def test_started_again_moves_only_what_is_not_there_yet(self, site):
        fine = named(site.enabled_group(1), "fine")
        failing = named(site.enabled_group(1), "failing")
        site.control.add_fault(call="promote", action="fail", group_id=str(failing.pk))
        ended(start(site))
        site.control.clear_faults()

        run = ended(start(site))

        assert (run.state, words(run)) == ("succeeded", {"fine": "already-there", "failing": "succeeded"})
        assert models.Operation.objects.filter(subject_id=fine.pk, kind="failover").count() == 1

    def test_moves_a_group_that_became_ready_meanwhile(self, site):
        site.enabled_group(1)
        late = named(site.new_group(1), "late")
        run = start(site)
        assert words(run)["late"] == "unprotected"
        replication.enable(site.owner, group_id=late.pk)
        run_one(late)

        ended(run)

        assert (run.state, words(run)["late"], totals(run).late) == ("succeeded", "succeeded", 1)

    def test_moves_a_group_that_came_meanwhile(self, site):
        site.enabled_group(1)
        run = start(site)
        models.Backend.objects.update(enabled=True)
        late = site.enabled_group(1)
        models.SiteFailover.objects.filter(pk=run.pk).update(state="succeeded")
        run = start(site, secondary_backend_id="site-b")
        run.groups.filter(subject_id=late.pk).delete()

        ended(run)

        assert words(run)[late.name] == "succeeded"

    def test_waits_for_a_group_that_another_operation_works_on(self, site):
        busy = site.enabled_group(1)
        replication.enable(site.owner, group_id=busy.pk)

        run = start(site)

        assert (advance(run), totals(run).queued) == (0, 1)
        run_one(busy)
        assert ended(run).state == "succeeded"

    def test_of_a_group_deleted_meanwhile_succeeds_without_it(self, site):
        site.enabled_group(1)
        gone = named(site.enabled_group(1), "gone")
        run = start(site)
        groups.delete(site.owner, group_id=gone.pk, delete_volumes=True)
        run_one(gone)

        ended(run)

        assert (run.state, words(run)["gone"], totals(run).gone) == ("succeeded", "gone", 1)

    def test_leaves_volumes_in_no_group_and_counts_them(self, site):
        site.enabled_group(1)
        volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()

        assert start(site).lone_volumes == 1

    def test_a_bug_met_with_one_group_stops_no_other(self, site, monkeypatch):
        named(site.enabled_group(1), "fine")
        cursed = named(site.enabled_group(1), "cursed", failover_priority=1)
        failover = replication.failover

        def fail(caller, *, group_id, **options):
            if group_id == cursed.pk:
                raise ZeroDivisionError
            return failover(caller, group_id=group_id, **options)

        monkeypatch.setattr(replication, "failover", fail)

        run = ended(start(site))

        assert (run.state, words(run)) == ("failed", {"cursed": "bug", "fine": "succeeded"})

    def test_says_what_is_at_risk(self, site):
        known, unknown = site.enabled_group(1), site.enabled_group(1)
        models.Group.objects.filter(pk=known.pk).update(bytes_behind=4096)
        models.Group.objects.filter(pk=unknown.pk).update(bytes_behind=None)

        run = start(site)

        assert (totals(run).bytes_at_risk, totals(run).unknown_risk) == (4096, 1)
        ended(run)
        assert (totals(run).bytes_at_risk, totals(run).unknown_risk) == (0, 0)

    def test_gives_each_operation_the_request_it_came_from(self, site):
        group = site.enabled_group(1)

        run = ended(start(site, reason="flood"))

        operation = domain.last_operation(group)
        assert (operation.request_id, operation.user_name) == (site.admin.request_id, "admin")
        assert operation.site_failover_id == run.pk
        assert operation.events.filter(reason=f"site failover {run.pk}: flood").exists()


class TestCanceling:
    def test_begins_no_further_group_and_takes_back_what_no_worker_has(self, site):
        first, second = named(site.enabled_group(1), "first"), named(site.enabled_group(1), "second")
        run = start(site, concurrency=1)
        advance(run)

        sites.cancel(site.admin, site_failover_id=run.pk)
        ended(run)

        assert (run.state, words(run)) == ("canceled", {"first": "canceled", "second": "canceled"})
        for group in (first, second):
            group.refresh_from_db()
            assert group.replication_status == "enabled"
        site.backend.refresh_from_db()
        assert (site.backend.enabled, site.backend.active_backend_id) == (True, "")

    def test_lets_what_is_under_way_come_to_its_end(self, site):
        group = site.enabled_group(1)
        site.control.add_fault(call="replicate", action="fail-retryable", times=1)
        run = start(site)
        advance(run)
        run_one(group)
        assert domain.last_operation(group).state == "waiting"

        sites.cancel(site.admin, site_failover_id=run.pk)
        ended(run)

        assert (run.state, domain.last_operation(group).state) == ("canceled", "succeeded")

    def test_stops_what_is_under_way_when_asked_to(self, site):
        group = site.enabled_group(1)
        site.control.add_fault(call="replicate", action="fail-retryable", times=1)
        run = start(site)
        advance(run)
        run_one(group)

        sites.cancel(site.admin, site_failover_id=run.pk, stop_running=True)
        ended(run)

        assert (run.state, domain.last_operation(group).state) == ("canceled", "canceled")

    def test_of_an_ended_one_is_refused(self, site):
        site.enabled_group(1)
        run = ended(start(site))

        with pytest.raises(errors.WrongState, match="has ended"):
            sites.cancel(site.admin, site_failover_id=run.pk)


class TestARefusal:
    @pytest.mark.parametrize(
        "options, error, match",
        [
            ({"secondary_backend_id": "moon"}, errors.InvalidInput, "site-b, site-c, and 'default'"),
            ({"concurrency": 0}, errors.InvalidInput, "From 1 to 1000"),
            ({"mode": "brave"}, errors.InvalidInput, "auto, planned, unplanned"),
            ({"discard_bytes": -1}, errors.InvalidInput, "0 or more"),
        ],
    )
    def test_says_why_and_leaves_every_row_as_it_was(self, site, options, error, match):
        site.enabled_group(1)
        before = every_row()

        with pytest.raises(error, match=match):
            start(site, **options)

        assert every_row() == before

    def test_to_a_member_names_the_rule(self, site):
        with pytest.raises(errors.Forbidden, match="volume:failover_host"):
            sites.start(site.owner, backend="array")

    def test_of_a_backend_without_targets_says_so(self, site):
        models.ReplicationTarget.objects.all().delete()

        with pytest.raises(errors.WrongState, match=r"must be up to failover.*has no replication target"):
            start(site)

    def test_of_a_second_one_names_the_first(self, site):
        site.enabled_group(1)
        run = start(site)

        with pytest.raises(errors.Busy, match=str(run.pk)):
            start(site, secondary_backend_id="default")


class TestTwentyCallersAtOnce:
    @pytest.mark.django_db(transaction=True)
    def test_start_one_site_failover(self, site):
        site.enabled_group(1)

        accepted = together(20, lambda: start(site))

        assert len(accepted) == 1
        assert ended(accepted[0]).state == "succeeded"

    @pytest.mark.django_db(transaction=True)
    def test_going_on_with_it_begin_each_group_once_and_keep_to_the_limit(self, site):
        made = [site.enabled_group(1) for _ in range(4)]
        run = start(site, concurrency=2)

        together(8, lambda: advance(run))

        assert models.Operation.objects.filter(site_failover=run).count() == 2
        ended(run)
        moves = models.Operation.objects.filter(kind="failover")
        assert (run.state, sorted(moves.values_list("subject_id", flat=True))) == (
            "succeeded",
            sorted(group.pk for group in made),
        )


def together(count: int, ask) -> list:
    """Ask in so many threads at once; return what was accepted."""
    gate, accepted = threading.Barrier(count), []

    def caller() -> None:
        gate.wait()
        try:
            accepted.append(ask())
        except errors.Busy:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=caller) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return accepted


class TestWakingIt:
    def test_is_done_by_the_sweeper_when_the_message_was_lost(self, site, monkeypatch):
        site.enabled_group(1)
        run = start(site)
        models.SiteFailover.objects.update(dispatched_at=None)
        sent = []
        monkeypatch.setattr(queueing, "send_site", lambda **ids: sent.append(ids))

        sweeper.sweep()
        sweeper.sweep()

        assert sent == [{"site_failover_id": run.pk}]

    def test_is_done_by_each_group_that_ends(self, site, monkeypatch, django_capture_on_commit_callbacks):
        group = site.enabled_group(1)
        run = start(site)
        advance(run)
        sent = []
        monkeypatch.setattr(queueing, "send_site", lambda **ids: sent.append(ids))

        with django_capture_on_commit_callbacks(execute=True):
            run_one(group)

        assert sent == [{"site_failover_id": run.pk}]


class TestPriorities:
    def test_are_set_by_members_of_the_project_alone(self, site):
        group = site.new_group(1)

        assert sites.set_priority(site.colleague, group_id=group.pk, priority=7).failover_priority == 7
        with pytest.raises(errors.Forbidden):
            sites.set_priority(site.reader, group_id=group.pk, priority=8)
        with pytest.raises(errors.NotFound):
            sites.set_priority(site.outsider, group_id=group.pk, priority=8)
        with pytest.raises(errors.InvalidInput, match="from 0 to 1000000"):
            sites.set_priority(site.owner, group_id=group.pk, priority=-1)


class TestItsCost:
    def test_is_the_same_for_each_group_however_many_there_are(self, site, monkeypatch):
        monkeypatch.setattr(leases, "_LOOK_SECONDS", 3600)
        monkeypatch.setattr(clock, "_GOOD_SECONDS", 3600)
        costs = []
        for count in (1, 4):
            for _ in range(count):
                site.enabled_group(1)
            run = start(site, concurrency=1)
            with CaptureQueriesContext(connection) as captured:
                advance(run)
            costs.append(len(captured))
            sites.cancel(site.admin, site_failover_id=run.pk)
            advance(run)

        assert costs[0] == costs[1] < 45, costs

    def test_to_look_ahead_does_not_depend_on_the_number_of_groups(self, site):
        costs = []
        for count in (1, 4):
            for _ in range(count):
                site.enabled_group(2)
            backend = models.Backend.objects.prefetch_related("targets").get()
            with CaptureQueriesContext(connection) as captured:
                seen = found.outlook(backend, target="site-b")
            costs.append(len(captured))

        assert costs[0] == costs[1] < 12, costs
        assert [(each.left, each.why_not, each.size_gib) for each in seen] == [("", "", 2)] * 5


def test_a_failed_operation_of_a_site_failover_is_run_again_like_any_other(site):
    failing = site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail", times=1)
    run = ended(start(site))
    assert run.state == "failed"

    operations.retry(site.owner, operation_id=domain.last_operation(failing).pk)
    domain.drain()

    failing.refresh_from_db()
    assert failing.replication_status == "failed-over"
    [seen] = found.sites(list(models.Backend.objects.prefetch_related("targets")))
    assert seen.replication_status == "failover-error"
