"""What the storage says otherwise than recorded is found, named and mended, and nothing by itself."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from groups import errors, models
from groups.engine import observing
from groups.services import findings, groups, replication, volumes
from tests.support import differing, domain


def look(group: models.Group) -> list[str]:
    """Look at all storage; return the codes of what is open about a group."""
    observing.observe_all()
    group.refresh_from_db()
    rows = models.Finding.objects.filter(subject_id=group.pk, closed_at__isnull=True)
    return sorted(rows.values_list("code", flat=True))


def only(group: models.Group, code: str) -> models.Finding:
    """Look, and return the one open finding of a group."""
    assert look(group) == [code]
    return models.Finding.objects.get(subject_id=group.pk, closed_at__isnull=True)


def mended(operation: models.Operation) -> models.Operation:
    """Run an operation to its end; it must succeed."""
    domain.drain_with_retries()
    operation.refresh_from_db()
    assert operation.state == "succeeded", f"{operation.error} {operation.truth}"
    return operation


def standing(group: models.Group) -> tuple[str, str, str]:
    """Return what is recorded of a group."""
    group.refresh_from_db()
    return group.status, group.replication_status, group.active_backend_id


def writable(site: domain.Site, group: models.Group, side: str) -> set[bool]:
    """Return whether a side's clients may write to the members."""
    return {site.control.can_write(side=side, volume_id=str(volume.pk)) for volume in domain.members(group)}


class TestNothing:
    @pytest.mark.parametrize("make", ["new_group", "enabled_group", "failed_over_group"])
    def test_is_found_where_storage_and_record_agree(self, site, make):
        group = getattr(site, make)(2)

        assert look(group) == []

    def test_is_done_by_itself_about_a_group_that_was_moved(self, site):
        group = site.enabled_group(2)
        differing.moved(group, to="site-b")

        only(group, "active-elsewhere")
        look(group)

        assert standing(group) == ("available", "enabled", "")
        assert writable(site, group, "site-b") == {True}
        assert writable(site, group, "") == {False}
        assert not models.Operation.objects.filter(group=group, state__in=("queued", "running")).exists()


