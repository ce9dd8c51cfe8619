"""The documentation says what the code says, and its links lead somewhere."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers import errors as driver_errors, registry
from groups import errors, specs, statuses
from groups.engine import calls, runner, truth
from groups.engine.handlers.failover import Failover
from groups.services import policies
from scripts.documents import pages

CHECKOUT = pages.CHECKOUT
DOCS = CHECKOUT / "docs"
MARKDOWN = sorted([*CHECKOUT.glob("*.md"), *DOCS.rglob("*.md"), *(CHECKOUT / "drivers").rglob("*.md")])
ROOMS = ("bench", "demo", "docs", "drivers", "groups", "replsite", "scripts", "tests")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|\bsrc(?:set)?=\"([^\"]+)\"")
_CODE = re.compile(r"```.*?```|(?:^|\n)(?:    .*\n)+|`[^`\n]+`", re.DOTALL)


def short(path: Path) -> str:
    return str(path.relative_to(CHECKOUT))


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def links(path: Path) -> Iterator[str]:
    """Yield the relative links of a page."""
    for found in _LINK.finditer(_CODE.sub("\n", text_of(path))):
        target = found[1] or found[2]
        if "://" not in target and not target.startswith("mailto:"):
            yield target


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", MARKDOWN, ids=short)
def test_every_link_leads_somewhere(page):
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page

        assert target.is_relative_to(CHECKOUT), link
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", pages.PAGES)
def test_each_generated_page_is_what_the_code_says(path):
    assert path not in pages.stale(), "run `python -m scripts.documents`"


def test_every_page_can_be_found_from_the_first_one():
    seen, todo = set(), [DOCS / "index.md"]
    while todo:
        current = todo.pop()
        if current not in seen and current.exists():
            seen.add(current)
            todo += [(current.parent / link.partition("#")[0]).resolve() for link in links(current) if ".md" in link]

    assert [short(page) for page in sorted(DOCS.rglob("*.md")) if page not in seen] == []


@pytest.mark.parametrize("words", statuses.MEANINGS)
def test_every_status_word_is_documented(words):
    page = text_of(DOCS / "states.md")

    assert [word for word in words if f"| `{word}` |" not in page] == []


def test_every_error_code_is_documented():
    page = text_of(DOCS / "errors.md")
    kinds = [*below(errors.ReplsiteError), driver_errors.DriverError, *below(driver_errors.DriverError)]
    codes = {kind.code for kind in kinds if kind.__module__.partition(".")[0] in {"groups", "drivers"}}

    assert {calls.DriverBug.code, runner.WorkersDied.code, truth.NotConfirmed.code} <= codes
    assert [code for code in sorted(codes | {"bug"}) if f"`{code}`" not in page] == []


def test_every_step_of_a_failover_is_documented():
    page = text_of(DOCS / "architecture.md")
    steps = Failover(types.SimpleNamespace(arguments={"compare": True})).work()

    assert [step.name for step in steps if f"| {step.name} |" not in page] == []


def test_every_policy_rule_is_documented():
    page = text_of(DOCS / "roles.md")

    assert [rule for rule in policies.RULES if f"| `{rule}` |" not in page] == []


@pytest.mark.parametrize("kind", registry.DRIVERS)
def test_every_driver_is_documented_with_its_options(kind):
    driver = registry.load(kind)
    options = text_of(DOCS / "driver-options.md").partition(f"## `{kind}`")[2].partition("\n## ")[0]

    assert [
        each.name for each in (*driver.options, *driver.target_options) if f"| `{each.name}` |" not in options
    ] == []
    assert f"../drivers/{kind}/README.md" in text_of(DOCS / "drivers.md")


@pytest.mark.parametrize(
    "spec",
    [
        specs.REPLICATION,
        specs.GROUP_REPLICATION,
        specs.CONSISTENT_GROUP_REPLICATION,
        specs.INTERVAL,
        *specs.OBJECTIVES.values(),
    ],
)
def test_every_spec_key_is_documented(spec):
    assert f"`{spec}`" in text_of(DOCS / "concepts.md")


def test_every_management_command_is_documented():
    commands = CHECKOUT / "groups" / "management" / "commands"
    names = [path.stem for path in commands.glob("*.py") if path.stem != "__init__"]
    page = text_of(DOCS / "commands.md")

    assert names
    assert [name for name in names if name not in page] == []


def test_every_decision_says_what_why_and_what_was_refused():
    for page in sorted((DOCS / "decisions").glob("[0-9]*.md")):
        text = text_of(page)

        assert all(part in text for part in ("**Decided.**", "**Why.**", "**Refused.**", "**What would change")), page


def test_nothing_mentions_a_place_outside_the_repository():
    forbidden = "/work/" + "shared"
    files = [path for room in ROOMS for path in (CHECKOUT / room).rglob("*") if path.suffix in {".md", ".py", ".svg"}]
    files += [path for path in CHECKOUT.iterdir() if path.is_file()]

    assert [short(path) for path in files if forbidden in path.read_text(encoding="utf-8", errors="ignore")] == []


def below(kind: type) -> Iterator[type]:
    """Yield every class derived from one."""
    for each in kind.__subclasses__():
        yield each
        yield from below(each)
