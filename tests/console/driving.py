"""A browser in the hands of a person at the console, who also looks whether everybody could use the page."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.clients.livesite import PASSWORD
from tests.support.processes import CHECKOUT

AXE = CHECKOUT / "tests" / "console" / "node_modules" / "axe-core" / "axe.min.js"
# Chromium as root, alone on the machine, and calling nobody.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, PHONE = (1280, 900), (390, 844)
SECONDS = 45
_COLORS = 64
_HIGHEST = 1500
"""How much of a long page a picture shows."""

Theme = Literal["light", "dark"]


class Person:
    """One user of the console with a window of their own."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        *,
        theme: Theme = "light",
        size: tuple[int, int] = WIDE,
        script: bool = True,
        bypass_csp: bool = False,
    ) -> None:
        self.address = address
        self._size = size
        viewport: Any = {"width": size[0], "height": size[1]}
        self._context = browser.new_context(
            viewport=viewport,
            color_scheme=theme,
            java_script_enabled=script,
            locale="en-US",
            bypass_csp=bypass_csp,
        )
        self._context.set_default_timeout(SECONDS * 1000)
        self.page: Page = self._context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self._note_stranger(request.url))

    def log_in(self, user: str = "admin", *, password: str = PASSWORD) -> Person:
        """Log in with a name and a password."""
        self.go("/admin/login/")
        self.page.fill("#id_username", user)
        self.page.fill("#id_password", password)
        self.page.click("button[type=submit]")
        return self

    def go(self, path: str) -> Person:
        """Open a page."""
        self.page.goto(path if "://" in path else self.address + path)
        return self

    def press(self, name: str) -> Person:
        """Press a button or follow a link of the page by its name."""
        named = re.compile(rf"(^|\W){re.escape(name)}$")
        area = self.page.locator(".c-page, #content-main").first
        area.get_by_role("button", name=named).or_(area.get_by_role("link", name=named)).first.click()
        return self

    def submit(self) -> Person:
        """Press the button that sends the form of a page."""
        self.page.locator(".c-page form button[type=submit]").click()
        return self

    def choose(self, field: str, value: str) -> Person:
        """Choose one of a few values."""
        self.page.locator(f"input[name={field}][value='{value}']").check()
        return self

    def sees(self, *words: str) -> Person:
        """Wait until the page says each of these."""
        for word in words:
            expect(self.page.locator("body")).to_contain_text(word, timeout=SECONDS * 1000)
        return self

    def row(self, words: str) -> Locator:
        """Return the row of a table that holds these words."""
        return self.page.locator("tr", has_text=words).first

    def complaints(self) -> list[str]:
        """Return what keeps somebody from using the page, as the accessibility checker finds it."""
        assert AXE.exists(), "The accessibility checker is missing: run scripts/browser-packages"
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "async () => (await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],"
            " resultTypes: ['violations']})).violations"
        )
        return [
            f"{self.page.url}: {each['id']} ({each['impact']}): {node['html'][:160]} {node['failureSummary'][:200]}"
            for each in found
            if each["impact"] in {"serious", "critical"}
            for node in each["nodes"]
        ]

    def picture(self, path: Path) -> None:
        """Take a picture of the page from its top, as small as one of few colors is."""
        self.page.evaluate("document.fonts.ready")
        # In a window as high as the page, or what sticks to the window's edge would lie across its middle.
        high = int(self.page.evaluate("document.documentElement.scrollHeight"))
        self.page.set_viewport_size({"width": self._size[0], "height": max(self._size[1], min(high, _HIGHEST))})
        taken = Image.open(io.BytesIO(self.page.screenshot()))
        self.page.set_viewport_size({"width": self._size[0], "height": self._size[1]})
        taken.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE).save(path, optimize=True)

    def end(self) -> None:
        """Close the window."""
        self._context.close()

    def _note_stranger(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:", "about:")):
            self.errors.append(f"the page asked for {url}")


def audited(person: Person, paths: Sequence[str]) -> list[str]:
    """Return what keeps somebody from using any of these pages."""
    return [complaint for path in paths for complaint in person.go(path).complaints()]
