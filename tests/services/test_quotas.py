"""Quotas: nothing goes beyond them, however many ask at once, and what is deleted counts no more."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from groups import errors, models, specs
from groups.queries import quotas as found
from groups.services import extending, group_snapshots, groups, quotas, snapshots, types, volumes
from tests.services.test_replication import every_row
from tests.support import domain


def limit(site: domain.Site, **limits: int) -> None:
    quotas.set_for_project(site.admin, project_id=site.project.pk, limits=limits)


def new_volume(site: domain.Site, *, size_gib: int = 1) -> models.Volume:
    return volumes.create(site.owner, size_gib=size_gib, volume_type="replicable")


def new_group(site: domain.Site) -> models.Group:
    return groups.create(site.owner, group_type="replicated", volume_types=["replicable"])


class TestALimit:
    @pytest.mark.parametrize(
        "limits, ask, match",
        [
            ({"volumes": 1}, new_volume, r"Maximum number of volumes allowed \(1\) exceeded for quota 'volumes'"),
            ({"volumes_replicable": 1}, new_volume, "exceeded for quota 'volumes_replicable'"),
            ({"gigabytes": 2}, lambda site: new_volume(site, size_gib=2), "Requested 2G, quota is 2G and 1G has been"),
            ({"gigabytes_replicable": 1}, new_volume, "exceeds allowed gigabytes_replicable quota"),
            ({"per_volume_gigabytes": 1}, lambda site: new_volume(site, size_gib=2), "larger than maximum allowed"),
            ({"groups": 0}, new_group, r"Maximum number of groups allowed \(0\) exceeded for quota 'groups'"),
        ],
    )
    def test_refuses_what_goes_beyond_it_and_leaves_every_row_as_it_was(self, site, limits, ask, match):
        new_volume(site)
        domain.drain()
        limit(site, **limits)
        before = every_row()

        with pytest.raises(errors.OverQuota, match=match):
            ask(site)

        assert every_row() == before

    def test_of_nothing_is_none(self, site):
        limit(site, volumes=-1)

        assert new_volume(site)

    def test_of_the_default_class_holds_for_projects_without_one_of_their_own(self, site):
        quotas.set_for_class(site.admin, name="default", limits={"groups": 0, "volumes": 0})
        limit(site, groups=1)

        assert new_group(site)
        with pytest.raises(errors.OverQuota):
            new_volume(site)
        quotas.forget(site.admin, project_id=site.project.pk)
        with pytest.raises(errors.OverQuota):
            new_group(site)

    def test_of_the_site_holds_where_nobody_set_another(self, site, settings):
        settings.REPLSITE = settings.REPLSITE.model_copy(update={"quotas": ("volumes=0",)})

        with pytest.raises(errors.OverQuota):
            new_volume(site)
        limit(site, volumes=1)
        assert new_volume(site)

    def test_counts_no_more_what_was_deleted(self, site):
        limit(site, volumes=1)
        volume = new_volume(site)
        domain.drain()
        with pytest.raises(errors.OverQuota):
            new_volume(site)

        volumes.delete(site.owner, volume_id=volume.pk)
        domain.drain()

        assert new_volume(site)

    def test_lowered_below_what_is_there_takes_nothing_away(self, site):
        volume = new_volume(site)
        limit(site, volumes=0)

        assert models.Volume.objects.filter(pk=volume.pk).exists()
        assert found.in_use(site.project.pk)["volumes"] == 1

    def test_is_set_by_admins_alone(self, site):
        with pytest.raises(errors.Forbidden, match="volume_extension:quotas:update"):
            quotas.set_for_project(site.owner, project_id=site.project.pk, limits={"volumes": 1})

    @pytest.mark.parametrize(
        "limits, match",
        [
            ({"bogus": 1}, r"Bad key\(s\) in quota set: bogus"),
            ({"groups": -2}, "groups must be >= -1"),
            ({"groups": 2**31}, "groups must be <= 2147483647"),
        ],
    )
    def test_that_makes_no_sense_is_refused(self, site, limits, match):
        with pytest.raises(errors.InvalidInput, match=match):
            limit(site, **limits)


class TestWhatIsMadeFromSomethingElse:
    @pytest.fixture
    def group(self, site):
        return site.new_group(2)

    @pytest.mark.parametrize(
        "limits, ask",
        [
            ({"snapshots": 1}, lambda site, group: group_snapshots.create(site.owner, group_id=group.pk)),
            ({"gigabytes": 3}, lambda site, group: group_snapshots.create(site.owner, group_id=group.pk)),
            ({"groups": 1}, lambda site, group: group_snapshots.create_group(site.owner, source_group_id=group.pk)),
            ({"volumes": 3}, lambda site, group: group_snapshots.create_group(site.owner, source_group_id=group.pk)),
            (
                {"snapshots_replicable": 0},
                lambda site, group: snapshots.create(site.owner, volume_id=domain.members(group)[0].pk),
            ),
            (
                {"gigabytes": 3},
                lambda site, group: extending.extend(site.owner, volume_id=domain.members(group)[0].pk, size_gib=3),
            ),
            (
                {"per_volume_gigabytes": 2},
                lambda site, group: extending.extend(site.owner, volume_id=domain.members(group)[0].pk, size_gib=3),
            ),
        ],
    )
    def test_is_counted_too(self, site, group, limits, ask):
        limit(site, **limits)
        before = every_row()

        with pytest.raises(errors.OverQuota):
            ask(site, group)

        assert every_row() == before

    def test_is_counted_by_its_new_type_when_that_changes(self, site):
        volume = new_volume(site)
        domain.drain()
        types.create(site.admin, family=types.VOLUME, name="rare", spec_values={specs.REPLICATION: specs.TRUE})
        limit(site, volumes_rare=0, volumes=1)

        with pytest.raises(errors.OverQuota, match="volumes_rare"):
            volumes.retype(site.admin, volume_id=volume.pk, new_type="rare")


class TestTwentyCallersAtOnce:
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize(
        "limits, ask", [({"volumes": 5}, new_volume), ({"gigabytes": 5}, new_volume), ({"groups": 5}, new_group)]
    )
    def test_never_overshoot(self, site, limits, ask):
        limit(site, **limits)
        gate, accepted, refused = threading.Barrier(20), [], []

        def caller() -> None:
            gate.wait()
            try:
                accepted.append(ask(site))
            except errors.OverQuota as error:
                refused.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=caller) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert (len(accepted), len(refused)) == (5, 15)
        domain.drain()


def test_without_limits_nothing_is_counted_or_locked(site, django_assert_num_queries):
    with django_assert_num_queries(1):
        quotas.require(site.project.pk, found.Amount(volumes=1, gigabytes=1, volume_type="replicable"))
