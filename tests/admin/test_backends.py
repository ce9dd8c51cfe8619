"""A backend's page: what a worker saw of its sides."""

from __future__ import annotations

import datetime

from django.urls import reverse
from django.utils import timezone

from groups import models
from groups.engine import connecting
from tests.admin.conftest import Cast, page, rows, text
from tests.support.domain import Site


def test_asking_for_a_look_waits_for_a_worker_and_then_shows_what_it_saw(site: Site, cast: Cast):
    site.control.site_down("site-b")
    live = reverse("admin:groups_backend_live", args=(site.backend.pk,))

    waiting = text(cast.admin.post(page(site.backend, "check-connection"), follow=True))
    polled = cast.admin.get(live)
    connecting.check(check_id=models.ConnectionCheck.objects.get().pk, owner="worker-1")
    seen = text(cast.admin.get(page(site.backend)))

    assert live in waiting
    assert "Waiting for a worker" in text(polled)
    assert cast.admin.get(live).status_code == 286
    assert "does not answer</span> secondary &#x27;site-b&#x27;" in seen
    assert live not in seen


def test_a_look_that_nobody_took_is_said_to_be_lost(site: Site, cast: Cast):
    cast.admin.post(page(site.backend, "check-connection"))
    models.ConnectionCheck.objects.update(created_at=timezone.now() - datetime.timedelta(minutes=1))

    shown = text(cast.admin.get(page(site.backend)))

    assert "No worker has looked." in shown
    assert "/live/" not in shown


def test_only_those_who_manage_backends_may_ask_for_a_look(site: Site, cast: Cast):
    before = rows()

    codes = [browser.post(page(site.backend, "check-connection")).status_code for browser in (cast.member, cast.reader)]

    assert codes == [403, 403]
    assert rows() == before


def test_what_is_changed_with_djangos_forms_is_in_the_audit_trail(site: Site, cast: Cast):
    wanted = {"name": "store", "enabled": "on", "description": "new", "role_assignments-TOTAL_FORMS": "0"}
    wanted |= {"role_assignments-INITIAL_FORMS": "0"}

    answer = cast.admin.post(page(site.project), wanted)

    kept = models.AuditEntry.objects.latest("id")
    assert answer.status_code == 302
    assert (kept.user_name, kept.action, kept.door) == ("ada", "project:change", "console")
    assert kept.detail == "Changed Name and Description."
    assert "Changed Name and Description." in text(cast.admin.get(page(kept)))
