"""Lists, the front page, operations, access: what is shown, to whom, and at what cost."""

from __future__ import annotations

import datetime

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from groups import errors, models, statuses
from groups.admin import words
from groups.services import logins, replication
from tests.admin.conftest import Cast, page, rows, text
from tests.support.domain import Site, drain, last_operation

FRONT = reverse("admin:index")
OURS = [
    "group",
    "volume",
    "operation",
    "event",
    "finding",
    "volumetype",
    "grouptype",
    "backend",
    "project",
    "roleassignment",
    "token",
    "auditentry",
]
ENGINES = ["group", "volume", "operation", "event", "finding"]


def listing(name: str) -> str:
    """Return the address of a list."""
    return reverse(f"admin:groups_{name}_changelist")


def fill(site: Site, count: int) -> None:
    """Make many rows of everything, without any storage."""
    now = timezone.now()
    for number in range(count):
        kind = models.GroupType.objects.create(name=f"g{number}-{now}")
        volume_type = models.VolumeType.objects.create(name=f"v{number}-{now}")
        models.ExtraSpec.objects.create(volume_type=volume_type, key="a", value="b")
        backend = models.Backend.objects.create(name=f"b{number}-{now}", driver="fake")
        models.ReplicationTarget.objects.create(primary=backend, backend_id="t")
        project = models.Project.objects.create(name=f"p{number}-{now}")
        group = models.Group.objects.create(
            project=project,
            user_id="u",
            name="n",
            backend=backend,
            group_type=kind,
            replication_status="failover-error",
        )
        volume = models.Volume.objects.create(
            project=project, user_id="u", name="n", backend=backend, volume_type=volume_type, size_gib=1, group=group
        )
        about = {"project": project, "user_id": "u", "arguments": {}, "ended_at": now}
        for state, subject in (("failed", {"group": group}), ("running", {"volume": volume})):
            operation = models.Operation.objects.create(
                kind="failover" if state == "failed" else "create-volume",
                state=state,
                subject_id=next(iter(subject.values())).pk,
                **subject,
                **about,
            )
            models.Event.objects.create(
                at=now,
                axis="operation.state",
                subject_id=operation.pk,
                group_id=group.pk,
                operation=operation,
                new=state,
                actor="u",
            )
        models.AuditEntry.objects.create(at=now, user_name="u", action="enable-replication", subject_id=group.pk)
        user = get_user_model().objects.create_user(f"u{number}-{now}")
        models.RoleAssignment.objects.create(user=user, project=project, role="member")
        models.Token.objects.create(
            digest=f"{number:064d}{now}"[-64:], user=user, project=project, audit_id="a", expires_at=now
        )


@pytest.mark.unjudged("rows are made by hand")
@pytest.mark.parametrize("who", ["admin", "member"])
def test_the_cost_of_lists_and_front_page_does_not_grow_with_the_rows(site: Site, cast: Cast, who):
    browser = getattr(cast, who)
    addresses = [FRONT, *(listing(name) for name in OURS)]
    counts = []

    for more in (2, 8):
        fill(site, more)
        found = {}
        for address in addresses:
            with CaptureQueriesContext(
                connection,
            ) as statements:
                assert browser.get(address).status_code == 200
            found[address] = len(statements)
        counts.append(found)

    assert counts[0] == counts[1]
    assert max(counts[1].values()) <= 22


def test_the_cost_of_a_groups_page_does_not_grow_with_its_volumes(site: Site, cast: Cast):
    counts = []

    for size in (1, 8):
        group = site.enabled_group(size)
        with CaptureQueriesContext(connection) as statements:
            cast.admin.get(page(group))
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 24


