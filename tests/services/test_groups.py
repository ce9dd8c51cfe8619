"""Groups and volumes: placement, membership, deletion."""

from __future__ import annotations

import pytest

from groups import errors, models, specs
from groups.services import backends, groups, replication, types, volumes
from tests.support import domain


class TestPlacement:
    def test_is_refused_with_what_each_backend_lacks(self, site):
        types.set_specs(
            site.admin, family=types.GROUP, type_id=site.group_type.pk, values={"storage_protocol": "carrier pigeon"}
        )

        with pytest.raises(errors.NoBackendFits, match=r"array: .*storage_protocol must be 'carrier pigeon'"):
            groups.create(site.owner, group_type="replicated", volume_types=["replicable"])

        assert not models.Group.objects.exists()

    def test_avoids_a_backend_that_cannot_replicate(self, site, tmp_path):
        backends.add(
            site.admin, name="a-plain-one", driver="fake", options={"state": str(tmp_path / "plain")}, targets={}
        )

        group = groups.create(site.owner, group_type="replicated", volume_types=["replicable"])

        assert group.backend == site.backend

    @pytest.mark.parametrize(
        "wanted, had, met",
        [
            ("<is> True", True, True),
            ("<is> True", False, False),
            ("True", True, True),
            ("s== iSCSI", "iSCSI", True),
            ("<in> SC", "iSCSI", True),
            ("<or> NFS <or> iSCSI", "iSCSI", True),
            (">= 5", "4", False),
            (">= 5", 6, True),
        ],
    )
    def test_matches_specs_as_cinder_does(self, wanted, had, met):
        assert (specs.unmet({"key": wanted}, {"key": had}) == []) is met

    def test_does_not_match_specs_that_are_scoped_to_somebody_else(self):
        assert specs.unmet({"vendor:key": "anything"}, {}) == []

    def test_matches_specs_that_are_scoped_to_capabilities(self):
        had = {"volume_backend_name": "array"}

        assert specs.unmet({"capabilities:volume_backend_name": "array"}, had) == []
        assert specs.unmet({"capabilities:volume_backend_name": "moon", "volume_backend_name": "array"}, had) == [
            "volume_backend_name must be 'moon', it is 'array'"
        ]
        assert specs.unmet({"capabilities:a:b": "1"}, had) == ["a:b must be '1', it is not reported"]

    @pytest.mark.parametrize("interval", ["soon", "0", "nan", "-1", "1e9"])
    def test_an_interval_that_is_no_good_is_refused(self, site, interval):
        with pytest.raises(errors.InvalidInput, match="interval_seconds"):
            types.set_specs(
                site.admin, family=types.GROUP, type_id=site.group_type.pk, values={specs.INTERVAL: interval}
            )


class TestMembership:
    def test_a_volume_added_to_an_enabled_group_is_protected_once_enabled_again(self, site):
        group = site.enabled_group(1)
        extra = volumes.create(site.owner, size_gib=1, volume_type="replicable", name="extra")
        domain.drain()
        groups.update(site.owner, group_id=group.pk, add_volumes=[str(extra.pk)])
        domain.drain()
        with pytest.raises(errors.WrongState, match=str(extra.pk)):
            replication.failover(site.owner, group_id=group.pk)

        replication.enable(site.owner, group_id=group.pk)
        domain.drain()

        extra.refresh_from_db()
        assert (extra.group_id, extra.replication_status) == (group.pk, "enabled")
        replication.failover(site.owner, group_id=group.pk)
        domain.drain()
        extra.refresh_from_db()
        assert extra.replication_status == "failed-over"

    def test_a_volume_removed_from_an_enabled_group_is_replicated_no_more_and_the_rest_goes_on(self, site):
        group = site.enabled_group(2)
        gone, stays = domain.members(group)
        site.write(gone, "mine")

        groups.update(site.owner, group_id=group.pk, remove_volumes=[str(gone.pk)])
        domain.drain()

        gone.refresh_from_db()
        group.refresh_from_db()
        assert (gone.group_id, gone.replication_status, gone.status) == (None, "disabled", "available")
        assert site.read(gone) == "mine"
        assert (group.status, group.replication_status) == ("available", "enabled")
        site.write(stays, "later")
        assert domain.run_round(group)
        group.refresh_from_db()
        assert group.health == "healthy", group.health_detail

    def test_is_not_changed_while_the_group_is_failed_over(self, site):
        group = site.failed_over_group(2)

        with pytest.raises(errors.WrongState, match="failed-over"):
            groups.update(site.owner, group_id=group.pk, remove_volumes=[str(domain.members(group)[0].pk)])

    @pytest.mark.parametrize(
        "change",
        [
            lambda caller, group, own, other: volumes.create(
                caller, size_gib=1, volume_type="replicable", group_id=group
            ),
            lambda caller, group, own, other: groups.update(caller, group_id=group, add_volumes=[other]),
            lambda caller, group, own, other: groups.update(caller, group_id=group, remove_volumes=[own]),
        ],
        ids=["create", "add", "remove"],
    )
    def test_is_not_changed_while_the_group_is_elsewhere_whatever_an_admin_called_its_status(self, site, change):
        group = site.failed_over_group(2)
        extra = volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()
        replication.reset(site.admin, group_id=group.pk, replication_status="error", reason="test")

        with pytest.raises(errors.WrongState, match="current status is: error on secondary 'site-b'"):
            change(site.owner, str(group.pk), str(domain.members(group)[0].pk), str(extra.pk))

        assert len(domain.members(group)) == 2

    def test_a_failed_change_gives_the_volume_back(self, site):
        group = site.new_group(1)
        extra = volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()
        site.control.add_fault(call="update_group", action="fail", times=1)

        groups.update(site.owner, group_id=group.pk, add_volumes=[str(extra.pk)])
        domain.drain()

        extra.refresh_from_db()
        assert extra.group_id is None

    def test_a_rename_does_not_mend_a_group_in_error(self, site):
        group = site.new_group(0)
        groups.reset_status(site.admin, group_id=group.pk, status="error")

        groups.update(site.owner, group_id=group.pk, name="other")

        group.refresh_from_db()
        assert (group.name, group.status) == ("other", "error")


