"""Volume actions and addresses beside creation, attachment and deletion: flags, retype, resets, metadata, summary."""

from __future__ import annotations

from typing import Any

import pytest

from groups import models, specs
from groups.services import types
from tests.api.v3 import people
from tests.support import domain

UNKNOWN = "3f6c2f3e-6c53-4d3e-9d0a-0d3bb3a4e7f1"


@pytest.fixture
def volume(site: domain.Site) -> models.Volume:
    """A volume that nothing uses."""
    return new_volume(site)


def new_volume(site: domain.Site, **fields: Any) -> models.Volume:
    return models.Volume.objects.create(
        project=site.project,
        user_id="olga",
        backend=site.backend,
        volume_type=site.volume_type,
        **{"status": "available", "size_gib": 1, **fields},
    )


def act(person: people.Person, volume: models.Volume, name: str, value: object) -> people.Answer:
    return person.post(f"/volumes/{volume.pk}/action", {name: value})


def shown(person: people.Person, volume: models.Volume) -> Any:
    return person.get(f"/volumes/{volume.pk}").body["volume"]


class TestFlags:
    def test_a_volume_is_made_bootable_and_not(self, cast: people.Cast, volume: models.Volume) -> None:
        assert act(cast.olga, volume, "os-set_bootable", {"bootable": True}).status == 200
        assert shown(cast.rita, volume)["bootable"] == "true"
        assert act(cast.olga, volume, "os-set_bootable", {"bootable": "False"}).status == 200
        assert shown(cast.rita, volume)["bootable"] == "false"
        assert act(cast.olga, volume, "os-set_bootable", {}).status == 400
        assert act(cast.rita, volume, "os-set_bootable", {"bootable": True}).status == 403
        assert act(cast.otto, volume, "os-set_bootable", {"bootable": True}).status == 404

    def test_the_read_only_flag_is_shown_once_it_was_ever_set(self, cast: people.Cast, volume: models.Volume) -> None:
        before = shown(cast.olga, volume)["metadata"]
        said = []
        for readonly in (True, False):
            assert act(cast.olga, volume, "os-update_readonly_flag", {"readonly": readonly}).status == 202
            said.append(shown(cast.olga, volume)["metadata"])

        assert [before, *said] == [{}, {"readonly": "True"}, {"readonly": "False"}]


class TestRetype:
    def test_a_volume_gets_another_type_that_fits(self, cast: people.Cast, site: domain.Site) -> None:
        volume = new_volume(site)
        types.create(site.admin, family=types.VOLUME, name="shared", spec_values={specs.MULTIATTACH: specs.TRUE})

        answer = act(cast.olga, volume, "os-retype", {"new_type": "shared", "migration_policy": "never"})

        assert (answer.status, answer.body) == (202, None)
        assert {name: shown(cast.olga, volume)[name] for name in ("volume_type", "multiattach", "status")} == {
            "volume_type": "shared",
            "multiattach": True,
            "status": "available",
        }

    @pytest.mark.parametrize(
        "wanted, status, message",
        [
            ("replicable", 400, "New volume_type same as original"),
            ("nowhere", 404, "Volume type with name nowhere could not be found."),
            (UNKNOWN, 404, f"Volume type {UNKNOWN} could not be found."),
            ("pigeons", 400, "storage_protocol must be 'pigeons', it is 'fake'"),
        ],
    )
    def test_a_type_that_does_not_do_is_refused(
        self, cast: people.Cast, site: domain.Site, wanted: str, status: int, message: str
    ) -> None:
        volume = new_volume(site)
        types.create(site.admin, family=types.VOLUME, name="pigeons", spec_values={"storage_protocol": "pigeons"})

        answer = act(cast.olga, volume, "os-retype", {"new_type": wanted})

        assert answer.status == status
        assert message in answer.message

    def test_a_group_member_keeps_its_type(self, cast: people.Cast, site: domain.Site) -> None:
        volume = domain.members(site.new_group(1))[0]

        answer = act(cast.olga, volume, "os-retype", {"new_type": "replicable"})

        assert answer.status == 400
        assert "Retype needs volume to be in available or in-use state" in answer.message