def test_nothing_the_engine_owns_can_be_edited_or_deleted_in_bulk(site: Site, cast: Cast):
    group = site.enabled_group(1)
    operation = last_operation(group)
    found = models.Finding.objects.create(
        code="lagging", severity="warning", subject_id=group.pk, group=group, seen_at=timezone.now()
    )
    subjects = [group, group.volumes.get(), operation, operation.events.first(), found]
    before = rows()

    for row in subjects:
        cast.admin.post(page(row), {"status": "error", "replication_status": "error", "state": "failed", "_save": "1"})
    for name, row in zip(ENGINES, subjects, strict=True):
        cast.admin.post(listing(name), {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})
        assert "delete_selected" not in text(cast.admin.get(listing(name)))
    for row in subjects[2:]:
        assert cast.admin.post(page(row, "delete"), {"post": "yes"}).status_code == 403

    assert rows() == before


@pytest.mark.parametrize("name", OURS)
def test_whoever_has_no_view_permission_gets_no_list(site: Site, cast: Cast, name):
    assert cast.stranger.get(listing(name)).status_code == 403


def test_somebody_not_logged_in_is_asked_to(site: Site, cast: Cast, client):
    group = site.new_group(0)

    answers = [client.get(FRONT), client.get(page(group, "failover")), client.post(page(group, "failover"))]

    assert all(answer.status_code == 302 and "/admin/login/" in answer["Location"] for answer in answers)


def test_guessing_passwords_of_the_console_is_slowed_down(site: Site, client):
    get_user_model().objects.create_superuser("boss", password="open sesame")
    address = reverse("admin:login")

    first = client.post(address, {"username": "boss", "password": "wrong"})
    for _ in range(logins.FREE_FAILURES - 1):
        client.post(address, {"username": "boss", "password": "wrong"})
    waiting = client.post(address, {"username": "boss", "password": "open sesame"})
    models.LoginAttempt.objects.all().delete()
    welcome = client.post(address, {"username": "boss", "password": "open sesame"})

    assert "Please enter the correct" in text(first)
    assert errors.TooManyAttempts.remedy in text(waiting)
    assert (welcome.status_code, welcome["Location"]) == (302, FRONT)


def test_lists_find_by_name_and_by_the_beginning_of_an_id(site: Site, cast: Cast):
    first, second = site.new_group(1, name="alpha"), site.new_group(0, name="beta")

    by_name = text(cast.reader.get(listing("group"), {"q": "alph"}))
    by_id = text(cast.reader.get(listing("group"), {"q": str(second.pk)[:8]}))
    operations = text(cast.reader.get(listing("operation"), {"q": str(first.pk)}))
    members = text(cast.reader.get(listing("volume"), {"group__id__exact": str(first.pk)}))

    assert page(first) in by_name
    assert page(second) not in by_name
    assert page(second) in by_id
    assert page(first) not in by_id
    assert operations.count("Create group") == 1
    assert "alpha-1" in members


def test_every_column_of_the_lists_can_be_sorted_by(site: Site, cast: Cast):
    site.enabled_group(1)

    for name in OURS:
        columns = len(admin.site.get_model_admin(apps.get_model("groups", name)).list_display)
        every_column = ".".join(f"-{column}" for column in range(1, columns + 1))
        assert cast.admin.get(listing(name), {"o": every_column}).status_code == 200


def test_absent_information_is_shown_as_unknown(site: Site, cast: Cast):
    group = site.enabled_group(1)
    models.Group.objects.filter(pk=group.pk).update(consistent_at=None, bytes_behind=None, observed_at=None, health="")

    shown = [text(cast.reader.get(address)) for address in (FRONT, listing("group"), page(group))]

    assert all('<span class="c-unknown">unknown</span>' in each for each in shown)


def test_health_seen_long_ago_is_unknown_now(site: Site, cast: Cast):
    group = site.enabled_group(1)
    long_ago = timezone.now() - datetime.timedelta(hours=1)
    models.Group.objects.filter(pk=group.pk).update(observed_at=long_ago, health="healthy")

    shown = text(cast.reader.get(page(group)))

    assert "The last look found it healthy, and was at" in shown


