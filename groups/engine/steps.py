"""One named part of an operation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from drivers import base

Work = Callable[[base.Call], Mapping[str, object] | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Step:
    """One journalled part: looks first, is safe to run again after any crash.

    `run` gets the driver call and returns what later steps and the report need, as JSON values.
    """

    name: str
    run: Work
    undo: Work | None = None
    undo_on_failure: bool = True
    """Whether a failure undoes it; a cancellation always does."""
    when: Callable[[], bool] | None = None
    """Whether it is needed, asked when its turn comes; None means always."""
    sticks: bool = False
    """Whether it is needed once it was begun, whatever a new look finds: it may be half done."""
    every_attempt: bool = False
    """Whether each attempt does it anew, as long as no committing step was begun."""
    commits: bool = False
    """Once begun it is not canceled, once done nothing before it is undone: from there the
    operation only rolls forward."""
    may_fail: bool = False
    """Whether the operation goes on when it fails."""
    deadline_seconds: float | None = None
    """The longest time without progress; None means the site's setting."""
