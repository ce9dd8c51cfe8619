"""A group's verbs in the console: explained by GET, done by POST, refused with the reason."""

from __future__ import annotations

import datetime

import pytest

from groups import models
from groups.engine import observing
from groups.services import replication
from tests.admin.conftest import Cast, page, rows, text
from tests.support.domain import Site, drain, last_operation

VERBS = ["failover", "failback", "enable", "disable", "reset-replication-status", "reset-status", "delete", "edit"]
ADMIN_ONLY = {"reset-replication-status", "reset-status"}


def test_no_verb_changes_anything_by_get_or_head(site: Site, cast: Cast):
    group = site.enabled_group(2)
    before = rows()

    answers = {verb: cast.admin.get(page(group, verb)) for verb in VERBS}
    heads = {verb: cast.admin.head(page(group, verb)).status_code for verb in VERBS}

    assert {verb: answer.status_code for verb, answer in answers.items()} == dict.fromkeys(VERBS, 200)
    assert heads == dict.fromkeys(VERBS, 200)
    assert rows() == before
    assert all(group.name in text(answer) for answer in answers.values())


def test_no_verb_is_done_or_shown_without_its_role(site: Site, cast: Cast):
    group = site.enabled_group(1)
    before = rows()
    wanted = {"mode": "planned", "target": "site-b", "to": "error", "reason": "x", "name": "y"}
    refused = {
        "reader": (cast.reader, VERBS),
        "stranger": (cast.stranger, VERBS),
        "member": (cast.member, [verb for verb in VERBS if verb in ADMIN_ONLY]),
    }

    codes = {
        (who, verb, method): getattr(browser, method)(page(group, verb), wanted).status_code
        for who, (browser, verbs) in refused.items()
        for verb in verbs
        for method in ("get", "post")
    }

    assert set(codes.values()) == {403}
    assert rows() == before


def test_failing_back_says_how_much_only_the_primary_holds(site: Site, cast: Cast):
    group = site.enabled_group(1)
    site.write(group.volumes.get(), "never sent")
    site.control.site_down("")
    replication.failover(site.owner, group_id=group.pk)
    drain()
    site.control.site_up("")
    observing.observe_all()
    observing.observe_all()

    shown = text(cast.admin.get(page(group, "failback")))

    assert "The primary holds 4096 bytes that never reached the active side; failing back discards them." in shown
    assert "Planned loses nothing." not in shown


def test_a_post_without_a_csrf_token_changes_nothing(site: Site, cast: Cast):
    group = site.enabled_group(1)
    cast.admin.handler.enforce_csrf_checks = True
    before = rows()

    answer = cast.admin.post(page(group, "failover"), {"mode": "planned", "target": "site-b"})

    assert answer.status_code == 403
    assert rows() == before


def test_a_reader_sees_no_button_and_is_told_which_role_it_takes(site: Site, cast: Cast):
    group = site.enabled_group(1)

    shown = text(cast.reader.get(page(group)))
    refusal = text(cast.reader.post(page(group, "failover"), {"mode": "planned", "target": "site-b"}))

    assert "c-danger" not in shown
    assert page(group, "failover") not in shown
    assert "This needs the role member in this project; yours: reader." in refusal
    assert "Nothing was changed" in refusal


def test_a_planned_failover_is_accepted_and_leads_to_its_operation(site: Site, cast: Cast):
    group = site.enabled_group(2)

    answer = cast.member.post(page(group, "failover"), {"mode": "planned", "target": "site-c"}, follow=True)

    group.refresh_from_db()
    operation = last_operation(group)
    assert group.replication_status == "failing-over"
    assert set(group.volumes.values_list("replication_status", flat=True)) == {"failing-over"}
    assert (operation.state, operation.door, operation.user_name) == ("queued", "console", "member")
    assert (operation.arguments["target"], operation.arguments["mode"]) == ("site-c", "planned")
    assert answer.redirect_chain == [(page(operation), 302)]
    assert f"Failover of {group.name} was accepted" in text(answer)