def test_the_front_page_shows_the_worst_first_what_runs_and_what_to_do(site: Site, cast: Cast):
    fine, broken = site.enabled_group(1), site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail", when="before")
    replication.failover(site.owner, group_id=broken.pk)
    drain()
    site.control.clear_faults()
    replication.disable(site.owner, group_id=fine.pk)

    shown = text(cast.reader.get(FRONT))

    failed = last_operation(broken)
    assert shown.index(page(broken)) < shown.index(page(fine))
    assert shown.index("failover-error</span>") < shown.index("disabling</span>")
    assert page(last_operation(fine)) in shown
    assert failed.remedy in shown
    assert page(site.backend) in shown
    assert reverse("admin:live") in shown


def test_a_failure_that_was_followed_up_is_not_on_the_front_page(site: Site, cast: Cast):
    group = site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail", when="before", times=1)
    replication.failover(site.owner, group_id=group.pk)
    drain()
    failed = last_operation(group)
    before = text(cast.reader.get(FRONT))

    cast.member.post(page(failed, "retry"))
    drain()

    assert failed.error in before
    assert failed.error not in text(cast.reader.get(FRONT))


def test_the_front_page_shows_only_what_may_be_seen(site: Site, cast: Cast):
    group = site.new_group(0)

    shown = cast.stranger.get(FRONT)

    assert shown.status_code == 200
    assert page(group) not in text(shown)
    assert "Open operations" not in text(shown)
    assert cast.stranger.get(reverse("admin:groups_group_live", args=(group.pk,))).status_code == 403


def test_an_operation_shows_its_steps_and_after_a_failure_what_is_true_and_what_to_do(site: Site, cast: Cast):
    group = site.enabled_group(1)
    site.control.add_fault(call="promote", action="fail", when="before")
    replication.failover(site.owner, group_id=group.pk, mode="planned")
    drain()
    operation = last_operation(group)

    shown = text(cast.reader.get(page(operation)))

    assert operation.state == "failed"
    for step in operation.steps.all():
        assert f"<b>{step.name}</b>" in shown
    assert "What is true now" in shown
    assert operation.remedy in shown
    assert "every 1s" not in shown


def test_the_live_part_is_polled_while_an_operation_is_open_and_stops_at_its_end(site: Site, cast: Cast):
    group = site.enabled_group(1)
    operation = replication.failover(site.owner, group_id=group.pk)
    addresses = [
        reverse("admin:groups_operation_live", args=(operation.pk,)),
        reverse("admin:groups_group_live", args=(group.pk,)),
        reverse("admin:live"),
    ]

    during = [cast.reader.get(address) for address in addresses]
    reloading = text(cast.reader.get(page(operation)))
    drain()
    after = [cast.reader.get(address) for address in addresses]

    assert all(answer.status_code == 200 and 'hx-trigger="every 1s"' in text(answer) for answer in during)
    assert '<noscript><meta http-equiv="refresh"' in reloading
    assert [(answer.status_code, answer["HX-Refresh"]) for answer in after] == [(286, "true")] * 3
    assert "every 1s" not in text(cast.reader.get(page(operation)))


def test_an_open_operation_is_canceled_and_run_again(site: Site, cast: Cast):
    group = site.enabled_group(1)
    operation = replication.failover(site.owner, group_id=group.pk)

    asked = cast.member.get(page(operation, "cancel"))
    still = models.Operation.objects.get(pk=operation.pk).state
    cast.member.post(page(operation, "cancel"))
    operation.refresh_from_db()
    answer = cast.member.post(page(operation, "retry"), follow=True)

    again = last_operation(group)
    assert (asked.status_code, still, operation.state) == (200, "queued", "canceled")
    assert (again.state, again.kind) == ("queued", "failover")
    assert again.pk != operation.pk
    assert "was accepted again as operation" in text(answer)


