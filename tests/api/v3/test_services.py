"""Services as `cinder service-list` shows them, and what is done to a whole one."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from groups import errors, models
from groups.services import groups, replication, volumes
from tests.services.test_replication import every_row
from tests.support import domain

HOST = "replsite@array"
NAMED = {"host": HOST, "binary": "cinder-volume"}


def alive(*queues: str) -> None:
    """Let a worker that reads these queues have shown itself just now, and the sweep tick too."""
    now = timezone.now()
    models.Pulse.objects.create(name="w", kind="worker", queues=list(queues), started_at=now, seen_at=now)
    models.Pulse.objects.create(name="sweep", kind="tick", started_at=now, seen_at=now)


def listed(person, *, version: str = "3.71", **query: str) -> dict[str, dict[str, object]]:
    return {row["binary"]: row for row in person.get("/os-services", version=version, **query).body["services"]}


class TestTheList:
    def test_has_a_row_for_each_backend_and_one_for_what_wakes_it(self, site, cast):
        alive("failover", "replication", "maintenance")

        rows = listed(cast.ada)

        assert set(rows) == {"cinder-scheduler", "cinder-volume"}
        volume = rows["cinder-volume"]
        assert volume.pop("updated_at")
        assert volume == {
            "binary": "cinder-volume",
            "host": HOST,
            "zone": "nova",
            "status": "enabled",
            "state": "up",
            "disabled_reason": None,
            "cluster": None,
            "replication_status": "enabled",
            "active_backend_id": None,
            "frozen": False,
            "backend_state": "up",
        }
        assert rows["cinder-scheduler"]["state"] == "up"

    def test_says_down_when_nobody_reads_a_queue_or_was_seen_lately(self, site, cast):
        alive("replication", "maintenance")
        assert listed(cast.ada)["cinder-volume"]["state"] == "down"

        models.Pulse.objects.update(
            queues=["failover", "replication"], seen_at=timezone.now() - datetime.timedelta(minutes=5)
        )
        assert {row["state"] for row in listed(cast.ada).values()} == {"down"}

    def test_can_be_of_one_host_or_binary(self, site, cast):
        assert set(listed(cast.ada, host=HOST)) == {"cinder-volume"}
        assert set(listed(cast.ada, host=f"{HOST}#array")) == {"cinder-volume"}
        # A host's name alone means every backend on it too.
        assert set(listed(cast.ada, host=HOST.partition("@")[0])) == {"cinder-scheduler", "cinder-volume"}
        assert set(listed(cast.ada, binary="cinder-scheduler")) == {"cinder-scheduler"}
        assert listed(cast.ada, host="elsewhere") == {}

    def test_has_newer_fields_in_newer_versions_alone(self, site, cast):
        oldest = listed(cast.ada, version="3.0")["cinder-volume"]

        assert not {"cluster", "backend_state"} & set(oldest)
        assert "backend_state" not in listed(cast.ada, version="3.48")["cinder-volume"]

    def test_is_for_admins_alone(self, site, cast):
        answer = cast.olga.get("/os-services")

        assert (answer.status, "volume_extension:services:index" in answer.message) == (403, True)


class TestEnablingAndDisabling:
    def test_change_what_the_list_says_and_what_is_placed_there(self, site, cast):
        answer = cast.ada.put("/os-services/disable", NAMED, version="3.0")
        assert (answer.status, answer.body) == (200, {**NAMED, "service": "", "status": "disabled", "disabled": True})
        assert listed(cast.ada)["cinder-volume"]["status"] == "disabled"
        with pytest.raises(errors.NoBackendFits, match="enable or thaw"):
            groups.create(site.owner, group_type="replicated", volume_types=["replicable"])

        answer = cast.ada.put("/os-services/enable", NAMED, version="3.0")
        assert (answer.body["status"], answer.body["disabled"]) == ("enabled", False)
        assert groups.create(site.owner, group_type="replicated", volume_types=["replicable"])

    def test_with_a_reason_shows_it_until_it_is_enabled(self, site, cast):
        answer = cast.ada.put("/os-services/disable-log-reason", {**NAMED, "disabled_reason": "new disks"})
        assert (answer.status, answer.body["disabled_reason"]) == (200, "new disks")
        assert listed(cast.ada)["cinder-volume"]["disabled_reason"] == "new disks"

        cast.ada.put("/os-services/enable", NAMED)
        assert listed(cast.ada)["cinder-volume"]["disabled_reason"] is None

    @pytest.mark.parametrize(
        "verb, body, status",
        [
            ("enable", {"host": "moon", "binary": "cinder-volume"}, 404),
            ("disable", {"host": HOST, "binary": "cinder-cooking"}, 404),
            ("disable", {"host": "replsite", "binary": "cinder-scheduler"}, 400),
            ("disable-log-reason", NAMED, 400),
            ("disable-log-reason", {**NAMED, "disabled_reason": " "}, 400),
            ("enable", {}, 400),
            ("explode", NAMED, 404),
        ],
    )
    def test_of_what_is_not_there_or_not_said_are_refused(self, site, cast, verb, body, status):
        assert cast.ada.put(f"/os-services/{verb}", body).status == status

    @pytest.mark.parametrize("verb", ["enable", "disable", "freeze", "thaw", "failover_host", "set-log", "get-log"])
    def test_are_for_admins_alone(self, site, cast, verb):
        body = NAMED if verb in ("enable", "disable") else {"host": HOST}
        before = every_row()

        assert cast.olga.put(f"/os-services/{verb}", body).status == 403
        assert every_row() == before


class TestAFrozenBackend:
    @pytest.fixture
    def frozen(self, site, cast):
        group = site.enabled_group(1)
        volume = volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()
        assert cast.ada.put("/os-services/freeze", {"host": HOST}, version="3.0").status == 200
        return group, volume

    def test_lets_nothing_be_made_changed_or_deleted(self, site, frozen):
        group, volume = frozen
        before = every_row()

        for attempt in (
            lambda: groups.create(site.owner, group_type="replicated", volume_types=["replicable"]),
            lambda: groups.update(site.owner, group_id=group.pk, add_volumes=[str(volume.pk)]),
            lambda: groups.delete(site.owner, group_id=group.pk, delete_volumes=True),
            lambda: volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk),
            lambda: volumes.create(site.owner, size_gib=1, volume_type="replicable"),
            lambda: volumes.delete(site.owner, volume_id=volume.pk),
        ):
            with pytest.raises((errors.WrongState, errors.NoBackendFits), match="frozen"):
                attempt()
        assert every_row() == before

    def test_lets_replication_go_on_and_groups_fail_over(self, site, frozen):
        group, _ = frozen

        replication.failover(site.owner, group_id=group.pk)
        domain.drain()

        group.refresh_from_db()
        assert group.replication_status == "failed-over"

    def test_shows_it_and_is_thawed(self, site, cast, frozen):
        assert listed(cast.ada)["cinder-volume"]["frozen"] is True
        assert cast.ada.put("/os-services/freeze", {"host": HOST}).status == 400

        assert cast.ada.put("/os-services/thaw", {"host": HOST}).status == 200
        again = cast.ada.put("/os-services/thaw", {"host": HOST})

        assert listed(cast.ada)["cinder-volume"]["frozen"] is False
        assert (again.status, f"frozen in ['{HOST}'] must be True" in again.message) == (400, True)
        assert models.AuditEntry.objects.filter(action__in=("backend:freeze", "backend:thaw")).count() == 2


class TestWhatNamesNoHost:
    @pytest.mark.parametrize("verb", ["freeze", "thaw", "failover_host"])
    def test_or_an_unknown_one_is_refused(self, site, cast, verb):
        unknown = cast.ada.put(f"/os-services/{verb}", {"host": "moon"})
        assert (unknown.status, unknown.message) == (400, "Invalid input received: No service found with host=moon")
        neither = cast.ada.put(f"/os-services/{verb}", {})
        assert (neither.status, "One and only one of cluster and host must be set" in neither.message) == (400, True)
        both = cast.ada.put(f"/os-services/{verb}", {"host": HOST, "cluster": "c"}, version="3.26")
        assert both.status == 400


class TestFailingOverAHost:
    def test_moves_its_groups_and_shows_where_they_are(self, site, cast):
        group = site.enabled_group(1)

        answer = cast.ada.put("/os-services/failover_host", {"host": HOST, "backend_id": "site-c"}, version="3.0")

        assert (answer.status, answer.body) == (202, None)
        assert listed(cast.ada)["cinder-volume"]["replication_status"] == "failing-over"
        domain.drain()
        row = listed(cast.ada)["cinder-volume"]
        assert (row["replication_status"], row["active_backend_id"]) == ("failed-over", "site-c")
        assert (row["status"], row["disabled_reason"]) == ("disabled", "failed-over")
        group.refresh_from_db()
        assert group.active_backend_id == "site-c"

        assert cast.ada.put("/os-services/failover", {"host": HOST, "backend_id": "default"}).status == 202
        domain.drain()
        row = listed(cast.ada)["cinder-volume"]
        assert (row["replication_status"], row["active_backend_id"], row["status"]) == ("enabled", None, "enabled")

    def test_to_an_unknown_target_or_a_second_time_is_refused(self, site, cast):
        site.enabled_group(1)

        unknown = cast.ada.put("/os-services/failover_host", {"host": HOST, "backend_id": "moon"})
        assert (unknown.status, "Valid targets are: site-b, site-c" in unknown.message) == (400, True)
        assert cast.ada.put("/os-services/failover_host", {"host": HOST}).status == 202
        assert cast.ada.put("/os-services/failover_host", {"host": HOST, "backend_id": None}).status == 400

    def test_in_the_newer_form_needs_no_version_as_the_sdk_names_none(self, site, cast):
        assert cast.ada.put("/os-services/failover", {"host": HOST}, version=None).status == 202


@pytest.mark.parametrize("verb", ["set-log", "get-log"])
def test_log_levels_are_said_to_be_set_elsewhere(site, cast, verb):
    answer = cast.ada.put(f"/os-services/{verb}", {"level": "DEBUG", "binary": "*", "server": None, "prefix": None})

    assert (answer.status, "REPLSITE_LOG_LEVEL" in answer.message) == (400, True)
    assert cast.ada.put(f"/os-services/{verb}", {}, version="3.31").status == 404
