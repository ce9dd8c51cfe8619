"""The pictures of the documentation: taken anew by `make pictures`, and no page is taken that somebody cannot use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.livesite import LiveSite
from tests.console.driving import PHONE, Person
from tests.support.processes import CHECKOUT

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800), pytest.mark.xdist_group("console")]

MOST_BYTES = 200_000


def test_every_main_page_is_taken_in_light_and_dark_and_on_a_phone(
    stage: LiveSite, person: Callable[..., Person], tmp_path: Path
) -> None:
    folder = CHECKOUT / os.environ["CONSOLE_PICTURES"] if "CONSOLE_PICTURES" in os.environ else tmp_path
    stage.manage("shell", "--command", "from tests.console import scene; scene.build()")
    ada = person().log_in().sees("1 group needs somebody now")
    pages = _pages(ada)
    found = []

    # A report's page lets no script run; the accessibility checker is one.
    report = pages.pop("report")
    found += _taken(person(bypass_csp=True).log_in(), *report, folder / "console-report.png")
    for name, (path, words) in pages.items():
        found += _taken(ada, path, words, folder / f"console-{name}.png")
    for suffix, options in (("dark", {"theme": "dark"}), ("phone", {"theme": "dark", "size": PHONE})):
        other = person(**options).log_in().sees("1 group needs somebody now")
        for name in ("overview", "group", "failover", "plan", "drill"):
            found += _taken(other, *pages[name], folder / f"console-{name}-{suffix}.png")

    assert found == []
    taken = sorted(folder.glob("console-*.png"))
    assert len(taken) >= len(pages) + 10
    assert [path.name for path in taken if path.stat().st_size > MOST_BYTES] == []


def _pages(ada: Person) -> dict[str, tuple[str, str]]:
    """Return where each page is, and what it says once it is whole."""
    group = _address(ada, "/admin/groups/group/", "webshop")
    backend = _address(ada, "/admin/groups/backend/", "array")
    ada.go(backend).press("Check connection").submit().sees("the primary")
    ada.go("/admin/").page.locator(".c-item a", has_text="of ledger").first.click()
    operation = ada.sees("What to do next").page.url
    volume = _address(ada, "/admin/groups/volume/", "orders-data")
    plan = _address(ada, "/admin/groups/drillplan/", "Webshop, weekly")
    ada.go("/admin/groups/drillrun/?verdict__exact=failed").row("webshop").get_by_role("link").first.click()
    drill = ada.sees("Ledger").page.url
    report = drill.replace("/change/", "/report.html")
    return {
        "overview": ("/admin/", "Who works"),
        "group": (group, "Lag over time"),
        "failover": (group.replace("/change/", "/failover/"), "Checked before"),
        "operation": (operation, "Who works on it"),
        "site": (backend.replace("/change/", "/failover-site/"), "Would be moved"),
        "backend": (backend, "What the driver saw"),
        "groups": ("/admin/groups/group/", "webshop"),
        "audit": ("/admin/groups/auditentry/", "enable-replication"),
        "plan": (plan, "Judged by"),
        "plan-form": (plan.replace("/change/", "/edit/"), "How it is judged"),
        "drill": (drill, "Ledger"),
        "report": (report, "Ledger"),
        "volume": (volume, "Used by"),
        "proofs": ("/admin/groups/drillrun/coverage/", "webshop"),
    }


def _address(ada: Person, listing: str, name: str) -> str:
    ada.go(listing)
    ada.row(name).get_by_role("link", name=name, exact=True).first.click()
    ada.page.wait_for_url("**/change/")
    return ada.page.url


def _taken(person: Person, path: str, words: str, file: Path) -> list[str]:
    person.go(path).sees(words)
    # The banner asks for its part once the page is there.
    person.page.wait_for_load_state("networkidle")
    person.picture(file)
    return person.complaints()