def test_the_failover_page_names_volumes_direction_target_and_what_may_be_lost(site: Site, cast: Cast):
    group = site.enabled_group(2)
    observing.observe_all()
    point = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    models.SideObservation.objects.filter(group=group).update(consistent_at=point)

    shown = text(cast.member.get(page(group, "failover")))

    assert f"2 volumes: {group.name}-1, {group.name}-2" in shown
    assert "<b>primary</b>" in shown
    assert "<b>site-b or site-c</b>" in shown
    assert "default target" in shown
    assert "2026-01-02 03:04:05 UTC" in shown
    assert "Best choice now, default target, answers, unplanned loses the last" in shown
    assert "Unplanned loses what was written since" in shown


def test_the_failover_page_says_that_the_loss_is_unknown_when_no_point_was_seen(site: Site, cast: Cast):
    group = site.enabled_group(1)
    models.Group.objects.filter(pk=group.pk).update(consistent_at=None)

    shown = text(cast.member.get(page(group, "failover")))

    assert "How much unplanned loses is unknown" in shown
    assert "unknown</span>: no complete point was seen there" in shown


@pytest.mark.parametrize("mode", ["unplanned", "auto"])
def test_a_failover_that_may_lose_data_needs_the_typed_name(site: Site, cast: Cast, mode):
    group = site.enabled_group(1)
    wanted = {"mode": mode, "target": "site-b"}
    before = rows()

    refusals = [cast.admin.post(page(group, "failover"), wanted | {"confirmed_name": name}) for name in ("", "other")]
    unchanged = rows() == before
    accepted = cast.admin.post(page(group, "failover"), wanted | {"confirmed_name": group.name})

    assert [answer.status_code for answer in refusals] == [400, 400]
    assert unchanged
    assert "may lose data: type" in text(refusals[0])
    assert accepted.status_code == 302
    assert last_operation(group).arguments["mode"] == mode


def test_a_failover_to_an_unknown_target_is_refused(site: Site, cast: Cast):
    group = site.enabled_group(1)
    before = rows()

    answer = cast.admin.post(page(group, "failover"), {"mode": "planned", "target": "atlantis"})

    assert answer.status_code == 400
    assert rows() == before


@pytest.mark.unjudged("volumes are attached by hand")
def test_a_failover_with_attached_volumes_says_what_is_missing_and_then_goes(site: Site, cast: Cast):
    group = site.enabled_group(1)
    models.Volume.objects.filter(group=group).update(status="in-use")
    wanted = {"mode": "planned", "target": "site-b"}

    refused = cast.admin.post(page(group, "failover"), wanted)
    accepted = cast.admin.post(page(group, "failover"), wanted | {"allow_attached_volume": "on"})

    assert refused.status_code == 409
    assert "is attached" in text(refused)
    assert "nothing was changed" in text(refused)
    assert accepted.status_code == 302


def test_failing_back_brings_the_group_to_the_primary(site: Site, cast: Cast):
    group = site.failed_over_group(1)
    shown = text(cast.member.get(page(group, "failback")))

    cast.member.post(page(group, "failback"), {"mode": "planned"})
    drain()

    group.refresh_from_db()
    assert "<b>site-b</b>" in shown
    assert (group.replication_status, group.active_backend_id) == ("enabled", "")


def test_discarding_the_secondary_needs_the_typed_name(site: Site, cast: Cast):
    group = site.failed_over_group(1)

    refused = cast.member.post(page(group, "failback"), {"mode": "unplanned"})

    assert refused.status_code == 400
    assert "type" in text(refused)
    assert last_operation(group).kind == "failover"


def test_enabling_and_disabling_are_accepted(site: Site, cast: Cast):
    group = site.new_group(1)

    cast.member.post(page(group, "enable"))
    drain()
    group.refresh_from_db()
    enabled = group.replication_status
    cast.member.post(page(group, "disable"))
    drain()
    group.refresh_from_db()

    assert (enabled, group.replication_status) == ("enabled", "disabled")


