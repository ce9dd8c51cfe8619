"""Findings in the console: seen by those who may, mended by POST, each page saying what it will do."""

from __future__ import annotations

import pytest
from django.urls import reverse

from groups import models
from groups.engine import observing
from tests.admin.conftest import Cast, page, rows, text
from tests.support import differing
from tests.support.domain import Site, drain, last_operation

FRONT = reverse("admin:index")
VERBS = ["adopt", "restore", "ignore", "heed"]


@pytest.fixture
def finding(site: Site) -> models.Finding:
    """A group that somebody moved behind our back, as a look found it."""
    differing.moved(site.enabled_group(2), to="site-b")
    observing.observe_all()
    return models.Finding.objects.get()


def test_the_front_page_shows_what_needs_somebody_and_what_to_do(cast: Cast, finding: models.Finding):
    shown = text(cast.admin.get(FRONT))

    assert "The storage holds the whole group active on another side than recorded." in shown
    assert "Adopt it, if the move was meant" in shown
    assert page(finding) in shown


def test_the_group_s_page_shows_it_too(cast: Cast, finding: models.Finding):
    assert page(finding) in text(cast.admin.get(page(finding.group)))


def test_its_page_says_what_is_recorded_and_what_is_there(cast: Cast, finding: models.Finding):
    shown = text(cast.reader.get(page(finding)))

    assert "Active on the primary." in shown
    assert "active on secondary &#x27;site-b&#x27;" in shown


def test_no_verb_changes_anything_by_get(cast: Cast, finding: models.Finding):
    before = rows()

    answers = {verb: cast.admin.get(page(finding, verb)).status_code for verb in VERBS}

    assert answers == dict.fromkeys(VERBS, 200)
    assert rows() == before


def test_no_verb_is_done_or_shown_to_who_is_no_admin(cast: Cast, finding: models.Finding):
    before = rows()

    codes = {
        getattr(browser, method)(page(finding, verb), {"reason": "x"}).status_code
        for browser in (cast.member, cast.reader, cast.stranger)
        for verb in VERBS
        for method in ("get", "post")
    }

    assert codes == {403}
    assert rows() == before


def test_adopting_records_what_is_there(cast: Cast, finding: models.Finding):
    answer = cast.admin.post(page(finding, "adopt"), {"reason": "moved by hand"})
    drain()

    assert answer.status_code == 302
    group = models.Group.objects.get(pk=finding.group_id)
    assert (group.replication_status, group.active_backend_id) == ("failed-over", "site-b")


def test_restoring_asks_how_much_may_be_discarded_and_moves_back(cast: Cast, finding: models.Finding):
    assert "Bytes that may be discarded" in text(cast.admin.get(page(finding, "restore")))

    answer = cast.admin.post(page(finding, "restore"), {"reason": "a mistake", "discard_bytes": "0"})
    drain()

    assert answer.status_code == 302
    assert last_operation(finding.group).state == "succeeded"
    assert last_operation(finding.group).kind == "restore"


def test_without_a_reason_nothing_is_done(cast: Cast, finding: models.Finding):
    before = rows()

    answer = cast.admin.post(page(finding, "adopt"), {"reason": ""})

    assert answer.status_code == 400
    assert rows() == before


def test_ignoring_takes_it_off_the_front_page_until_it_is_heeded(cast: Cast, finding: models.Finding):
    wanted = {"until_0": "2027-01-31", "until_1": "08:00:00", "reason": "being moved"}

    assert cast.admin.post(page(finding, "ignore"), wanted).status_code == 302
    assert page(finding) not in text(cast.admin.get(FRONT))
    assert "being moved" in text(cast.admin.get(page(finding)))

    assert cast.admin.post(page(finding, "heed")).status_code == 302
    assert page(finding) in text(cast.admin.get(FRONT))


def test_what_is_gone_says_so_and_offers_nothing(cast: Cast, finding: models.Finding):
    differing.moved(models.Group.objects.get(), to="")
    models.Finding.objects.update(closed_at="2026-11-22T00:00:00Z")

    shown = text(cast.admin.get(page(finding)))

    assert "gone since" in shown
    assert "It is seen no more." in shown
