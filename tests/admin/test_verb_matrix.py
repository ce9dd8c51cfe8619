"""Every verb of every page: none acts by GET, and none by POST without its permission."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import models as db
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from groups import models
from groups.admin.verbs import Verb, VerbsMixin
from groups.services import policies, replication, sites
from tests.admin.conftest import Cast, rows
from tests.support.domain import Site

POSTED = {
    "mode": "unplanned",
    "target": "site-b",
    "to": "error",
    "reason": "x",
    "name": "y",
    "confirmed_name": "array",
    "concurrency": "5",
}


def admins() -> list[VerbsMixin]:
    return [each for each in admin.site._registry.values() if isinstance(each, VerbsMixin) and each.verbs]


def subjects(site: Site) -> dict[type[db.Model], db.Model]:
    """Return a row of every model whose pages offer verbs; a new one has to be added here."""
    group = site.enabled_group(1)
    operation = replication.failover(site.owner, group_id=site.enabled_group(1).pk)
    lone = site.new_group(1).volumes.get()
    finding = models.Finding.objects.create(
        code="active-elsewhere",
        severity="critical",
        subject_id=group.pk,
        group=group,
        project_id=group.project_id,
        seen_at=timezone.now(),
    )
    token = models.Token.objects.create(
        digest="0" * 64,
        user=get_user_model().objects.get(username="ada"),
        project=site.project,
        audit_id="a",
        expires_at=timezone.now(),
    )
    run = sites.start(site.admin, backend="array", mode="planned")
    plan = models.DrillPlan.objects.create(name="weekly", project=site.project, backend=site.backend)
    about = {"plan": plan, "group": group, "subject_id": group.pk, "kind": "test-copy", "trigger": "requested"}
    drill = models.DrillRun.objects.create(
        **about, project=site.project, planned_at=timezone.now(), start_at=timezone.now()
    )
    gap = models.DrillGap.objects.create(run=drill, code="left-behind", severity="warning", title="A copy is left.")
    kept = {"project": site.project, "user_id": "u", "backend": site.backend, "status": "available"}
    snapshots = [
        models.Snapshot.objects.create(**kept, volume=lone, size_gib=1),
        models.GroupSnapshot.objects.create(**kept, group=group, group_type=site.group_type),
    ]
    known = [
        *snapshots,
        plan,
        drill,
        gap,
        group,
        operation,
        lone,
        finding,
        token,
        run,
        site.backend,
        site.group_type,
        site.volume_type,
    ]
    return {type(row): row for row in known}


def offered(site: Site) -> Iterator[tuple[type[Verb], str]]:
    """Yield every verb with the address of its page."""
    found = subjects(site)
    for each in admins():
        row = found[each.model]
        for verb in each.verbs:
            yield verb, reverse(f"admin:{each._verb_url_name(verb)}", args=(row.pk,))


@pytest.mark.unjudged("rows are made by hand")
def test_no_verb_of_any_page_is_done_by_get_or_without_its_permission(site: Site, cast: Cast):
    verbs = list(offered(site))
    anonymous = Client()
    before = rows()

    for verb, address in verbs:
        needs_admin = policies.role_for(verb.rule) == "admin"
        refused = [cast.reader, cast.stranger, *([cast.member] if needs_admin else [])]
        codes = [getattr(browser, how)(address, POSTED).status_code for browser in refused for how in ("get", "post")]
        assert set(codes) == {403}, address
        assert anonymous.post(address, POSTED).status_code == 302, address
        for how in ("get", "head", "put", "delete"):
            getattr(cast.admin, how)(address)
        assert cast.admin.get(address).status_code == 200, address

    assert rows() == before
    assert len(verbs) >= 35


@pytest.mark.unjudged("rows are made by hand")
def test_no_verb_is_done_by_a_post_from_another_site(site: Site, cast: Cast):
    verbs = list(offered(site))
    cast.admin.handler.enforce_csrf_checks = True
    before = rows()

    codes = {address: cast.admin.post(address, POSTED).status_code for _, address in verbs}

    assert set(codes.values()) == {403}
    assert rows() == before
