"""docs/roles.md, from groups/services/policies.py."""

from __future__ import annotations

from groups import callers
from groups.services import policies
from scripts.documents import markdown

_ABOUT = """\
A user has one role in each project: `reader` looks, `member` also works with what the project has, `admin` may do
everything in every project. Each role includes the ones before it. What belongs to another project is not forbidden
but not found, so that nobody learns that it exists.

The rules have Cinder's names where Cinder has such a rule. [Authentication](authentication.md) says how users get
their roles."""


def text() -> str:
    """Return the page."""
    rows = [
        [f"`{rule}`", *("yes" if needed in callers.implied(role) else "" for role in callers.ROLES)]
        for rule, needed in policies.RULES.items()
    ]
    return markdown.page(
        "# Who may do what",
        markdown.note("`groups/services/policies.py`"),
        _ABOUT,
        markdown.table(["rule", *callers.ROLES], rows),
    )
