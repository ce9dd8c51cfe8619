"""A running site with all its processes for each module, and Debian's Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from drivers.fake.control import Control
from tests.clients import livesite
from tests.console.driving import FLAGS, Person

CHROMIUM = "/usr/bin/chromium"

# Somebody of the staff who may look at everything of ours, and do nothing.
_READER = """
from django.contrib.auth.models import Permission, User
user = User.objects.get(username="rita")
user.is_staff = True
user.save()
user.user_permissions.set(Permission.objects.filter(codename__startswith="view_", content_type__app_label="groups"))
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[livesite.LiveSite]:
    """A site with web, worker and beat, an admin, and a reader of the staff."""
    folder = tmp_path_factory.mktemp("console")
    first = (
        ("add_user", "rita", "--project", "admin", "--role", "reader", "--password", livesite.PASSWORD),
        ("shell", "--command", _READER),
    )
    with livesite.running(folder, with_beat=True, first=first, observe_seconds="2", heartbeat_seconds="1") as site:
        yield site


@pytest.fixture
def storage(stage: livesite.LiveSite) -> Control:
    """Power over the fake storage of the site's backend."""
    return Control(folder=stage.folder / "fake" / livesite.BACKEND)


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Debian's Chromium. One a test: its loop must not go on under the tests of other rooms."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture
def person(browser: Browser, stage: livesite.LiveSite) -> Iterator[Callable[..., Person]]:
    """Open windows; at the end no page may have failed, or have asked anybody but us for anything."""
    opened: list[Person] = []

    def open_window(**options: object) -> Person:
        opened.append(Person(browser, stage.address, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_window
    errors = [error for each in opened for error in each.errors]
    for each in opened:
        each.end()
    assert errors == []
