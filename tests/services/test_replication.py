"""What the verbs refuse, in which words, and that a refusal leaves no trace."""

from __future__ import annotations

import threading

import pytest
from django.apps import apps
from django.db import connection

from groups import errors, models
from groups.services import groups, replication, volumes
from tests.support import domain


def every_row() -> dict[str, list[dict[str, object]]]:
    """Return all rows of all our tables."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in apps.get_app_config("groups").get_models()
    }


def spoil(**changes: object):
    def work(site, group):
        models.Group.objects.filter(pk=group.pk).update(**changes)

    return work


def spoil_volume(**changes: object):
    """Change the last member only: what was checked before it must stay untouched too."""

    def work(site, group):
        models.Volume.objects.filter(pk=domain.members(group)[-1].pk).update(**changes)

    return work


def unreplicated_group_type(site, group):
    models.GroupSpec.objects.all().update(value="<is> true")


def unreplicable_volume_type(site, group):
    models.ExtraSpec.objects.all().delete()


VERBS = {
    "enable": (replication.enable, {}),
    "disable": (replication.disable, {}),
    "failover": (replication.failover, {}),
}
REFUSED = [
    ("enable", unreplicated_group_type, "is not a replication group type"),
    ("disable", unreplicated_group_type, "is not a replication group type"),
    ("failover", unreplicated_group_type, "is not a replication group type"),
    ("enable", unreplicable_volume_type, "does not have 'replication_enabled' spec key set to '<is> True'"),
    ("enable", spoil(status="error"), "status must be .'available'., but current status is: error. Cannot enable"),
    ("failover", spoil(status="error"), "but current status is: error. Cannot failover replication"),
    ("disable", spoil(status="updating"), "'available', 'error'.*updating. Cannot disable replication"),
    ("enable", spoil(replication_status="failed-over"), "failed-over. Cannot enable replication"),
    ("disable", spoil(replication_status="failed-over"), "failed-over. Cannot disable replication"),
    ("disable", spoil(replication_status="disabled"), "disabled. Cannot disable replication"),
    ("failover", spoil(replication_status="disabled"), "disabled. Cannot failover replication"),
    ("enable", spoil_volume(status="error"), "Volume .* status must be .*error. Cannot enable replication"),
    ("failover", spoil_volume(replication_status="disabled"), "replication status must be .*disabled. Cannot failover"),
    ("failover", spoil_volume(status="in-use"), "is attached but allow_attached_volume flag is False"),
    ("enable", spoil(active_backend_id="site-b"), "is active on site-b"),
]


class TestARefusal:
    @pytest.mark.unjudged("rows are spoiled by hand to be refused")
    @pytest.mark.parametrize("verb, prepare, words", REFUSED)
    def test_says_why_in_cinder_s_words_and_leaves_every_row_as_it_was(self, site, verb, prepare, words):
        group = site.enabled_group(3)
        prepare(site, group)
        before = every_row()

        with pytest.raises(errors.WrongState, match=words):
            VERBS[verb][0](site.owner, group_id=group.pk)

        assert every_row() == before

    def test_of_an_unknown_target_names_the_valid_ones_and_leaves_every_row_as_it_was(self, site):
        group = site.enabled_group(2)
        before = every_row()

        with pytest.raises(errors.InvalidInput, match="site-b, site-c, and 'default'"):
            replication.failover(site.owner, group_id=group.pk, secondary_backend_id="site-d")

        assert every_row() == before

    @pytest.mark.parametrize("verb", sorted(VERBS))
    def test_to_a_reader_is_forbidden_and_names_the_rule(self, site, verb):
        group = site.enabled_group(1)
        before = every_row()

        with pytest.raises(errors.Forbidden, match=f"group:{verb}_replication"):
            VERBS[verb][0](site.reader, group_id=group.pk)

        assert every_row() == before

    @pytest.mark.parametrize("verb", sorted(VERBS))
    def test_to_an_outsider_says_that_there_is_no_such_group(self, site, verb):
        group = site.enabled_group(1)

        with pytest.raises(errors.NotFound, match="could not be found"):
            VERBS[verb][0](site.outsider, group_id=group.pk)


class TestWhileAnOperationIsOpen:
    """Cinder accepts all of these in mid-failover."""

    @pytest.fixture
    def busy(self, site):
        group = site.enabled_group(2)
        replication.failover(site.owner, group_id=group.pk)
        return group

    @pytest.mark.parametrize(
        "attempt",
        [
            lambda site, group: replication.failover(site.owner, group_id=group.pk),
            lambda site, group: replication.disable(site.owner, group_id=group.pk),
            lambda site, group: groups.delete(site.owner, group_id=group.pk, delete_volumes=True),
            lambda site, group: groups.update(
                site.owner, group_id=group.pk, remove_volumes=[str(domain.members(group)[0].pk)]
            ),
            lambda site, group: volumes.create(site.owner, size_gib=1, volume_type="replicable", group_id=group.pk),
            lambda site, group: groups.reset_status(site.admin, group_id=group.pk, status="error"),
            lambda site, group: replication.reset(
                site.admin, group_id=group.pk, replication_status="enabled", reason="impatience"
            ),
        ],
        ids=[
            "failover",
            "disable",
            "delete",
            "remove a volume",
            "create a volume",
            "reset status",
            "reset replication",
        ],
    )
    def test_what_would_disturb_it_is_refused_and_leaves_every_row_as_it_was(self, site, busy, attempt):
        before = every_row()

        with pytest.raises(errors.WrongState):
            attempt(site, busy)

        assert every_row() == before

    def test_a_rename_is_harmless_and_accepted(self, site, busy):
        groups.update(site.owner, group_id=busy.pk, name="new name")

        busy.refresh_from_db()
        assert busy.name == "new name"


class TestOppositeVerbs:
    @pytest.mark.django_db(transaction=True)
    def test_from_20_callers_at_once_are_accepted_once(self, site):
        group = site.enabled_group(3)
        gate = threading.Barrier(20)
        accepted, refused = [], []

        def ask(number: int) -> None:
            verb = replication.disable if number % 2 else replication.failover
            gate.wait()
            try:
                accepted.append(verb(site.owner, group_id=group.pk))
            except errors.WrongState as error:
                refused.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert (len(accepted), len(refused)) == (1, 19)
        domain.drain()
        group.refresh_from_db()
        expected = "disabled" if accepted[0].kind == "disable-replication" else "failed-over"
        assert group.replication_status == expected


class TestResetting:
    def test_the_replication_status_needs_a_reason_and_an_admin(self, site):
        group = site.enabled_group(1)

        with pytest.raises(errors.InvalidInput, match="reason"):
            replication.reset(site.admin, group_id=group.pk, replication_status="disabled", reason=" ")
        with pytest.raises(errors.Forbidden):
            replication.reset(site.owner, group_id=group.pk, replication_status="disabled", reason="because")

    def test_the_replication_status_covers_the_volumes_and_is_kept_with_its_reason(self, site):
        group = site.enabled_group(2)

        replication.reset(site.admin, group_id=group.pk, replication_status="disabled", reason="array replaced")

        group.refresh_from_db()
        assert group.replication_status == "disabled"
        assert {volume.replication_status for volume in domain.members(group)} == {"disabled"}
        event = models.Event.objects.first()
        assert (event.reason, event.actor, event.volumes) == ("array replaced", "admin", 2)

    def test_the_group_s_own_status_leaves_the_replication_status_alone(self, site):
        group = site.enabled_group(1)

        groups.reset_status(site.admin, group_id=group.pk, status="ERROR")

        group.refresh_from_db()
        assert (group.status, group.replication_status) == ("error", "enabled")


class TestListingTargets:
    def test_shows_nobody_a_secret(self, site):
        group = site.new_group(1)

        shown = replication.list_targets(site.admin, group_id=group.pk)

        assert [target.backend_id for target in shown] == ["site-b", "site-c"]
        assert domain.SECRET not in str(shown)
        assert shown[0].options["password"] == "********"

    def test_shows_only_names_to_a_member(self, site):
        group = site.new_group(1)

        assert all(target.options == {} for target in replication.list_targets(site.owner, group_id=group.pk))

    def test_works_with_every_site_down(self, site):
        group = site.new_group(1)
        for side in ("", "site-b", "site-c"):
            site.control.site_down(side)

        assert len(replication.list_targets(site.owner, group_id=group.pk)) == 2
