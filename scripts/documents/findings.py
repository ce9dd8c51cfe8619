"""docs/findings.md, from groups/findings.py."""

from __future__ import annotations

from groups import findings
from scripts.documents import markdown

_ABOUT = """\
Every [`REPLSITE_OBSERVE_SECONDS`](settings.md) the storage of every group at rest is looked at, and what it says is
compared with what is recorded: which side is active and may be written, which volumes there are, whether each is
protected and on which targets, how old the newest point is. What differs is a *finding*. It says what is recorded,
what is there, since when, how bad it is and what to do next. It stays open as long as it is seen, is closed by itself
when it is gone, and is kept.

Nothing destructive is done about a finding by itself. Two things are done without asking, because they only close a
gap: clients are let in again after the storage of the recorded side was restarted, and a primary that comes back
after a confirmed failover and still takes itself for active is closed to clients; its data stays as it is.

Findings are on the console's front page and at `GET /api/findings`, critical ones in a banner on every page and all
in the [metrics](howto/monitor.md)."""
_VERBS = (
    (
        "adopt",
        "looks again, and records what the storage says; the storage is only looked at",
        '`POST /api/findings/ID/adopt` with `{"reason": "..."}`',
    ),
    (
        "restore",
        "brings the storage to what is recorded; a group that was moved away is moved back with what was written",
        '`POST /api/findings/ID/restore` with `{"reason": "...", "discard_bytes": 0}`',
    ),
    (
        "ignore",
        "keeps the finding from calling for anybody until a time, at most a year; it is still looked for",
        '`POST /api/findings/ID/ignore` with `{"reason": "...", "until": "2026-12-01T08:00:00Z"}`',
    ),
    ("heed", "stops ignoring it", "`POST /api/findings/ID/heed` with `{}`"),
)
_WHO = """\
All four are for admins. Adopt and restore are [operations](operations.md) like any other: they can be watched,
canceled, and run again. Restoring never discards more of what the recorded side alone holds than `discard_bytes`
states; an operation that would ends `would_discard`, having changed nothing, and names the amount. What a resync
discards is kept as an undo point where the [driver](drivers.md) can."""


def text() -> str:
    """Return the page."""
    rows = [
        [f"`{code}`", meaning.severity, meaning.title, ", ".join(meaning.mendings), meaning.remedy]
        for code, meaning in findings.MEANINGS.items()
    ]
    return markdown.page(
        "# Findings",
        markdown.note("`groups/findings.py`"),
        _ABOUT,
        "## What can be done about one",
        markdown.table(["verb", "what it does", "API"], _VERBS),
        _WHO,
        "## What can be found",
        markdown.table(["code", "severity", "meaning", "mended by", "what to do"], rows),
    )
