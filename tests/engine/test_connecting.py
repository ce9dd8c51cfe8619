"""Somebody asks whether a backend's sides answer, and a worker looks."""

from __future__ import annotations

from groups import models
from groups.engine import connecting
from groups.services import backends
from tests.support.domain import SECRET, Site


def test_a_worker_says_which_sides_answer(site: Site):
    site.control.site_down("site-c")
    check = backends.check_connection(site.admin, name="array")

    connecting.check(check_id=check.pk, owner="worker-1")

    check.refresh_from_db()
    assert check.sides == [
        {"name": "the primary", "reachable": True},
        {"name": "secondary 'site-b'", "reachable": True},
        {"name": "secondary 'site-c'", "reachable": False},
    ]
    assert (check.worker, check.error, check.done_at is None) == ("worker-1", "", False)


def test_a_driver_that_fails_is_told_with_what_to_do_and_without_secrets(site: Site):
    site.control.add_fault(call="check_connection", action="fail")
    check = backends.check_connection(site.admin, name="array")

    connecting.check(check_id=check.pk, owner="worker-1")

    check.refresh_from_db()
    assert "told to fail" in check.error
    assert check.remedy
    assert SECRET not in str(models.ConnectionCheck.objects.values().get())


def test_a_message_that_comes_twice_looks_once(site: Site):
    check = backends.check_connection(site.admin, name="array")

    looked = [connecting.check(check_id=check.pk, owner=owner) for owner in ("first", "second")]

    check.refresh_from_db()
    assert looked == [True, False]
    assert check.worker == "first"
    assert len(site.control.log(method="check_connection")) == 1


def test_only_the_newest_look_at_a_backend_is_kept(site: Site):
    old, new = (backends.check_connection(site.admin, name="array") for _ in range(2))

    assert connecting.check(check_id=old.pk, owner="late") is False
    assert list(models.ConnectionCheck.objects.all()) == [new]
