"""docs/driver-options.md, from what each driver declares."""

from __future__ import annotations

import html
from collections.abc import Sequence

from drivers import registry
from drivers.base import Driver
from drivers.options import Option
from scripts.documents import markdown

_ABOUT = """\
Options are given to `manage.py add_backend` with `--option key=value`, those of a target after its id with
`--target ID:key=value,...`; the console asks for the same ones. A secret is encrypted in the database and shown as
asterisks everywhere. [Drivers](drivers.md) says which driver is for what."""


def text() -> str:
    """Return the page."""
    parts = [part for kind in registry.DRIVERS for part in _driver(kind, registry.load(kind))]
    return markdown.page("# Options of the drivers", markdown.note("what the drivers declare"), _ABOUT, *parts)


def _driver(kind: str, driver: type[Driver]) -> list[str]:
    return [
        f"## `{kind}`",
        driver.summary,
        "### Of a backend",
        _options(driver.options),
        "### Of a target",
        _options(driver.target_options),
    ]


def _options(options: Sequence[Option]) -> str:
    if not options:
        return "None."
    return markdown.table(["option", "kind", "default", "meaning"], [_row(option) for option in options])


def _row(option: Option) -> list[str]:
    default = "required" if option.required else "" if option.default is None else f"`{option.default}`"
    kind = "secret" if option.secret else option.kind
    least = f" At least {option.minimum:g}." if option.minimum is not None else ""
    return [f"`{option.name}`", kind, default, html.escape(f"{option.help}{least}", quote=False)]