class TestResets:
    def test_detached_ends_every_attachment(self, cast: people.Cast, volume: models.Volume) -> None:
        act(cast.olga, volume, "os-attach", {"host_name": "web-1", "mountpoint": "/mnt"})

        answer = act(cast.ada, volume, "os-reset_status", {"attach_status": "detached", "migration_status": "none"})

        assert answer.status == 202
        found = shown(cast.olga, volume)
        assert (found["status"], found["attachments"]) == ("available", [])

    def test_attached_completes_what_a_host_began(self, cast: people.Cast, volume: models.Volume) -> None:
        wanted = {"volume_uuid": str(volume.pk), "connector": {"host": "web-1"}}
        cast.olga.post("/attachments", {"attachment": wanted})

        answer = act(cast.ada, volume, "os-reset_status", {"status": "in-use", "attach_status": "attached"})

        assert answer.status == 202
        found = shown(cast.ada, volume)
        assert (found["status"], found["attachments"][0]["host_name"]) == ("in-use", "web-1")

    @pytest.mark.parametrize(
        "value, message",
        [
            ({"attach_status": "attached"}, "volume does not have any attachments"),
            ({"status": "in-use", "attach_status": "detached"}, "volume does not have any attachments"),
            ({"status": "bogus"}, "'bogus' is not one of ['attaching', 'available', "),
            ({"attach_status": "nearly"}, "'nearly' is not one of"),
            ({"migration_status": "migrating"}, "no volume is migrated here"),
        ],
    )
    def test_what_is_not_so_cannot_be_said(
        self, cast: people.Cast, volume: models.Volume, value: dict[str, str], message: str
    ) -> None:
        answer = act(cast.ada, volume, "os-reset_status", value)

        assert answer.status == 400
        assert message in answer.message
        assert shown(cast.ada, volume)["status"] == "available"


class TestDeletionByForce:
    def test_takes_along_what_was_promised_and_never_used(self, cast: people.Cast, drain: Any) -> None:
        made = cast.olga.post("/volumes", {"volume": {"size": 1, "volume_type": "replicable"}}).body["volume"]
        drain()
        volume = models.Volume.objects.get(pk=made["id"])
        cast.olga.post("/attachments", {"attachment": {"volume_uuid": str(volume.pk)}})

        assert cast.olga.delete(f"/volumes/{volume.pk}").status == 400
        assert act(cast.olga, volume, "os-force_delete", {}).status == 403
        assert act(cast.ada, volume, "os-force_delete", {}).status == 202
        drain()

        assert cast.olga.get(f"/volumes/{volume.pk}").status == 404
        assert cast.olga.get("/attachments").body["attachments"] == []

    def test_leaves_an_attached_volume_alone(self, cast: people.Cast, volume: models.Volume) -> None:
        act(cast.olga, volume, "os-attach", {"host_name": "web-1", "mountpoint": "/mnt"})

        answer = act(cast.ada, volume, "os-force_delete", {})

        assert (answer.status, shown(cast.olga, volume)["status"]) == (400, "in-use")
        assert "must not be attached" in answer.message


@pytest.mark.parametrize("name", ["os-migrate_volume", "os-unmanage", "os-volume_upload_image"])
def test_what_is_not_possible_here_says_why(cast: people.Cast, volume: models.Volume, name: str) -> None:
    answer = act(cast.ada, volume, name, {})

    assert answer.status == 400
    assert f"{name} is not possible: " in answer.message


