"""docs/roles.md, from groups/services/policies.py and replsite/config.py."""

from __future__ import annotations

from collections.abc import Iterator

from groups import callers
from groups.services import policies
from replsite import config
from scripts.documents import markdown

_ABOUT = """\
A user has a role in each project: `reader` looks, `member` also works with what the project has, `admin` may do
everything in every project. Each role includes the ones before it. What belongs to another project is not forbidden
but not found, so that nobody learns that it exists.

The rules have Cinder's names where Cinder has such a rule. [Authentication](authentication.md) says how users get
their roles."""
_RIGHTS = """\
Some verbs can be given to a role of their own, for people who may do that and not more, or not less. Each is a
[setting](settings.md) that names the role; a user needs that role beside the one above, and several can be had at
once. `admin` needs none of them."""
_UNPLANNED = """\
Who may fail over, but not unplanned, gets a planned failover where the mode is left to Replsite, as `cinder
group-failover-replication` leaves it: it loses nothing, and needs both sides."""


def text() -> str:
    """Return the page."""
    return markdown.page(
        "# Who may do what",
        markdown.note("`groups/services/policies.py` and `replsite/config.py`"),
        _ABOUT,
        markdown.table(["rule", *callers.ROLES, "or the role of"], _rules()),
        "## Roles of their own",
        _RIGHTS,
        markdown.table(["setting", "default", "meaning"], _rights()),
        _UNPLANNED,
    )


def _rules() -> Iterator[list[str]]:
    for rule, needed in policies.RULES.items():
        right = needed if isinstance(needed, policies.Right) else None
        role = _default(right) if right else needed
        marks = ("yes" if role in callers.implied(each) else "" for each in callers.ROLES)
        yield [f"`{rule}`", *marks, f"`{right.setting}`" if right else ""]


def _rights() -> Iterator[list[str]]:
    for right in policies.Right:
        field = config.SiteConfig.model_fields[right.value]
        yield [f"`{right.setting}`", f"`{field.default}`" if field.default else "", field.description or ""]


def _default(right: policies.Right) -> str:
    fallback = config.SiteConfig.model_fields[policies.Right.FAIL_OVER.value].default
    return str(config.SiteConfig.model_fields[right.value].default or fallback)