def test_what_is_not_possible_is_shown_disabled_with_why_not_and_refused_with_the_remedy(site: Site, cast: Cast):
    group = site.new_group(1)
    before = rows()

    overview = text(cast.member.get(page(group)))
    asked = text(cast.member.get(page(group, "failover")))
    answer = cast.member.post(page(group, "failover"), {"mode": "planned", "target": "site-b"})

    reason = (
        "The group&#x27;s replication status is disabled, and must be enabled, error, failed-over or failover-error."
    )
    assert reason in overview
    assert page(group, "failover") not in overview
    assert reason in asked
    assert "disabled>" in asked
    assert answer.status_code == 409
    assert "Wait for or mend the state named" in text(answer)
    assert rows() == before


def test_while_an_operation_is_open_its_name_is_the_reason(site: Site, cast: Cast):
    group = site.enabled_group(1)
    replication.failover(site.owner, group_id=group.pk)

    shown = text(cast.member.get(page(group)))

    assert f"Not now: Failover of {group.name} is queued: wait for its end, or cancel it." in shown
    assert 'hx-trigger="every 1s"' in shown


def test_a_reset_needs_a_reason_and_keeps_it(site: Site, cast: Cast):
    group = site.enabled_group(1)

    refused = cast.admin.post(page(group, "reset-replication-status"), {"to": "error"})
    accepted = cast.admin.post(page(group, "reset-replication-status"), {"to": "error", "reason": "storage swapped"})
    cast.admin.post(page(group, "reset-status"), {"to": "error", "reason": "to see"})

    group.refresh_from_db()
    newest = models.Event.objects.filter(axis="replication_status").first()
    assert (refused.status_code, accepted.status_code) == (400, 302)
    assert (group.replication_status, group.status) == ("error", "error")
    assert (newest.new, newest.reason, newest.actor) == ("error", "storage swapped", "ada")


def test_a_group_is_deleted_with_its_volumes_only_when_that_is_ticked(site: Site, cast: Cast):
    group = site.new_group(2)

    refused = cast.member.post(page(group, "delete"))
    cast.member.post(page(group, "delete"), {"delete_volumes": "on"})
    drain()

    assert refused.status_code == 400
    assert "still contains volumes" in text(refused)
    assert not models.Group.objects.filter(pk=group.pk).exists()
    assert not models.Volume.objects.exists()


def test_a_group_is_renamed_and_loses_a_volume_through_its_page(site: Site, cast: Cast):
    group = site.new_group(2)
    leaving = group.volumes.first()

    renamed = cast.member.post(page(group, "edit"), {"name": "store", "description": "all of it"}, follow=True)
    cast.member.post(
        page(group, "edit"), {"name": "store", "description": "all of it", "remove_volumes": [str(leaving.pk)]}
    )
    drain()

    group.refresh_from_db()
    leaving.refresh_from_db()
    assert "The name and description of store were changed." in text(renamed)
    assert (group.name, group.volumes.count(), leaving.group) == ("store", 1, None)
    assert str(leaving.pk) in text(cast.member.get(page(group, "edit")))


def test_a_group_of_another_project_is_only_read_by_a_member(site: Site, cast: Cast):
    group = site.new_group(0)
    elsewhere = models.Project.objects.get(name="elsewhere")
    models.Group.objects.filter(pk=group.pk).update(project=elsewhere)

    assert cast.member.get(page(group)).status_code == 200
    assert cast.member.post(page(group, "enable")).status_code == 403


def test_a_row_that_is_gone_leads_back_with_a_message(site: Site, cast: Cast):
    group = site.new_group(0)
    address, verb = page(group), page(group, "failover")
    group.delete()

    answers = [cast.admin.get(address, follow=True), cast.admin.post(verb, follow=True)]

    assert all("exist. Perhaps it was deleted?" in text(answer) for answer in answers)


def test_who_may_not_lose_data_is_offered_planned_only_and_told_why(site: Site, cast: Cast, settings):
    group = site.enabled_group(1)
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"unplanned_failover_role": "dr-chief"})
    wanted = {"mode": "unplanned", "target": "site-b", "confirmed_name": group.name}
    before = rows()

    shown = text(cast.member.get(page(group, "failover")))
    refused = cast.member.post(page(group, "failover"), wanted)

    assert "Only planned: This needs the role dr-chief in this project" in shown
    assert 'value="unplanned"' not in shown
    assert refused.status_code == 400
    assert rows() == before