class TestDeleting:
    def test_an_enabled_group_leaves_nothing_behind_on_any_side(self, site):
        group = site.enabled_group(2)

        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)
        domain.drain()

        assert not models.Group.objects.exists()
        assert not models.Volume.objects.exists()
        assert not any(site.control.inventory(side) for side in ("", "site-b", "site-c"))

    def test_keeps_the_history(self, site):
        group = site.enabled_group(1)
        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)
        domain.drain()

        kinds = models.Operation.objects.filter(subject_id=group.pk).values_list("kind", flat=True)
        assert set(kinds) == {"create-group", "enable-replication", "delete-group"}
        assert models.Event.objects.filter(group_id=group.pk).exists()

    def test_that_fails_can_be_done_again(self, site):
        group = site.new_group(2)
        site.control.add_fault(call="delete_volume", action="fail", volume=1, times=1)
        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)
        domain.drain()
        group.refresh_from_db()
        assert group.status == "error_deleting"

        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)
        domain.drain()

        assert not models.Group.objects.exists()

    def test_a_volume_of_a_group_is_refused_on_its_own(self, site):
        group = site.new_group(1)

        with pytest.raises(errors.WrongState, match="belong to a group"):
            volumes.delete(site.owner, volume_id=domain.members(group)[0].pk)

    def test_a_group_with_volumes_needs_the_flag(self, site):
        group = site.new_group(1)

        with pytest.raises(errors.InvalidInput, match="delete-volumes flag"):
            groups.delete(site.owner, group_id=group.pk)


class TestEpochs:
    def test_a_volume_that_left_a_group_can_be_deleted_on_its_own(self, site):
        group = site.enabled_group(2)
        for _ in range(3):
            domain.run_round(group)
        gone = domain.members(group)[0]
        groups.update(site.owner, group_id=group.pk, remove_volumes=[str(gone.pk)])
        domain.drain()

        volumes.delete(site.owner, volume_id=gone.pk)
        domain.drain()

        assert not models.Volume.objects.filter(pk=gone.pk).exists()

    def test_a_group_can_be_enabled_with_a_volume_that_has_seen_more_operations_than_it(self, site):
        extra = volumes.create(site.owner, size_gib=1, volume_type="replicable")
        domain.drain()
        models.Volume.objects.filter(pk=extra.pk).update(epoch=40)
        group = site.new_group(1)

        groups.update(site.owner, group_id=group.pk, add_volumes=[str(extra.pk)])
        domain.drain()
        replication.enable(site.owner, group_id=group.pk)
        domain.drain()

        group.refresh_from_db()
        assert group.epoch > 40
        assert group.replication_status == "enabled"

    def test_a_group_can_be_deleted_with_a_volume_whose_creation_took_more_attempts_than_the_group_has_seen(self, site):
        group = site.new_group(0)
        site.control.add_fault(call="create_volume", action="fail-retryable", times=4)
        volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk)
        domain.drain_with_retries()

        groups.delete(site.owner, group_id=group.pk, delete_volumes=True)
        domain.drain()

        assert not models.Group.objects.filter(pk=group.pk).exists(), domain.last_operation(group).error
