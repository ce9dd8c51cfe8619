"""Transfers: a volume goes to another project, once, for the key, and never beyond its quota."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from groups import errors, models
from groups.services import quotas, snapshots, transfers, types, volumes
from tests.api.v3 import people
from tests.api.v3.test_attachments import new_volume
from tests.services.test_replication import every_row
from tests.support import domain

ADDRESSES = ["os-volume-transfer", "volume-transfers"]


@pytest.fixture
def volume(site: domain.Site) -> models.Volume:
    """A volume that nothing uses; no storage is needed to hand one over."""
    return new_volume(site, name="logs")


@pytest.fixture
def snapshot(site: domain.Site, volume: models.Volume) -> models.Snapshot:
    """Its snapshot."""
    return new_snapshot(site, volume)


def new_snapshot(site: domain.Site, volume: models.Volume, **fields: Any) -> models.Snapshot:
    kept = {"project": site.project, "user_id": "olga", "backend": site.backend, "status": "available", "size_gib": 1}
    return models.Snapshot.objects.create(volume=volume, **{**kept, **fields})


def offer(
    person: people.Person,
    volume: models.Volume,
    *,
    address: str = "volume-transfers",
    version: str = people.LATEST,
    **fields: object,
) -> people.Answer:
    body = {"transfer": {"volume_id": str(volume.pk), **fields}}
    return person.post(f"/{address}", body, version=version)


def accept(
    person: people.Person, transfer: dict[str, Any], *, key: object = None, address: str = "volume-transfers"
) -> people.Answer:
    body = {"accept": {"auth_key": key or transfer["auth_key"]}}
    return person.post(f"/{address}/{transfer['id']}/accept", body)


class TestAnOffer:
    @pytest.mark.parametrize("address", ADDRESSES)
    def test_waits_is_accepted_and_is_gone(
        self, site: domain.Site, cast: people.Cast, volume: models.Volume, address: str
    ) -> None:
        made = offer(cast.olga, volume, address=address, name=" for you ")

        assert made.status == 202
        transfer = made.body["transfer"]
        key = transfer.pop("auth_key")
        assert (transfer["name"], transfer["volume_id"]) == ("for you", str(volume.pk))
        path = f"{site.project.pk}/{address}/{transfer['id']}"
        assert [link["href"] for link in transfer["links"]] == [
            f"http://testserver/v3/{path}",
            f"http://testserver/{path}",
        ]
        assert cast.olga.get(f"/volumes/{volume.pk}").body["volume"]["status"] == "awaiting-transfer"
        assert cast.rita.get(f"/{address}/{transfer['id']}").body == {"transfer": transfer}
        assert cast.rita.get(f"/{address}/detail").body == {"transfers": [transfer]}
        short = {name: transfer[name] for name in ("id", "volume_id", "name", "links")}
        assert cast.rita.get(f"/{address}").body == {"transfers": [short]}

        taken = accept(cast.otto, transfer, key=key, address=address)

        assert (taken.status, set(taken.body["transfer"])) == (202, {"id", "volume_id", "name", "links"})
        shown = cast.otto.get(f"/volumes/{volume.pk}").body["volume"]
        assert (shown["status"], shown["os-vol-tenant-attr:tenant_id"]) == ("available", cast.otto.project_id)
        assert shown["user_id"] == str(people.User.objects.get(username="otto").pk)
        assert cast.olga.get(f"/volumes/{volume.pk}").status == 404
        assert cast.olga.get(f"/{address}/{transfer['id']}").status == 404
        assert accept(cast.otto, transfer, key=key, address=address).status == 404

    def test_is_taken_back(self, cast: people.Cast, volume: models.Volume) -> None:
        transfer = offer(cast.olga, volume).body["transfer"]

        gone = cast.carl.delete(f"/volume-transfers/{transfer['id']}")

        volume.refresh_from_db()
        assert (gone.status, gone.body, volume.status) == (202, None, "available")
        assert accept(cast.otto, transfer).status == 404

    def test_may_be_accepted_by_its_own_project(
        self, site: domain.Site, cast: people.Cast, volume: models.Volume
    ) -> None:
        quotas.set_for_project(site.admin, project_id=site.project.pk, limits={"volumes": 1})

        assert accept(cast.carl, offer(cast.olga, volume).body["transfer"]).status == 202
        volume.refresh_from_db()
        assert (volume.status, volume.project_id) == ("available", site.project.pk)

    def test_keeps_its_key_nowhere(self, cast: people.Cast, volume: models.Volume) -> None:
        key = offer(cast.olga, volume).body["transfer"]["auth_key"]

        assert len(key) == 32
        row = models.Transfer.objects.get()
        assert key not in (row.salt, row.digest)
        kept = [*models.AuditEntry.objects.values_list("detail", "subject_name"), *models.Event.objects.values()]
        assert key not in str([vars(row), kept])

    @pytest.mark.parametrize(
        "version, more",
        [
            ("3.0", set()),
            ("3.54", set()),
            ("3.55", {"no_snapshots"}),
            ("3.57", {"no_snapshots", "source_project_id", "destination_project_id", "accepted"}),
        ],
    )
    def test_shows_what_its_version_has(
        self, cast: people.Cast, volume: models.Volume, version: str, more: set[str]
    ) -> None:
        made = offer(cast.olga, volume, version=version).body["transfer"]

        assert set(made) == {"id", "volume_id", "name", "links", "created_at", "auth_key", *more}

    def test_is_in_the_history_of_its_project(self, cast: people.Cast, volume: models.Volume) -> None:
        accept(cast.otto, offer(cast.olga, volume).body["transfer"])

        found = cast.olga.ask("GET", "/events", root="/api", query={"subject_id": str(volume.pk)}).body["events"]
        assert [(row["old"], row["new"], row["reason"], row["actor"]) for row in found] == [
            ("awaiting-transfer", "available", "accept transfer", "otto"),
            ("available", "awaiting-transfer", "create transfer", "olga"),
        ]


class TestTheKey:
    def test_that_is_wrong_tells_an_outsider_nothing(self, cast: people.Cast, volume: models.Volume) -> None:
        transfer = offer(cast.olga, volume).body["transfer"]
        before = every_row()

        wrong = accept(cast.otto, transfer, key="0" * 32)
        unknown = accept(cast.otto, {"id": str(uuid.uuid4())}, key="0" * 32)

        assert (wrong.status, unknown.status) == (404, 404)
        assert wrong.message.replace(transfer["id"], "") == unknown.message.replace(unknown.message.split()[1], "")
        assert every_row() == before

    def test_that_is_wrong_is_named_to_those_who_see_the_offer(self, cast: people.Cast, volume: models.Volume) -> None:
        answer = accept(cast.carl, offer(cast.olga, volume).body["transfer"], key=1234)

        assert (answer.status, "invalid auth key" in answer.message) == (400, True)

    def test_does_not_replace_the_role(self, cast: people.Cast, volume: models.Volume) -> None:
        answer = accept(cast.rita, offer(cast.olga, volume).body["transfer"])

        assert (answer.status, "volume:accept_transfer" in answer.message) == (403, True)


class TestWhatIsNotOffered:
    @pytest.mark.parametrize("status", ["in-use", "reserved", "error", "maintenance", "awaiting-transfer"])
    def test_a_volume_that_is_not_available(self, site: domain.Site, cast: people.Cast, status: str) -> None:
        volume = new_volume(site, status=status)
        before = every_row()

        answer = offer(cast.olga, volume)

        assert (answer.status, f"is {status}" in answer.message) == (400, True)
        assert every_row() == before

    def test_a_volume_with_an_attachment_whatever_its_status_says(
        self, site: domain.Site, cast: people.Cast, volume: models.Volume
    ) -> None:
        models.Attachment.objects.create(project=site.project, volume=volume)

        assert "has attachments" in offer(cast.olga, volume).message

    def test_a_volume_of_a_group(self, site: domain.Site, cast: people.Cast) -> None:
        group = site.new_group(1)

        answer = offer(cast.olga, domain.members(group)[0])

        assert (answer.status, f"is in group {group.pk}" in answer.message) == (400, True)

    def test_a_volume_that_something_is_done_to(self, site: domain.Site, cast: people.Cast) -> None:
        volume = volumes.create(site.owner, size_gib=1, volume_type="replicable")

        assert "has an open operation" in offer(cast.olga, volume).message

    def test_a_volume_of_another_project(self, cast: people.Cast, volume: models.Volume) -> None:
        assert offer(cast.otto, volume).status == 404
        assert offer(cast.rita, volume).status == 403

    @pytest.mark.parametrize(
        "address, version, fields",
        [
            ("volume-transfers", people.LATEST, {"volume_id": "x"}),
            ("volume-transfers", people.LATEST, {"zz": 1}),
            ("volume-transfers", people.LATEST, {"no_snapshots": "perhaps"}),
            ("volume-transfers", "3.54", {"no_snapshots": True}),
            ("os-volume-transfer", people.LATEST, {"no_snapshots": True}),
            ("volume-transfers", people.LATEST, {"name": "n" * 256}),
        ],
    )
    def test_what_its_version_does_not_know(
        self, cast: people.Cast, volume: models.Volume, address: str, version: str, fields: dict[str, object]
    ) -> None:
        assert offer(cast.olga, volume, address=address, version=version, **fields).status == 400


class TestWhileItIsOffered:
    @pytest.mark.parametrize(
        "ask",
        [
            lambda olga, path: olga.delete(path),
            lambda olga, path: olga.post(f"{path}/action", {"os-extend": {"new_size": 2}}),
            lambda olga, path: olga.post(f"{path}/action", {"os-attach": {"mountpoint": "/x", "host_name": "h"}}),
            lambda olga, path: olga.post(f"{path}/action", {"os-retype": {"new_type": "replicable"}}),
            lambda olga, path: olga.post(f"{path}/action", {"os-update_readonly_flag": {"readonly": True}}),
            lambda olga, path: olga.post("/snapshots", {"snapshot": {"volume_id": path.rpartition("/")[2]}}),
            lambda olga, path: olga.post("/attachments", {"attachment": {"volume_uuid": path.rpartition("/")[2]}}),
            lambda olga, path: olga.post("/volumes", {"volume": {"source_volid": path.rpartition("/")[2]}}),
        ],
    )
    def test_nothing_is_done_with_the_volume(self, cast: people.Cast, volume: models.Volume, ask: Any) -> None:
        offer(cast.olga, volume)

        assert ask(cast.olga, f"/volumes/{volume.pk}").status == 400
        volume.refresh_from_db()
        assert volume.status == "awaiting-transfer"

    def test_it_joins_no_group(self, site: domain.Site, cast: people.Cast, volume: models.Volume) -> None:
        group = site.new_group(1)
        offer(cast.olga, volume)

        answer = cast.olga.put(f"/groups/{group.pk}", {"group": {"add_volumes": str(volume.pk)}})

        assert (answer.status, "awaiting-transfer" in answer.message) == (400, True)

    @pytest.mark.parametrize("action", [{"os-reset_status": {"status": "available"}}, {"os-force_delete": {}}])
    def test_an_admin_who_takes_the_volume_out_ends_the_offer(
        self, cast: people.Cast, volume: models.Volume, action: dict[str, Any]
    ) -> None:
        transfer = offer(cast.olga, volume).body["transfer"]

        assert cast.ada.post(f"/volumes/{volume.pk}/action", action).status == 202

        assert not models.Transfer.objects.exists()
        assert accept(cast.otto, transfer).status == 404

    def test_no_admin_makes_a_volume_wait_for_nothing(self, cast: people.Cast, volume: models.Volume) -> None:
        action = {"os-reset_status": {"status": "awaiting-transfer"}}

        assert cast.ada.post(f"/volumes/{volume.pk}/action", action).status == 400


class TestSnapshots:
    def test_go_with_their_volume(self, cast: people.Cast, volume: models.Volume, snapshot: models.Snapshot) -> None:
        accept(cast.otto, offer(cast.olga, volume).body["transfer"])

        assert cast.otto.get(f"/snapshots/{snapshot.pk}").status == 200
        assert cast.olga.get(f"/snapshots/{snapshot.pk}").status == 404

    @pytest.mark.parametrize(
        "address, fields", [("volume-transfers", {"no_snapshots": True}), ("os-volume-transfer", {})]
    )
    def test_stay_behind_where_they_are_asked_to(
        self,
        cast: people.Cast,
        volume: models.Volume,
        snapshot: models.Snapshot,
        address: str,
        fields: dict[str, object],
    ) -> None:
        accept(cast.otto, offer(cast.olga, volume, address=address, **fields).body["transfer"])

        assert cast.otto.get(f"/snapshots/{snapshot.pk}").status == 404
        assert cast.olga.get(f"/snapshots/{snapshot.pk}").status == 200
        for cascade in (True, False):
            refused = cast.otto.delete(f"/volumes/{volume.pk}", cascade=cascade)
            assert (refused.status, str(snapshot.pk) in refused.message) == (400, False)
        assert models.Snapshot.objects.filter(pk=snapshot.pk).exists()

    def test_that_stayed_behind_stay_at_the_next_offer_too(
        self, cast: people.Cast, volume: models.Volume, snapshot: models.Snapshot
    ) -> None:
        accept(cast.otto, offer(cast.olga, volume, no_snapshots=True).body["transfer"])
        accept(cast.carl, offer(cast.otto, volume).body["transfer"])

        snapshot.refresh_from_db()
        assert cast.olga.get(f"/snapshots/{snapshot.pk}").status == 200

    @pytest.mark.parametrize("when", ["offered", "accepted"])
    def test_that_are_not_available_keep_their_volume(
        self, site: domain.Site, cast: people.Cast, volume: models.Volume, snapshot: models.Snapshot, when: str
    ) -> None:
        transfer = offer(cast.olga, volume).body["transfer"] if when == "accepted" else None
        models.Snapshot.objects.update(status="error")

        answer = accept(cast.otto, transfer) if transfer else offer(cast.olga, volume)

        assert (answer.status, "must be available to go with its volume" in answer.message) == (400, True)
        volume.refresh_from_db()
        assert (volume.project_id, models.Transfer.objects.exists()) == (site.project.pk, transfer is not None)

    def test_that_are_worked_on_keep_their_volume(self, site: domain.Site, cast: people.Cast) -> None:
        volume = volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()
        taken = snapshots.create(site.owner, volume_id=volume.pk)
        domain.drain()
        transfer = offer(cast.olga, volume).body["transfer"]
        snapshots.delete(site.owner, snapshot_id=taken.pk)

        assert accept(cast.otto, transfer).status == 400
        domain.drain()
        assert accept(cast.otto, transfer).status == 202

    def test_of_a_group_stay_with_it(self, site: domain.Site, cast: people.Cast, volume: models.Volume) -> None:
        group = site.new_group(0)
        kept = {"project": site.project, "user_id": "olga", "backend": site.backend}
        whole = models.GroupSnapshot.objects.create(group=group, group_type=group.group_type, **kept)
        new_snapshot(site, volume, group_snapshot=whole)

        answer = offer(cast.olga, volume)

        assert (answer.status, f"a part of group snapshot {whole.pk}" in answer.message) == (400, True)
        assert offer(cast.olga, volume, no_snapshots=True).status == 202


class TestTheReceivingProject:
    @pytest.mark.parametrize(
        "limits",
        [
            {"volumes": 0},
            {"gigabytes": 1},
            {"snapshots": 0},
            {"per_volume_gigabytes": 0},
            {"volumes_replicable": 0},
            {"snapshots_replicable": 0},
        ],
    )
    def test_takes_no_more_than_its_quota(
        self,
        site: domain.Site,
        cast: people.Cast,
        volume: models.Volume,
        snapshot: models.Snapshot,
        limits: dict[str, int],
    ) -> None:
        quotas.set_for_project(site.admin, project_id=cast.otto.project_id, limits=limits)
        transfer = offer(cast.olga, volume).body["transfer"]
        before = every_row()

        assert accept(cast.otto, transfer).status == 413
        assert every_row() == before

    def test_takes_no_volume_of_a_type_that_it_may_not_use(
        self, site: domain.Site, cast: people.Cast, volume: models.Volume
    ) -> None:
        models.VolumeType.objects.filter(pk=site.volume_type.pk).update(is_public=False)
        types.add_access(site.admin, type_id=site.volume_type.pk, project_id=site.project.pk)
        transfer = offer(cast.olga, volume).body["transfer"]

        answer = accept(cast.otto, transfer)

        assert (answer.status, "may not use" in answer.message) == (400, True)
        types.add_access(site.admin, type_id=site.volume_type.pk, project_id=cast.otto.project_id)
        assert accept(cast.otto, transfer).status == 202

    @pytest.mark.django_db(transaction=True)
    def test_is_never_overshot_by_acceptances_at_once(self, site: domain.Site) -> None:
        quotas.set_for_project(site.admin, project_id=site.outsider.project_id, limits={"volumes": 2})
        offered = [transfers.create(site.owner, volume_id=new_volume(site).pk) for _ in range(5)]

        taken = at_once([lambda each=each: take(site, each) for each in offered])

        assert sorted(taken) == [False, False, False, True, True]
        assert models.Volume.objects.filter(project_id=site.outsider.project_id).count() == 2
        assert models.Transfer.objects.count() == 3

    @pytest.mark.django_db(transaction=True)
    def test_is_one_when_an_offer_is_accepted_twice_and_taken_back_at_once(
        self, site: domain.Site, volume: models.Volume
    ) -> None:
        offered = transfers.create(site.owner, volume_id=volume.pk)

        def take_back() -> bool:
            try:
                transfers.delete(site.owner, transfer_id=offered.row.pk)
            except errors.NotFound:
                return False
            return True

        ended = at_once([lambda: take(site, offered), lambda: take(site, offered), take_back])

        assert ended.count(True) == 1
        volume.refresh_from_db()
        assert volume.status == "available"
        assert (volume.project_id == site.project.pk) == ended[2]


def take(site: domain.Site, offered: transfers.Offered) -> bool:
    try:
        transfers.accept(site.outsider, transfer_id=offered.row.pk, key=offered.key)
    except (errors.OverQuota, errors.NotFound):
        return False
    return True


def at_once(asks: list[Any]) -> list[bool]:
    """Ask from threads that begin together; return what each was answered."""
    found: dict[int, bool] = {}
    start = threading.Barrier(len(asks))

    def ask(number: int) -> None:
        try:
            start.wait(10)
            found[number] = asks[number]()
        finally:
            connection.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [found[number] for number in range(len(asks))]


class TestTheList:
    def test_is_paged_sorted_and_filtered(self, site: domain.Site, cast: people.Cast) -> None:
        made = [offer(cast.olga, new_volume(site), name=f"t-{n}").body["transfer"] for n in range(3)]

        first = cast.olga.get("/volume-transfers", limit=2, sort="name:asc").body
        assert [row["name"] for row in first["transfers"]] == ["t-0", "t-1"]
        assert "marker=" + made[1]["id"] in first["transfers_links"][0]["href"]
        rest = cast.olga.get("/volume-transfers", sort="name:asc", marker=made[1]["id"]).body
        assert [row["name"] for row in rest["transfers"]] == ["t-2"]
        for query in ({"name": "t-2"}, {"volume_id": made[2]["volume_id"]}):
            found = cast.olga.get("/volume-transfers/detail", **query).body["transfers"]
            assert [row["id"] for row in found] == [made[2]["id"]]
        assert cast.olga.get("/volume-transfers", accepted="true").body["transfers"] == []

    def test_is_of_the_own_project_unless_an_admin_asks_for_all(
        self, site: domain.Site, cast: people.Cast, volume: models.Volume
    ) -> None:
        transfer = offer(cast.olga, volume).body["transfer"]
        accept(cast.otto, transfer)
        offer(cast.otto, volume)

        assert cast.olga.get("/volume-transfers", all_tenants=1).body["transfers"] == []
        assert cast.ada.get("/volume-transfers").body["transfers"] == []
        assert len(cast.ada.get("/volume-transfers", all_tenants=1).body["transfers"]) == 1

    def test_takes_as_many_statements_for_many_as_for_one(self, site: domain.Site, cast: people.Cast) -> None:
        counts = []
        for _ in range(2):
            for _ in range(3):
                offer(cast.olga, new_volume(site))
            with CaptureQueriesContext(connection) as caught:
                cast.olga.get("/volume-transfers/detail")
            counts.append(len(caught))

        assert counts[0] == counts[1]