class TestMetadata:
    def test_pairs_are_added_replaced_and_removed(self, cast: people.Cast, volume: models.Volume) -> None:
        path = f"/volumes/{volume.pk}/metadata"

        def all_of_it() -> Any:
            return cast.rita.get(path).body

        added = cast.olga.post(path, {"metadata": {"a": "1", "b/c": "2"}})
        again = cast.olga.post(path, {"metadata": {"a": "3"}})
        one = cast.olga.put(f"{path}/d.e", {"meta": {"d.e": "4"}})

        assert (added.status, added.body) == (200, {"metadata": {"a": "1", "b/c": "2"}})
        assert again.body == {"metadata": {"a": "3", "b/c": "2"}}
        assert (one.status, one.body) == (200, {"meta": {"d.e": "4"}})
        assert all_of_it() == {"metadata": {"a": "3", "b/c": "2", "d.e": "4"}}
        assert cast.rita.get(f"{path}/b/c").body == {"meta": {"b/c": "2"}}
        removed = cast.olga.delete(f"{path}/a")
        assert (removed.status, removed.body) == (200, None)
        assert cast.olga.put(path, {"metadata": {"x": "y"}}).body == all_of_it() == {"metadata": {"x": "y"}}
        assert shown(cast.olga, volume)["metadata"] == {"x": "y"}

    @pytest.mark.parametrize(
        "method, key, body, status, message",
        [
            ("GET", "/none", None, 404, "has no metadata with key none."),
            ("DELETE", "/none", None, 404, "has no metadata with key none."),
            ("PUT", "/a", {"meta": {"b": "1"}}, 400, "Request body and URI mismatch"),
            ("PUT", "/a", {"meta": {"a": "1", "b": "2"}}, 400, "has too many properties"),
            ("PUT", "/a", {"meta": {}}, 400, "non-empty"),
            ("POST", "", {"metadata": {"a": 1}}, 400, "1 is not of type 'string'"),
            ("POST", "", {"metadata": {"": "1"}}, 400, "does not match"),
            ("POST", "", {"metadata": {"a": "x" * 256}}, 400, "is too long"),
            ("POST", "", {"metadata": {"x" * 256: "1"}}, 400, "does not match"),
            ("PUT", "", {}, 400, "'metadata' is a required property"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, cast: people.Cast, volume: models.Volume, method: str, key: str, body: Any, status: int, message: str
    ) -> None:
        answer = cast.olga.ask(method, f"/volumes/{volume.pk}/metadata{key}", body=body)

        assert answer.status == status
        assert message in answer.message

    def test_readers_change_none_and_outsiders_see_none(self, cast: people.Cast, volume: models.Volume) -> None:
        path = f"/volumes/{volume.pk}/metadata"

        assert cast.rita.post(path, {"metadata": {"a": "1"}}).status == 403
        assert cast.otto.get(path).status == 404

    def test_an_update_of_the_volume_replaces_it(self, cast: people.Cast, volume: models.Volume) -> None:
        cast.olga.post(f"/volumes/{volume.pk}/metadata", {"metadata": {"a": "1"}})

        answer = cast.olga.put(f"/volumes/{volume.pk}", {"volume": {"name": "new", "metadata": {"b": "2"}}})

        assert (answer.body["volume"]["name"], answer.body["volume"]["metadata"]) == ("new", {"b": "2"})

    def test_an_update_with_nothing_or_unknown_words_is_an_error_only_since_3_53(
        self, cast: people.Cast, volume: models.Volume
    ) -> None:
        for body in ({}, {"zz": 1}):
            before = cast.olga.put(f"/volumes/{volume.pk}", {"volume": body}, version="3.52")
            since = cast.olga.put(f"/volumes/{volume.pk}", {"volume": body}, version="3.53")
            assert (before.status, since.status) == (200, 400)

    def test_metadata_of_an_image_is_shown_only_where_there_is_any(
        self, cast: people.Cast, volume: models.Volume
    ) -> None:
        assert "volume_image_metadata" not in shown(cast.olga, volume)
        made = act(cast.olga, volume, "os-set_image_metadata", {"metadata": {"os": "debian", "arch": "x86"}})
        unset = act(cast.olga, volume, "os-unset_image_metadata", {"key": "arch"})
        again = act(cast.olga, volume, "os-unset_image_metadata", {"key": "arch"})

        assert (made.status, made.body) == (200, {"metadata": {"os": "debian", "arch": "x86"}})
        assert (unset.status, again.status) == (200, 404)
        assert act(cast.rita, volume, "os-show_image_metadata", {}).body == {"metadata": {"os": "debian"}}
        assert shown(cast.olga, volume)["volume_image_metadata"] == {"os": "debian"}


class TestSummary:
    def test_counts_adds_and_gathers(self, cast: people.Cast, site: domain.Site) -> None:
        new_volume(site, size_gib=2, metadata={"tier": "gold", "owner": "olga"})
        new_volume(site, size_gib=3, metadata={"tier": "lead"}, name="three")

        everything = cast.olga.get("/volumes/summary")
        named = cast.olga.get("/volumes/summary", name="three", version="3.35")

        assert (everything.status, everything.body) == (
            200,
            {
                "volume-summary": {
                    "total_count": 2,
                    "total_size": 5,
                    "metadata": {"owner": ["olga"], "tier": ["gold", "lead"]},
                }
            },
        )
        assert named.body == {"volume-summary": {"total_count": 1, "total_size": 3}}
        assert cast.otto.get("/volumes/summary", all_tenants=1).body["volume-summary"]["total_count"] == 0
        assert cast.olga.get("/volumes/summary", version="3.11").status == 404
