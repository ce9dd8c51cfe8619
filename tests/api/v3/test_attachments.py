"""Attachments: hosts attach volumes, by the attachments API and by the older actions."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from groups import models
from groups.services import replication
from tests.api.v3 import people
from tests.support import domain

INSTANCE = "9d1b8a6c-3a0e-4c5e-8b1f-2f5a0e6a7c11"
OTHER_INSTANCE = "9d1b8a6c-3a0e-4c5e-8b1f-2f5a0e6a7c12"
CONNECTOR = {"host": "web-1", "ip": "10.0.0.7", "initiator": "iqn.1993-08.org.example:1", "mountpoint": "/dev/vdb"}


@pytest.fixture
def volume(site: domain.Site) -> models.Volume:
    """A volume that nothing uses; no storage is needed to attach one."""
    return new_volume(site)


def new_volume(site: domain.Site, **fields: Any) -> models.Volume:
    return models.Volume.objects.create(
        project=site.project,
        user_id="olga",
        backend=site.backend,
        volume_type=site.volume_type,
        size_gib=1,
        **{"status": "available", **fields},
    )


def create(person: people.Person, volume: models.Volume, *, version: str = people.LATEST, **fields: Any) -> Any:
    return person.post("/attachments", {"attachment": {"volume_uuid": str(volume.pk), **fields}}, version=version)


def act(person: people.Person, volume: models.Volume, name: str, value: object = None) -> people.Answer:
    return person.post(f"/volumes/{volume.pk}/action", {name: value})


def status_of(volume: models.Volume) -> str:
    volume.refresh_from_db()
    return volume.status


class TestTheAttachmentsApi:
    def test_a_volume_is_reserved_then_connected_then_in_use_then_free(
        self, cast: people.Cast, volume: models.Volume
    ) -> None:
        made = create(cast.olga, volume, instance_uuid=INSTANCE, mode="rw")

        assert made.status == 200
        attachment = made.body["attachment"]
        path = f"/attachments/{attachment['id']}"
        assert attachment == {
            "id": attachment["id"],
            "status": "reserved",
            "instance": INSTANCE,
            "volume_id": str(volume.pk),
            "attached_at": "",
            "detached_at": "",
            "attach_mode": "rw",
            "connection_info": {},
        }
        assert status_of(volume) == "reserved"

        told = cast.olga.put(path, {"attachment": {"connector": CONNECTOR}}).body["attachment"]
        assert (told["status"], status_of(volume)) == ("attaching", "attaching")
        info = told["connection_info"]
        assert {name: info[name] for name in ("driver_volume_type", "backend_id", "access_mode", "attachment_id")} == {
            "driver_volume_type": "fake",
            "backend_id": "default",
            "access_mode": "rw",
            "attachment_id": attachment["id"],
        }

        done = cast.olga.post(f"{path}/action", {"os-complete": attachment["id"]}, version="3.44")
        assert (done.status, done.body, status_of(volume)) == (204, None, "in-use")
        shown = cast.olga.get(path).body["attachment"]
        assert shown["status"] == "attached"
        assert shown["attached_at"]

        gone = cast.olga.delete(path)
        assert (gone.status, gone.body, status_of(volume)) == (200, {"attachments": []}, "available")
        assert cast.olga.get(path).status == 404

    def test_with_a_connector_it_is_connected_at_once(self, cast: people.Cast, volume: models.Volume) -> None:
        attachment = create(cast.olga, volume, connector={**CONNECTOR, "mode": "ro"}).body["attachment"]

        assert (attachment["status"], attachment["attach_mode"]) == ("attaching", "ro")
        assert attachment["connection_info"]["access_mode"] == "ro"
        assert attachment["instance"] is None

    def test_the_volume_shows_who_uses_it(self, cast: people.Cast, volume: models.Volume) -> None:
        made = create(cast.olga, volume, instance_uuid=INSTANCE, connector=CONNECTOR).body["attachment"]
        before = cast.olga.get(f"/volumes/{volume.pk}").body["volume"]
        cast.olga.post(f"/attachments/{made['id']}/action", {"os-complete": None})

        [listed] = cast.olga.get("/volumes/detail").body["volumes"]
        shown = cast.ada.get(f"/volumes/{volume.pk}").body["volume"]

        assert (before["attachments"], before["metadata"]) == ([], {})
        assert listed["metadata"] == {"readonly": "False", "attached_mode": "rw"}
        [entry] = shown["attachments"]
        assert entry["attached_at"]
        assert {name: value for name, value in entry.items() if name != "attached_at"} == {
            "id": str(volume.pk),
            "attachment_id": made["id"],
            "volume_id": str(volume.pk),
            "server_id": INSTANCE,
            "host_name": "web-1",
            "device": "/dev/vdb",
        }
        assert listed["attachments"] == [{**entry, "host_name": None}]

    def test_a_second_host_is_refused_but_the_same_instance_is_not(
        self, cast: people.Cast, volume: models.Volume
    ) -> None:
        first = create(cast.olga, volume, instance_uuid=INSTANCE).body["attachment"]

        refused = create(cast.olga, volume, instance_uuid=OTHER_INSTANCE)
        again = create(cast.olga, volume, instance_uuid=INSTANCE)

        assert (refused.status, again.status) == (400, 200)
        assert "status must be available to reserve, but the current status is reserved" in refused.message
        left = cast.olga.delete(f"/attachments/{first['id']}").body["attachments"]
        assert [row["id"] for row in left] == [again.body["attachment"]["id"]]
        assert status_of(volume) == "reserved"

    def test_a_volume_for_several_hosts_is_attached_twice(self, cast: people.Cast, site: domain.Site) -> None:
        volume = new_volume(site, multiattach=True)
        for instance in (INSTANCE, OTHER_INSTANCE):
            made = create(cast.olga, volume, instance_uuid=instance, connector=CONNECTOR).body["attachment"]
            cast.olga.post(f"/attachments/{made['id']}/action", {"os-complete": {}})

        shown = cast.olga.get(f"/volumes/{volume.pk}").body["volume"]
        cast.olga.delete(f"/attachments/{made['id']}")

        assert [entry["server_id"] for entry in shown["attachments"]] == [INSTANCE, OTHER_INSTANCE]
        assert status_of(volume) == "in-use"

    def test_an_attachment_that_nobody_connected_is_not_completed(
        self, cast: people.Cast, volume: models.Volume
    ) -> None:
        made = create(cast.olga, volume).body["attachment"]

        answer = cast.olga.post(f"/attachments/{made['id']}/action", {"os-complete": {}})

        assert (answer.status, status_of(volume)) == (400, "reserved")
        assert "has not said how it connects" in answer.message

    @pytest.mark.parametrize("status", ["error", "error_deleting", "maintenance", "in-use"])
    def test_a_volume_that_cannot_be_attached_is_not(self, cast: people.Cast, site: domain.Site, status: str) -> None:
        volume = new_volume(site, status=status)

        answer = create(cast.olga, volume, connector=CONNECTOR)

        assert (answer.status, status_of(volume)) == (400, status)
        assert status in answer.message
        assert not models.Attachment.objects.exists()

    def test_a_read_only_volume_is_attached_for_reading(self, cast: people.Cast, site: domain.Site) -> None:
        volume = new_volume(site, readonly=True)

        assert create(cast.olga, volume, mode="rw").body["attachment"]["attach_mode"] == "ro"

    @pytest.mark.parametrize(
        "method, path, version, status",
        [
            ("GET", "/attachments", "3.26", 404),
            ("GET", "/attachments", "3.27", 200),
            ("POST", "/attachments/ID/action", "3.43", 404),
        ],
    )
    def test_each_version_has_its_addresses(
        self, cast: people.Cast, volume: models.Volume, method: str, path: str, version: str, status: int
    ) -> None:
        made = create(cast.olga, volume).body["attachment"]
        body = {"os-complete": {}} if method == "POST" else None

        assert cast.olga.ask(method, path.replace("ID", made["id"]), body=body, version=version).status == status

    def test_a_mode_can_be_named_since_3_54(self, cast: people.Cast, volume: models.Volume) -> None:
        assert create(cast.olga, volume, mode="ro", version="3.53").status == 400
        assert create(cast.olga, volume, version="3.53").body["attachment"]["attach_mode"] == "null"

    @pytest.mark.parametrize(
        "attachment",
        [{}, {"volume_uuid": "no id"}, {"volume_uuid": INSTANCE, "connector": 1}, {"volume_uuid": INSTANCE, "zz": 1}],
    )
    def test_a_body_that_makes_no_sense_is_refused(self, cast: people.Cast, attachment: dict[str, Any]) -> None:
        assert cast.olga.post("/attachments", {"attachment": attachment}).status == 400

    def test_lists_are_filtered_and_paged(self, cast: people.Cast, site: domain.Site) -> None:
        volumes = [new_volume(site), new_volume(site)]
        made = [create(cast.olga, volume, instance_uuid=INSTANCE).body["attachment"] for volume in volumes]
        cast.olga.put(f"/attachments/{made[1]['id']}", {"attachment": {"connector": CONNECTOR}})

        def ids(**query: Any) -> list[str]:
            return [row["id"] for row in cast.olga.get("/attachments", **query).body["attachments"]]

        page = cast.olga.get("/attachments", limit=1).body
        detail = cast.olga.get("/attachments/detail").body["attachments"]

        assert ids() == [made[1]["id"], made[0]["id"]]
        assert ids(volume_id=str(volumes[0].pk)) == [made[0]["id"]]
        assert ids(status="attaching") == ids(attach_status="attaching") == [made[1]["id"]]
        assert ids(instance_id=OTHER_INSTANCE) == []
        assert page["attachments"][0].keys() == {"id", "status", "instance", "volume_id"}
        assert f"marker={made[1]['id']}" in page["attachments_links"][0]["href"]
        assert [bool(row["connection_info"]) for row in detail] == [True, False]
        assert cast.olga.get("/attachments", mountpoint="/dev/vdb").status == 400

    def test_outsiders_learn_nothing_and_readers_change_nothing(self, cast: people.Cast, volume: models.Volume) -> None:
        made = create(cast.olga, volume).body["attachment"]
        path = f"/attachments/{made['id']}"

        assert cast.otto.get(path).status == cast.otto.delete(path).status == 404
        assert create(cast.otto, volume).status == 404
        assert cast.otto.get("/attachments").body["attachments"] == []
        assert cast.rita.get(path).status == 200
        assert cast.rita.delete(path).status == create(cast.rita, volume).status == 403
        assert status_of(volume) == "reserved"

    def test_a_list_costs_as_much_for_many_as_for_one(self, cast: people.Cast, site: domain.Site) -> None:
        counts = []
        for more in (1, 5):
            for _ in range(more):
                create(cast.olga, new_volume(site), connector=CONNECTOR)
            with CaptureQueriesContext(connection) as counted:
                cast.olga.get("/attachments/detail")
            counts.append(len(counted))

        assert counts[0] == counts[1]


class TestTheOlderActions:
    def test_a_volume_is_reserved_attached_and_detached(self, cast: people.Cast, volume: models.Volume) -> None:
        steps = [
            ("os-reserve", {}, "attaching"),
            ("os-unreserve", None, "available"),
            ("os-unreserve", {}, "available"),
            ("os-reserve", None, "attaching"),
            ("os-attach", {"instance_uuid": INSTANCE, "mountpoint": "/dev/vdb", "mode": "rw"}, "in-use"),
            ("os-attach", {"instance_uuid": INSTANCE, "mountpoint": "/dev/vdb", "mode": "rw"}, "in-use"),
            ("os-begin_detaching", {}, "detaching"),
            ("os-roll_detaching", {}, "in-use"),
            ("os-roll_detaching", {}, "in-use"),
            ("os-begin_detaching", {}, "detaching"),
            ("os-detach", {}, "available"),
            ("os-detach", {}, "available"),
        ]

        for name, value, after in steps:
            answer = act(cast.olga, volume, name, value)
            assert (name, answer.status, answer.body, status_of(volume)) == (name, 202, None, after)
        assert not models.Attachment.objects.exists()

    @pytest.mark.parametrize(
        "status, name, value, message",
        [
            ("in-use", "os-reserve", {}, "status must be available to reserve"),
            ("available", "os-begin_detaching", {}, "Unable to detach volume"),
            (
                "in-use",
                "os-attach",
                {"host_name": "web-2", "mountpoint": "/mnt"},
                "status must be attaching or available",
            ),
            ("error", "os-attach", {"host_name": "web-2", "mountpoint": "/mnt"}, "current status is error"),
            ("available", "os-attach", {"mountpoint": "/mnt"}, "name an instance or a host"),
            (
                "available",
                "os-attach",
                {"mountpoint": "/mnt", "host_name": "web-2", "instance_uuid": INSTANCE},
                "not both at the same time",
            ),
            ("available", "os-attach", {"host_name": "web-2"}, "'mountpoint' is a required property"),
            ("available", "os-attach", {"host_name": "web-2", "mountpoint": "/mnt", "mode": "rx"}, "is not one of"),
            ("maintenance", "os-detach", {}, "in maintenance"),
            ("available", "os-initialize_connection", {}, "'connector' is a required property"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_changes_nothing(
        self, cast: people.Cast, site: domain.Site, status: str, name: str, value: Any, message: str
    ) -> None:
        volume = new_volume(site, status=status)

        answer = act(cast.olga, volume, name, value)

        assert (answer.status, status_of(volume)) == (400, status)
        assert message in answer.message
        assert not models.Attachment.objects.exists()

    def test_a_read_only_volume_is_not_attached_for_writing(self, cast: people.Cast, volume: models.Volume) -> None:
        assert act(cast.olga, volume, "os-update_readonly_flag", {"readonly": True}).status == 202
        wanted = {"host_name": "web-1", "mountpoint": "/mnt"}

        refused = act(cast.olga, volume, "os-attach", {**wanted, "mode": "rw"})
        unreachable = act(cast.olga, volume, "os-initialize_connection", {"connector": {**CONNECTOR, "mode": "rw"}})
        taken = act(cast.olga, volume, "os-attach", {**wanted, "mode": "ro"})

        assert (refused.status, unreachable.status, taken.status) == (400, 400, 202)
        assert f"Invalid attaching mode 'rw' for volume {volume.pk}" in refused.message
        assert cast.olga.get(f"/volumes/{volume.pk}").body["volume"]["metadata"] == {
            "readonly": "True",
            "attached_mode": "ro",
        }
        assert act(cast.olga, volume, "os-update_readonly_flag", {"readonly": False}).status == 400

    def test_one_of_several_attachments_must_be_named(self, cast: people.Cast, site: domain.Site) -> None:
        volume = new_volume(site, multiattach=True)
        for host in ("web-1", "web-2"):
            act(cast.olga, volume, "os-attach", {"host_name": host, "mountpoint": "/mnt"})
        [first, _] = models.Attachment.objects.order_by("created_at")

        refused = act(cast.olga, volume, "os-detach", {})
        named = act(cast.olga, volume, "os-detach", {"attachment_id": str(first.pk)})

        assert (refused.status, named.status, status_of(volume)) == (400, 202, "in-use")
        assert "no attachment_id was given" in refused.message
        assert models.Attachment.objects.get().host == "web-2"

    def test_admins_detach_by_force(self, cast: people.Cast, volume: models.Volume) -> None:
        act(cast.olga, volume, "os-attach", {"host_name": "web-1", "mountpoint": "/mnt"})

        assert act(cast.olga, volume, "os-force_detach", {"attachment_id": None}).status == 403
        assert act(cast.ada, volume, "os-force_detach", {"connector": CONNECTOR}).status == 202
        assert status_of(volume) == "available"

    def test_a_connection_is_told_and_ended(self, cast: people.Cast, volume: models.Volume) -> None:
        told = act(cast.olga, volume, "os-initialize_connection", {"connector": CONNECTOR})
        ended = act(cast.olga, volume, "os-terminate_connection", {"connector": CONNECTOR})

        assert told.status == 200
        info = told.body["connection_info"]
        assert info["driver_volume_type"] == "fake"
        assert (info["data"]["volume_id"], info["data"]["access_mode"]) == (str(volume.pk), "rw")
        assert (ended.status, status_of(volume)) == (202, "available")


class TestWithReplication:
    def test_after_a_failover_the_way_to_the_active_side_is_told_and_who_must_take_it_is_recorded(
        self, cast: people.Cast, site: domain.Site
    ) -> None:
        group = site.enabled_group(2)
        volume = domain.members(group)[0]
        made = create(cast.olga, volume, connector=CONNECTOR, instance_uuid=INSTANCE).body["attachment"]
        path = f"/attachments/{made['id']}"
        assert cast.olga.act(group, "failover_replication", {"allow_attached_volume": True}).status == 400
        cast.olga.post(f"{path}/action", {"os-complete": {}})
        assert "allow_attached_volume flag is False" in cast.olga.act(group, "failover_replication", {}).message

        cast.olga.act(group, "failover_replication", {"allow_attached_volume": True})
        during = cast.olga.delete(path)
        domain.drain()

        assert during.status == 400
        assert "has an open operation (failover, queued)" in during.message
        info = cast.olga.get(path).body["attachment"]["connection_info"]
        assert (made["connection_info"]["backend_id"], info["backend_id"], info["side"]) == (
            "default",
            "site-b",
            "site-b",
        )
        [entry] = domain.last_operation(group).result["reconnect"]
        assert (entry["volume_id"], entry["host"], entry["instance_id"]) == (str(volume.pk), "web-1", INSTANCE)
        assert (entry["before"]["backend_id"], entry["after"]["backend_id"]) == ("default", "site-b")
        assert entry["after"]["data"]["side"] == "site-b"
        assert domain.SECRET not in str(entry)
        assert cast.olga.delete(path).status == 200

    def test_a_status_corrected_by_hand_does_not_hide_that_a_volume_is_attached(
        self, cast: people.Cast, site: domain.Site
    ) -> None:
        group = site.enabled_group(1)
        volume = domain.members(group)[0]
        act(cast.olga, volume, "os-attach", {"host_name": "web-1", "mountpoint": "/mnt"})
        act(cast.ada, volume, "os-reset_status", {"status": "available"})

        failover = cast.olga.act(group, "failover_replication", {})
        deletion = cast.olga.act(group, "delete", {"delete-volumes": True})

        assert (failover.status, deletion.status) == (400, 400)
        assert "is attached but allow_attached_volume flag is False" in failover.message
        assert "Need to detach first" in deletion.message

    @pytest.mark.parametrize(
        "name, value",
        [
            ("os-reserve", {}),
            ("os-attach", {"host_name": "web-1", "mountpoint": "/mnt"}),
            ("os-detach", {}),
            ("os-initialize_connection", {"connector": CONNECTOR}),
            ("os-update_readonly_flag", {"readonly": True}),
        ],
    )
    def test_nobody_attaches_or_detaches_while_the_group_is_worked_on(
        self, cast: people.Cast, site: domain.Site, name: str, value: Any
    ) -> None:
        group = site.new_group(1)
        volume = domain.members(group)[0]
        replication.enable(site.owner, group_id=group.pk)

        answer = act(cast.olga, volume, name, value)
        created = create(cast.olga, volume)

        assert (answer.status, created.status, status_of(volume)) == (400, 400, "available")
        assert "has an open operation (enable-replication, queued)" in answer.message

    @pytest.mark.django_db(transaction=True)
    def test_of_a_failover_and_an_attachment_at_once_one_is_granted(self, cast: people.Cast, site: domain.Site) -> None:
        group = site.enabled_group(1)
        volume = domain.members(group)[0]
        barrier = threading.Barrier(8)

        def ask(number: int) -> tuple[str, int]:
            try:
                barrier.wait(30)
                if number % 2:
                    return "failover", cast.olga.act(group, "failover_replication", {}).status
                answer = act(cast.olga, volume, "os-attach", {"host_name": f"web-{number}", "mountpoint": "/mnt"})
                return "attach", answer.status
            finally:
                connections.close_all()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(ask, range(8)))

        [granted] = [verb for verb, status in answers if status == 202]
        assert {status for _, status in answers} == {202, 400}
        assert models.Attachment.objects.count() == (granted == "attach")
        assert models.Operation.objects.filter(kind="failover").count() == (granted == "failover")