def test_canceling_and_running_again_need_a_member_and_the_right_state(site: Site, cast: Cast):
    group = site.enabled_group(1)
    done = last_operation(group)

    refusals = [cast.member.post(page(done, verb)) for verb in ("cancel", "retry")]
    forbidden = [cast.reader.post(page(done, verb)) for verb in ("cancel", "retry")]

    assert [answer.status_code for answer in refusals] == [409, 409]
    assert "has ended" in text(refusals[0])
    assert [answer.status_code for answer in forbidden] == [403, 403]
    assert page(done, "cancel") not in text(cast.reader.get(page(done)))


def test_every_status_is_shown_with_icon_color_and_meaning(site: Site, cast: Cast):
    for kind, looks in words.LOOKS.items():
        assert set(looks) == set(kind)
        for word in kind:
            badge = words.badge(word, kind)
            assert word in badge
            assert "material-symbols-outlined" in badge
            assert f'title="{statuses.MEANINGS[kind][word]}"'.replace("'", "&#x27;") in badge


def test_an_unknown_word_is_shown_as_it_is(site: Site):
    assert "mystery" in words.badge("mystery", statuses.GroupStatus)
    assert "unknown" in words.badge("", statuses.Health)


def test_djangos_own_groups_are_not_in_the_console(site: Site, cast: Cast):
    assert not admin.site.is_registered(apps.get_model("auth", "Group"))
    assert "Volume groups" in text(cast.admin.get(FRONT))


def test_celerys_results_are_read_only_and_said_to_decide_nothing(site: Site, cast: Cast):
    results = apps.get_model("django_celery_results", "TaskResult")
    row = results.objects.create(task_id="a-task", task_name="groups.tasks.run_operation", status="FAILURE")
    address = reverse("admin:django_celery_results_taskresult_changelist")
    change = reverse("admin:django_celery_results_taskresult_change", args=(row.pk,))

    answers = [cast.admin.get(address), cast.admin.get(change)]
    posted = cast.admin.post(change, {"status": "SUCCESS"})

    assert all("nothing is decided from it" in text(answer) for answer in answers)
    assert posted.status_code == 403
    assert results.objects.get().status == "FAILURE"


def test_a_token_is_revoked_on_a_page_that_never_shows_it(site: Site, cast: Cast):
    user = get_user_model().objects.get(username="member")
    token = models.Token.objects.create(
        digest="d" * 64, user=user, project=site.project, audit_id="audit-1", expires_at=timezone.now()
    )

    shown = text(cast.reader.get(page(token)))
    forbidden = cast.member.post(page(token, "revoke"))
    cast.admin.get(page(token, "revoke"))
    kept = models.Token.objects.exists()
    cast.admin.post(page(token, "revoke"))

    assert "audit-1" in shown
    assert forbidden.status_code == 403
    assert kept
    assert not models.Token.objects.exists()


def test_only_an_admin_changes_projects_roles_and_users(site: Site, cast: Cast):
    project = reverse("admin:groups_project_add")
    values = {
        "name": "new",
        "id": "0" * 32,
        "enabled": "on",
        "role_assignments-TOTAL_FORMS": "0",
        "role_assignments-INITIAL_FORMS": "0",
    }

    forbidden = cast.member.post(project, values)
    cast.admin.post(project, values)
    users = cast.admin.get(reverse("admin:auth_user_changelist"))
    user = cast.admin.get(reverse("admin:auth_user_change", args=(get_user_model().objects.get(username="member").pk,)))

    assert forbidden.status_code == 403
    assert models.Project.objects.get(name="new").pk == "0" * 32
    assert "member of shop" in text(users)
    assert user.status_code == 200
    assert "Superusers may do everything" in text(user)


def test_a_project_that_owns_something_is_not_deleted(site: Site, cast: Cast):
    site.new_group(0)

    assert cast.admin.post(page(site.project, "delete"), {"post": "yes"}).status_code == 403
    assert (
        cast.admin.post(page(models.Project.objects.get(name="elsewhere"), "delete"), {"post": "yes"}).status_code
        == 302
    )


def test_the_address_without_a_slash_leads_to_the_console(client, db):
    assert client.get("/admin")["Location"] == FRONT
