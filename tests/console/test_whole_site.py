"""A site of fifty groups fails over from one page of the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.clients.livesite import LiveSite
from tests.console.driving import Person

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800), pytest.mark.xdist_group("console")]

GROUPS = 50


def test_fifty_groups_move_from_one_page_and_the_board_follows_them(
    stage: LiveSite, person: Callable[..., Person]
) -> None:
    stage.manage("shell", "--command", f"from tests.console import scene; scene.crowd({GROUPS})")
    ada = person().log_in().go("/admin/groups/backend/")
    ada.row("array").get_by_role("link", name="array").first.click()
    ada.press("Fail the site over").sees(f"{GROUPS} of {GROUPS} groups to site-b")

    ada.submit().sees("This may lose data: type array here.")
    ada.page.fill("input[name=confirmed_name]", "array")
    ada.page.fill("input[name=concurrency]", "8")
    ada.submit().sees("has begun", "groups settled")
    found = ada.complaints()

    expect(ada.page.locator("body")).to_contain_text(f"{GROUPS} of {GROUPS} groups moved", timeout=600_000)
    expect(ada.page.locator("[hx-trigger='every 2s']")).to_have_count(0)
    found += ada.complaints()
    ada.go("/admin/").sees(f"{GROUPS} run on a secondary")
    assert found == []
