"""An operator's night at the console, in a real browser on a real site: from the first log-in to the last way out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from drivers.fake.control import Control
from tests.clients.livesite import LiveSite
from tests.console.driving import Person, audited

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("console")]

GROUP = "orders"


def test_an_operator_sets_up_moves_and_mends_a_group(
    stage: LiveSite, storage: Control, person: Callable[..., Person]
) -> None:
    ada = person()
    found: list[str] = []

    ada.go("/admin/").sees("Log in")
    ada.log_in(password="wrong").sees("correct username and password")
    found += ada.complaints()
    ada.log_in().sees("There is no group yet.")
    found += ada.complaints()

    _make_types(ada, found)
    _make_group(ada)
    found += ada.complaints()
    _enable_with_live_progress(ada, storage)
    group_page = _group_page(ada)
    found += ada.complaints()

    _move(ada.go(group_page), "Fail over", how="planned", found=found)
    ada.go(group_page).sees("failed-over", "out of date")
    _move(ada, "Fail back", how="planned", found=found)
    _move_unplanned(ada.go(group_page))

    _a_failing_driver_names_its_remedy(ada.go(group_page), storage, found)
    _cancel(ada.go(group_page), storage)

    assert found == []


def test_somebody_without_the_right_sees_everything_and_can_do_nothing(
    stage: LiveSite, person: Callable[..., Person]
) -> None:
    rita = person().log_in("rita")
    rita.go("/admin/groups/backend/").press("array").sees("Known to clients as")

    assert rita.page.locator(".c-page form").count() == 0
    address = rita.page.url.replace("/change/", "/failover-site/")
    rita.go(address).sees("You are not allowed to do this", "Nothing was changed")
    assert rita.complaints() == []


def test_nobody_is_kept_from_using_a_list_or_a_form(stage: LiveSite, person: Callable[..., Person]) -> None:
    names = ("group", "operation", "finding", "auditentry", "sitefailover", "attachment", "siteobjectives")
    names += ("drillplan", "drillrun", "drillgap")
    lists = [f"/admin/groups/{name}/" for name in names]
    forms = ["/admin/groups/group/add/", "/admin/groups/volumetype/add/", "/admin/groups/backend/add/?driver=fake"]
    forms += ["/admin/groups/drillplan/add/", "/admin/groups/drillrun/coverage/"]

    found = audited(person(theme="dark").log_in(), ["/admin/", *lists, *forms])

    assert found == []


def _make_types(ada: Person, found: list[str]) -> None:
    for kind, name, key in (
        ("volumetype", "replicable", "replication_enabled"),
        ("grouptype", "replicated", "consistent_group_replication_enabled"),
    ):
        ada.go(f"/admin/groups/{kind}/add/")
        ada.page.fill("input[name=name]", name)
        ada.page.fill("input[name=form-0-key]", key)
        ada.page.fill("input[name=form-0-value]", "<is> True")
        ada.submit().sees("was created")
        found += ada.complaints()


def _make_group(ada: Person) -> None:
    ada.go("/admin/groups/group/add/")
    ada.page.fill("input[name=name]", GROUP)
    ada.page.get_by_label("replicable").check()
    ada.submit().sees("is being created", "available")
    for name in ("data", "log"):
        ada.press("Add a volume")
        ada.page.fill("input[name=name]", name)
        ada.page.fill("input[name=size_gib]", "1")
        ada.submit().sees("is being created")
        ada.go("/admin/groups/group/")
        ada.row(GROUP).get_by_role("link", name=GROUP).click()
    expect(ada.row("log")).to_contain_text("available")


def _enable_with_live_progress(ada: Person, storage: Control) -> None:
    fault = storage.add_fault(call="enable_replication", action="slow", seconds=3, volume=2, times=1)
    ada.press("Enable replication").sees("Every volume is copied to every target", "Checked before")
    ada.submit().sees("was accepted as operation", "Steps")
    # Nobody reloads: the page follows by itself, and stops asking at the end.
    ada.sees("copy", "running", "succeeded")
    expect(ada.page.locator("[hx-trigger='every 1s']")).to_have_count(0)
    storage.clear_faults(fault)


def _group_page(ada: Person) -> str:
    ada.go("/admin/groups/group/")
    ada.row(GROUP).get_by_role("link", name=GROUP).click()
    ada.sees("enabled", "What can be done", "active, may be written", "receives", "Lag over time")
    return ada.page.url


def _move(ada: Person, verb: str, *, how: str, found: list[str]) -> None:
    ada.press(verb).sees("Checked before", "Planned loses nothing")
    found += ada.complaints()
    ada.choose("mode", how).submit().sees("was accepted as operation", "succeeded")
    found += ada.complaints()


def _move_unplanned(ada: Person) -> None:
    ada.press("Fail over").sees("Would be lost unplanned")
    ada.choose("mode", "unplanned").submit().sees(f"Unplanned may lose data: type {GROUP} here.")
    ada.page.fill("input[name=confirmed_name]", GROUP)
    ada.choose("mode", "unplanned").submit().sees("succeeded")
    address = ada.page.url
    ada.go("/admin/groups/group/")
    ada.row(GROUP).get_by_role("link", name=GROUP).click()
    ada.press("Fail back").choose("mode", "planned").submit().sees("succeeded")
    assert ada.page.url != address


def _a_failing_driver_names_its_remedy(ada: Person, storage: Control, found: list[str]) -> None:
    storage.add_fault(call="promote", action="fail", times=2)
    ada.press("Fail over").choose("mode", "planned").submit()
    ada.sees("failed", "In step promote", "What is true now", "mend what it reports, then run the operation again")
    found += ada.complaints()
    storage.clear_faults()
    ada.go("/admin/").sees("1 group needs somebody now", "Failed in the last 7 days")
    found += ada.complaints()
    ada.page.locator(".c-item a", has_text="Failover").first.click()
    ada.press("Run again").sees("The same is asked for again").submit().sees("succeeded")
    ada.go("/admin/groups/group/")
    ada.row(GROUP).get_by_role("link", name=GROUP).click()
    ada.press("Fail back").choose("mode", "planned").submit().sees("succeeded")


def _cancel(ada: Person, storage: Control) -> None:
    storage.add_fault(call="replicate", action="hang")
    ada.press("Fail over").choose("mode", "planned").submit().sees("final round")
    ada.press("Cancel").sees("stops at its next safe place").submit()
    ada.sees("canceled", "What is true now")
    storage.clear_faults()
