"""Quotas and limits as clients see them."""

from __future__ import annotations

import pytest

from groups.services import volumes
from tests.support import domain

PLAIN = {"volumes", "snapshots", "gigabytes", "per_volume_gigabytes", "backups", "backup_gigabytes", "groups"}
TYPED = {"volumes_replicable", "gigabytes_replicable", "snapshots_replicable"}


class TestTheQuotasOfAProject:
    def test_name_everything_and_each_type(self, site, cast):
        shown = cast.olga.get(f"/os-quota-sets/{site.project.pk}", version="3.0", usage="False").body["quota_set"]

        assert shown.pop("id") == site.project.pk
        assert set(shown) == PLAIN | TYPED
        assert set(shown.values()) == {-1}

    def test_show_what_is_in_use(self, site, cast):
        site.new_group(2, ready=False)
        cast.ada.put(f"/os-quota-sets/{site.project.pk}", {"quota_set": {"volumes": "7"}})

        shown = cast.olga.get(f"/os-quota-sets/{site.project.pk}", usage="True").body["quota_set"]

        assert shown["volumes"] == {"limit": 7, "in_use": 2, "reserved": 0}
        assert shown["gigabytes_replicable"] == {"limit": -1, "in_use": 2, "reserved": 0}
        assert shown["groups"]["in_use"] == 1
        domain.drain()

    def test_are_changed_kept_and_given_back(self, site, cast):
        path = f"/os-quota-sets/{site.project.pk}"

        changed = cast.ada.put(path, {"quota_set": {"groups": 3, "tenant_id": site.project.pk}}, version="3.0")
        assert (changed.status, changed.body["quota_set"]["groups"]) == (200, 3)
        assert "id" not in changed.body["quota_set"]
        assert cast.ada.get(path).body["quota_set"]["groups"] == 3
        assert cast.ada.get(f"{path}/defaults").body["quota_set"]["groups"] == -1

        gone = cast.ada.delete(path)
        assert (gone.status, gone.body) == (200, None)
        assert cast.ada.get(path).body["quota_set"]["groups"] == -1

    @pytest.mark.parametrize(
        "body, words",
        [
            ({"quota_set": {"bogus": 1}}, "Bad key(s) in quota set: bogus"),
            ({"quota_set": {"groups": -2}}, "groups must be >= -1"),
            ({"quota_set": {"groups": "many"}}, "does not match"),
            ({"quota_set": {"groups": None}}, "None is not of type"),
            ({}, "'quota_set' is a required property"),
        ],
    )
    def test_that_make_no_sense_are_refused(self, site, cast, body, words):
        answer = cast.ada.put(f"/os-quota-sets/{site.project.pk}", body)

        assert (answer.status, words in answer.message) == (400, True), answer.message

    def test_below_what_is_in_use_are_refused_when_that_is_asked_for(self, site, cast):
        volumes.create(site.owner, size_gib=3, volume_type="replicable")
        path = f"/os-quota-sets/{site.project.pk}"

        refused = cast.ada.ask("PUT", path, body={"quota_set": {"gigabytes": 2}}, query={"skip_validation": "false"})

        assert (refused.status, "less than what is in use for: gigabytes" in refused.message) == (400, True)
        assert cast.ada.put(path, {"quota_set": {"gigabytes": 2}}).status == 200
        domain.drain()

    def test_of_others_are_for_admins_and_are_changed_by_admins_alone(self, site, cast):
        path = f"/os-quota-sets/{site.project.pk}"

        assert cast.otto.get(path).status == cast.otto.get(f"{path}/defaults").status == 403
        assert cast.olga.put(path, {"quota_set": {"groups": 1}}).status == 403
        assert cast.olga.delete(path).status == 403
        assert cast.ada.get(f"/os-quota-sets/{cast.otto.project_id}").status == 200


def test_going_beyond_one_answers_413_in_cinder_s_words(site, cast):
    cast.ada.put(f"/os-quota-sets/{site.project.pk}", {"quota_set": {"volumes": 0}})

    answer = cast.olga.post("/volumes", {"volume": {"size": 1, "volume_type": "replicable"}})

    assert answer.status == 413
    assert answer.body == {
        "overLimit": {
            "code": 413,
            "message": "VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'.",
            "retryAfter": "0",
        }
    }
    assert answer.headers["Retry-After"] == "0"


def test_is_what_refuses_a_size_that_no_volume_may_have_either(site, cast):
    volume = volumes.create(site.owner, size_gib=1, volume_type="replicable")
    domain.drain()
    cast.ada.put(f"/os-quota-sets/{site.project.pk}", {"quota_set": {"gigabytes": 1000}})
    size = 999_999_999

    created = cast.olga.post("/volumes", {"volume": {"size": size, "volume_type": "replicable"}})
    extended = cast.olga.post(f"/volumes/{volume.pk}/action", {"os-extend": {"new_size": size}})

    for refused in (created, extended):
        assert refused.status == 413
        assert refused.body["overLimit"]["message"].startswith("VolumeSizeExceedsAvailableQuota: ")


class TestAQuotaClass:
    def test_of_defaults_holds_for_every_project(self, site, cast):
        changed = cast.ada.put(
            "/os-quota-class-sets/default", {"quota_class_set": {"volumes": 4, "class_name": "default"}}
        )

        assert (changed.status, changed.body["quota_class_set"]["volumes"]) == (200, 4)
        assert cast.ada.get("/os-quota-class-sets/default").body["quota_class_set"]["id"] == "default"
        assert cast.olga.get(f"/os-quota-sets/{site.project.pk}").body["quota_set"]["volumes"] == 4

    def test_is_for_admins_alone(self, site, cast):
        assert cast.olga.get("/os-quota-class-sets/default").status == 403
        assert cast.olga.put("/os-quota-class-sets/default", {"quota_class_set": {"volumes": 4}}).status == 403


class TestLimits:
    def test_show_what_may_be_had_and_what_is(self, site, cast):
        cast.ada.put(f"/os-quota-sets/{site.project.pk}", {"quota_set": {"volumes": 9}})
        volumes.create(site.owner, size_gib=3, volume_type="replicable")

        limits = cast.olga.get("/limits", version="3.0").body["limits"]

        assert limits == {
            "rate": [],
            "absolute": {
                "maxTotalVolumes": 9,
                "maxTotalSnapshots": -1,
                "maxTotalVolumeGigabytes": -1,
                "maxTotalBackups": -1,
                "maxTotalBackupGigabytes": -1,
                "totalVolumesUsed": 1,
                "totalGigabytesUsed": 3,
                "totalSnapshotsUsed": 0,
                "totalBackupsUsed": 0,
                "totalBackupGigabytesUsed": 0,
            },
        }
        domain.drain()

    def test_of_another_project_are_shown_to_admins_from_their_version_on(self, site, cast):
        cast.ada.put(f"/os-quota-sets/{cast.otto.project_id}", {"quota_set": {"volumes": 2}})

        def most(person, version: str) -> int:
            asked = person.get("/limits", version=version, project_id=cast.otto.project_id)
            return asked.body["limits"]["absolute"]["maxTotalVolumes"]

        assert (most(cast.ada, "3.39"), most(cast.ada, "3.38"), most(cast.olga, "3.39")) == (2, -1, -1)
