"""Backends and their targets: options checked at once, secrets never in clear."""

from __future__ import annotations

import json

import pytest

from drivers.options import MASK
from groups import errors, models, sealing
from groups.services import backends
from tests.support import domain


def stored() -> str:
    """Return everything the database keeps of backends, as text."""
    rows = [*models.Backend.objects.values("options"), *models.ReplicationTarget.objects.values("options")]
    return json.dumps(rows, default=str)


class TestASecretOption:
    def test_is_encrypted_at_rest(self, site):
        assert domain.SECRET not in stored()

    def test_is_shown_to_nobody(self, site):
        target = models.ReplicationTarget.objects.get(backend_id="site-b")

        assert backends.shown_target_options(site.backend, target)["password"] == MASK

    def test_reaches_the_driver_in_clear(self, site):
        driver = domain.storage.driver_for(site.backend)

        assert driver.config.targets[0].options["password"] == domain.SECRET

    def test_given_back_as_it_was_shown_stays_as_it_was(self, site, tmp_path):
        backends.change(
            site.admin,
            name="array",
            options={"state": str(tmp_path / "storage")},
            targets={"site-b": {"host": "moved.example", "password": MASK}, "site-c": {}},
        )

        driver = domain.storage.driver_for(models.Backend.objects.get(name="array"))
        assert driver.config.targets[0].options == {"host": "moved.example", "password": domain.SECRET}

    def test_that_no_key_opens_can_be_entered_again(self, site, settings, tmp_path):
        settings.SECRET_KEY = "another key"

        backends.change(
            site.admin,
            name="array",
            options={"state": str(tmp_path / "storage")},
            targets={"site-b": {"password": "new"}, "site-c": {}},
        )

        driver = domain.storage.driver_for(models.Backend.objects.get(name="array"))
        assert driver.config.targets[0].options["password"] == "new"

    def test_opens_with_a_former_key_and_not_without_it(self, site, settings):
        target = models.ReplicationTarget.objects.get(backend_id="site-b")
        former, settings.SECRET_KEY = settings.SECRET_KEY, "another key"

        with pytest.raises(sealing.CannotUnseal, match="REPLSITE_SECRET_KEY"):
            sealing.unseal(target.options)
        settings.SECRET_KEY_FALLBACKS = [former]
        assert sealing.unseal(target.options)["password"] == domain.SECRET


class TestABackend:
    def test_that_is_enabled_again_keeps_no_reason_why_it_was_not(self, site, tmp_path):
        models.Backend.objects.update(enabled=False, disabled_reason="failed-over")
        given = {
            "name": "array",
            "options": {"state": str(tmp_path / "storage")},
            "targets": {"site-b": {"host": "b.example"}, "site-c": {"host": "c.example"}},
        }

        assert backends.change(site.admin, **given, enabled=False).disabled_reason == "failed-over"
        assert backends.change(site.admin, **given, enabled=True).disabled_reason == ""

    def test_with_wrong_options_is_refused_naming_every_problem_and_adds_nothing(self, site):
        with pytest.raises(errors.InvalidInput) as refused:
            backends.add(
                site.admin,
                name="broken",
                driver="fake",
                options={"state": "not/absolute", "color": "red"},
                targets={"site-b": {"shape": "round"}},
            )

        assert all(word in refused.value.message for word in ("state", "color", "target 'site-b'", "shape"))
        assert not models.Backend.objects.filter(name="broken").exists()

    def test_of_an_unknown_driver_is_refused_naming_the_known_ones(self, site):
        with pytest.raises(errors.InvalidInput, match="fake, qemu"):
            backends.add(site.admin, name="x", driver="floppy", options={}, targets={})

    def test_may_not_call_a_target_by_the_reserved_word(self, site):
        with pytest.raises(errors.InvalidInput, match="back to the primary"):
            backends.add(site.admin, name="x", driver="fake", options={}, targets={"default": {}})

    def test_is_not_removed_while_it_holds_groups(self, site):
        site.new_group(1)

        with pytest.raises(errors.InUse, match="1 groups"):
            backends.remove(site.admin, name="array")

    def test_keeps_its_targets_while_groups_are_replicated_to_them(self, site, tmp_path):
        site.enabled_group(1)

        with pytest.raises(errors.InUse, match="site-c"):
            backends.change(
                site.admin, name="array", options={"state": str(tmp_path / "storage")}, targets={"site-b": {}}
            )

    def test_is_managed_by_admins_only(self, site):
        with pytest.raises(errors.Forbidden):
            backends.remove(site.owner, name="array")