class TestAFinding:
    def test_says_what_is_recorded_what_is_there_and_since_when(self, site):
        group = site.enabled_group(2)
        differing.moved(group, to="site-b")

        first = only(group, "active-elsewhere")
        again = only(group, "active-elsewhere")

        assert first.recorded == "Active on the primary."
        assert "active on secondary 'site-b'" in first.actual
        assert (first.severity, first.actual_side) == ("critical", "site-b")
        assert again.pk == first.pk
        assert again.created_at == first.created_at
        assert again.seen_at >= first.seen_at

    def test_is_closed_once_it_is_seen_no_more(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")
        finding = only(group, "side-unreachable")

        site.control.site_up("site-c")

        assert look(group) == []
        finding.refresh_from_db()
        assert finding.closed_at is not None

    def test_that_comes_back_is_a_new_one(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")
        first = only(group, "side-unreachable")
        site.control.site_up("site-c")
        look(group)
        site.control.site_down("site-c")

        assert only(group, "side-unreachable").pk != first.pk

    def test_of_a_deleted_group_is_closed_and_kept(self, site):
        group = site.enabled_group(1)
        differing.disarmed(group)
        finding = only(group, "not-replicating")

        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)
        domain.drain_with_retries()

        finding.refresh_from_db()
        assert finding.closed_at is not None
        assert finding.group_id is None
        assert finding.subject_id == group.pk

    def test_is_seen_by_its_project_and_nobody_else_s(self, site):
        group = site.enabled_group(1)
        differing.disarmed(group)
        finding = only(group, "not-replicating")

        with pytest.raises(errors.NotFound):
            findings.ignore(
                site.outsider, finding_id=finding.pk, until=timezone.now() + datetime.timedelta(days=1), reason="why"
            )


class TestWhatIsFound:
    def test_a_side_that_does_not_answer_is_worse_when_the_group_runs_there(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")
        assert only(group, "side-unreachable").severity == "warning"

        site.control.site_up("site-c")
        site.control.site_down("")

        look(group)
        assert models.Finding.objects.get(subject_id=group.pk, closed_at__isnull=True, key="").severity == "critical"

    def test_volumes_on_different_sides_are_named_with_their_sides(self, site):
        group = site.enabled_group(3)
        first, second, third = domain.members(group)
        differing.moved(group, to="site-b", whole=False)

        finding = only(group, "volumes-apart")

        assert f"on secondary 'site-b': {first.name}" in finding.actual
        assert f"on the primary: {second.name}, {third.name}" in finding.actual

    def test_volumes_on_different_sides_are_mended_by_the_failover_the_remedy_names(self, site):
        group = site.enabled_group(3)
        differing.moved(group, to="site-b", whole=False)
        only(group, "volumes-apart")

        mended(replication.failover(site.owner, group_id=group.pk, secondary_backend_id="site-b", mode="unplanned"))

        assert writable(site, group, "site-b") == {True}
        assert "volumes-apart" not in look(group)

    def test_a_protected_group_that_is_not_replicated(self, site):
        group = site.enabled_group(2)
        differing.disarmed(group)

        assert look(group) == ["not-replicating"]

    def test_a_protected_group_that_is_not_replicated_is_found_while_a_target_is_away(self, site):
        group = site.enabled_group(2)
        differing.disarmed(group)
        site.control.site_down("site-c")

        assert look(group) == ["not-replicating", "side-unreachable"]

    def test_members_whose_only_copy_may_be_on_a_target_that_is_away_are_not_called_unprotected(self, site):
        group = site.enabled_group(2)
        site.control.site_down("site-b")
        site.control.site_down("site-c")

        assert look(group) == ["side-unreachable", "side-unreachable"]

    def test_a_group_that_is_replicated_though_it_should_not_be(self, site):
        group = site.new_group(2)
        differing.armed(group)

        assert look(group) == ["replicating-though-disabled"]

    def test_a_recorded_side_that_lets_no_write_through(self, site):
        group = site.enabled_group(2)
        differing.shut(group)

        observing.observe_all()

        assert look(group) == ["not-writable"]

    def test_a_volume_that_is_nowhere(self, site):
        group = site.new_group(2)
        gone = domain.members(group)[0]
        differing.lost(group, volume=0)

        assert gone.name in only(group, "volume-missing").recorded

    @pytest.mark.parametrize("tried", [(), ("enable",), ("enable", "failover")])
    def test_a_volume_that_is_nowhere_can_be_taken_out_and_deleted_and_the_others_protected(self, site, tried):
        group = site.new_group(2)
        gone = domain.members(group)[0]
        differing.lost(group, volume=0)
        for verb in tried:
            getattr(replication, verb)(site.owner, group_id=group.pk)
            domain.drain_with_retries()
            assert domain.last_operation(group).state == "failed"
        assert look(group) == ["volume-missing"]

        mended(groups.update(site.owner, group_id=group.pk, remove_volumes=[str(gone.pk)]))
        mended(volumes.delete(site.owner, volume_id=gone.pk))
        if "failover" in tried:
            mended(replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default"))
        else:
            mended(replication.enable(site.owner, group_id=group.pk))

        assert standing(group) == ("available", "enabled", "")
        assert look(group) == []

    def test_a_volume_that_is_nowhere_can_be_taken_out_of_a_group_that_was_failed_over(self, site):
        group = site.failed_over_group(2)
        gone, kept = domain.members(group)
        differing.lost(group, volume=0)
        look(group)

        mended(groups.update(site.owner, group_id=group.pk, remove_volumes=[str(gone.pk)]))
        mended(volumes.delete(site.owner, volume_id=gone.pk))
        mended(replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default"))

        assert standing(group) == ("available", "enabled", "")
        assert look(group) == []
        assert [volume.pk for volume in domain.members(group)] == [kept.pk]

    def test_a_volume_that_is_there_is_not_taken_out_beside_one_that_is_nowhere(self, site):
        group = site.failed_over_group(3)
        gone, there, _ = domain.members(group)
        differing.lost(group, volume=0)
        look(group)

        operation = groups.update(site.owner, group_id=group.pk, remove_volumes=[str(gone.pk), str(there.pk)])
        domain.drain_with_retries()

        operation.refresh_from_db()
        assert (operation.state, operation.error_code) == ("failed", "not_confirmed")
        assert len(domain.members(group)) == 3
        assert standing(group) == ("available", "failed-over", "site-b")

    def test_nothing_joins_a_group_that_is_away_because_a_volume_of_it_is_nowhere(self, site):
        group = site.failed_over_group(2)
        differing.lost(group, volume=0)
        look(group)
        other = volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()

        with pytest.raises(errors.WrongState, match="current status is: failed-over"):
            groups.update(site.owner, group_id=group.pk, add_volumes=[str(other.pk)])

    def test_a_look_that_fails(self, site):
        group = site.enabled_group(1)
        site.control.add_fault(call="observe", action="fail")

        assert look(group) == ["not-observed"]

        site.control.clear_faults()
        assert look(group) == []

    def test_a_backend_whose_driver_cannot_be_used(self, site):
        site.new_group(1)
        models.Backend.objects.filter(pk=site.backend.pk).update(driver="gone")

        observing.observe_all()

        finding = models.Finding.objects.get(subject_id=site.backend.pk)
        assert (finding.code, finding.project_id, finding.backend_id) == ("backend-unusable", None, site.backend.pk)
        models.Backend.objects.filter(pk=site.backend.pk).update(driver="fake")
        observing.observe_all()
        finding.refresh_from_db()
        assert finding.closed_at is not None

    def test_a_newcomer_that_was_never_protected_is_no_difference(self, site):
        group = site.enabled_group(1)
        volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk, name="latecomer")
        domain.drain()

        assert look(group) == []

    def test_a_second_side_that_takes_itself_for_active(self, site):
        group = site.failed_over_group(2)
        site.control.site_down("site-b")
        differing.claimed(group, by="site-c")
        site.control.site_up("site-b")

        assert "two-active-sides" in look(group) or "active-elsewhere" in look(group)


class TestAdopting:
    def test_a_move_records_it_and_touches_nothing(self, site):
        group = site.enabled_group(2)
        differing.moved(group, to="site-b")
        finding = only(group, "active-elsewhere")
        site.control.forget_log()

        mended(findings.adopt(site.admin, finding_id=finding.pk, reason="moved by hand last night"))

        assert standing(group) == ("available", "failed-over", "site-b")
        assert {volume.replication_status for volume in domain.members(group)} == {"failed-over"}
        assert {call.method for call in site.control.log()} == {"observe"}
        assert look(group) == []

    def test_is_no_dead_end_the_group_can_be_failed_back(self, site):
        group = site.enabled_group(2)
        differing.moved(group, to="site-b")
        finding = only(group, "active-elsewhere")
        mended(findings.adopt(site.admin, finding_id=finding.pk, reason="moved by hand"))
        site.write(domain.members(group)[0], "written there", side="site-b")

        mended(replication.failover(site.owner, group_id=group.pk, secondary_backend_id="default"))

        assert site.read(domain.members(group)[0]) == "written there"
        assert look(group) == []

    def test_the_end_of_replication_records_the_group_as_not_replicated(self, site):
        group = site.enabled_group(2)
        differing.disarmed(group)
        finding = only(group, "not-replicating")

        mended(findings.adopt(site.admin, finding_id=finding.pk, reason="it was meant"))

        assert standing(group) == ("available", "disabled", "")
        assert not models.Round.objects.filter(group=group).exists()
        assert look(group) == []

    def test_replication_records_the_group_as_enabled_and_begins_its_rounds(self, site):
        group = site.new_group(2)
        differing.armed(group)
        finding = only(group, "replicating-though-disabled")

        mended(findings.adopt(site.admin, finding_id=finding.pk, reason="it was meant"))

        assert standing(group) == ("available", "enabled", "")
        assert models.Round.objects.filter(group=group).exists()

    def test_volumes_on_different_sides_is_refused_and_changes_nothing(self, site):
        group = site.enabled_group(2)
        differing.moved(group, to="site-b", whole=False)

        operation = replication.adopt(site.admin, group_id=group.pk, reason="try")
        domain.drain_with_retries()

        operation.refresh_from_db()
        assert operation.state == "failed"
        assert "different places" in operation.error
        assert standing(group) == ("available", "enabled", "")

    def test_ends_an_error_without_moving_anything(self, site):
        group = site.enabled_group(2)
        site.control.add_fault(call="promote", action="fail", times=1)
        replication.failover(site.owner, group_id=group.pk, mode="planned")
        domain.drain_with_retries()
        assert standing(group)[1] == "failover-error"

        mended(replication.adopt(site.admin, group_id=group.pk, reason="it is where it was"))

        assert standing(group) == ("available", "enabled", "")

    def test_is_for_admins_who_say_why(self, site):
        group = site.enabled_group(1)
        differing.disarmed(group)
        finding = only(group, "not-replicating")

        with pytest.raises(errors.Forbidden):
            findings.adopt(site.owner, finding_id=finding.pk, reason="why")
        with pytest.raises(errors.InvalidInput):
            findings.adopt(site.admin, finding_id=finding.pk, reason=" ")

        assert standing(group) == ("available", "enabled", "")


class TestRestoring:
    def test_a_moved_group_moves_it_back_with_what_was_written_there(self, site):
        group = site.enabled_group(2)
        differing.moved(group, to="site-b")
        site.write(domain.members(group)[0], "written there", side="site-b")
        finding = only(group, "active-elsewhere")

        mended(findings.restore(site.admin, finding_id=finding.pk, reason="it was a mistake"))

        assert standing(group) == ("available", "enabled", "")
        assert site.read(domain.members(group)[0]) == "written there"
        assert writable(site, group, "site-b") == {False}
        assert look(group) == []

    def test_a_group_moved_off_its_secondary_moves_it_there_again(self, site):
        group = site.failed_over_group(2)
        driver = domain.storage_driver(group)
        driver.replicate(differing.value(group), backend_id="", call=differing.call(group))
        differing.moved(group, to="")
        site.write(domain.members(group)[0], "written at home")
        finding = only(group, "active-elsewhere")

        mended(findings.restore(site.admin, finding_id=finding.pk, reason="back there"))

        assert standing(group) == ("available", "failed-over", "site-b")
        assert site.read(domain.members(group)[0], side="site-b") == "written at home"
        assert writable(site, group, "") == {False}

    def test_what_nobody_said_may_be_discarded_is_not(self, site):
        group = site.enabled_group(2)
        site.write(domain.members(group)[0], "never sent")
        differing.claimed(group, by="site-b")
        look(group)

        operation = replication.restore(site.admin, group_id=group.pk, reason="back")
        domain.drain_with_retries()

        operation.refresh_from_db()
        assert (operation.state, operation.error_code) == ("failed", "would_discard")
        assert "4096 bytes" in operation.error or "bytes written on the primary" in operation.error

    def test_discards_no_more_than_was_stated(self, site):
        group = site.enabled_group(1)
        site.write(domain.members(group)[0], "never sent")
        differing.claimed(group, by="site-b")
        look(group)

        operation = mended(replication.restore(site.admin, group_id=group.pk, reason="back", discard_bytes=1 << 30))

        assert standing(group) == ("available", "enabled", "")
        assert operation.result["discarded"] > 0

    def test_protection_copies_what_is_missing(self, site):
        group = site.enabled_group(2)
        differing.disarmed(group)
        finding = only(group, "not-replicating")

        mended(findings.restore(site.admin, finding_id=finding.pk, reason="protect it"))

        assert standing(group) == ("available", "enabled", "")
        assert look(group) == []

    def test_no_protection_drops_the_copies(self, site):
        group = site.new_group(2)
        differing.armed(group)
        finding = only(group, "replicating-though-disabled")

        mended(findings.restore(site.admin, finding_id=finding.pk, reason="not paid for"))

        assert standing(group) == ("available", "disabled", "")
        assert not site.control.inventory("site-b")
        assert look(group) == []

    def test_writes_lets_them_through(self, site):
        group = site.enabled_group(2)
        differing.shut(group)
        finding = only(group, "not-writable")

        mended(findings.restore(site.admin, finding_id=finding.pk, reason="open it"))

        assert writable(site, group, "") == {True}
        assert standing(group) == ("available", "enabled", "")

    def test_that_fails_ends_in_error_with_ways_on(self, site):
        group = site.enabled_group(2)
        differing.disarmed(group)
        finding = only(group, "not-replicating")
        site.control.add_fault(call="enable_replication", action="fail", times=1)

        operation = findings.restore(site.admin, finding_id=finding.pk, reason="protect it")
        domain.drain_with_retries()

        operation.refresh_from_db()
        assert operation.state == "failed"
        assert standing(group) == ("available", "error", "")
        mended(replication.enable(site.owner, group_id=group.pk))
        assert look(group) == []

    def test_a_finding_that_has_no_such_verb_is_refused_with_what_to_do(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")
        finding = only(group, "side-unreachable")

        with pytest.raises(errors.WrongState) as refused:
            findings.restore(site.admin, finding_id=finding.pk, reason="why not")

        assert "Bring it back" in refused.value.remedy

    def test_a_finding_that_is_gone_is_refused(self, site):
        group = site.enabled_group(1)
        differing.disarmed(group)
        finding = only(group, "not-replicating")
        mended(findings.restore(site.admin, finding_id=finding.pk, reason="protect it"))
        look(group)

        with pytest.raises(errors.WrongState):
            findings.restore(site.admin, finding_id=finding.pk, reason="again")


class TestIgnoring:
    def test_keeps_the_finding_and_says_who_until_when_and_why(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")
        finding = only(group, "side-unreachable")
        until = timezone.now() + datetime.timedelta(days=2)

        findings.ignore(site.admin, finding_id=finding.pk, until=until, reason="being moved")

        finding = only(group, "side-unreachable")
        assert (finding.ignored_until, finding.ignored_by, finding.ignore_reason) == (until, "admin", "being moved")

    @pytest.mark.parametrize("days", [-1, 400])
    def test_until_no_time_ahead_is_refused(self, site, days):
        group = site.enabled_group(1)
        site.control.site_down("site-c")
        finding = only(group, "side-unreachable")

        with pytest.raises(errors.InvalidInput):
            findings.ignore(
                site.admin, finding_id=finding.pk, until=timezone.now() + datetime.timedelta(days=days), reason="later"
            )

        finding.refresh_from_db()
        assert finding.ignored_until is None

    def test_can_be_taken_back(self, site):
        group = site.enabled_group(1)
        site.control.site_down("site-c")
        finding = only(group, "side-unreachable")
        until = timezone.now() + datetime.timedelta(days=2)
        findings.ignore(site.admin, finding_id=finding.pk, until=until, reason="being moved")

        findings.heed(site.admin, finding_id=finding.pk)

        finding.refresh_from_db()
        assert finding.ignored_until is not None
        assert finding.ignored_until <= timezone.now() + datetime.timedelta(seconds=1)
