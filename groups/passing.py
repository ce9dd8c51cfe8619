"""The statements that show a passing status while an operation is open, and leave it when the operation ends.

Compiled once for each verb; for `groups.transitions` and `groups.members` alone.
"""

from __future__ import annotations

import functools
from typing import Any

from django.db.models import F

from groups import compiled, statuses
from groups.compiled import slot
from groups.statuses import Axis

COLUMN = {
    **dict.fromkeys((Axis.GROUP, Axis.VOLUME, Axis.SNAPSHOT, Axis.GROUP_SNAPSHOT), "status"),
    Axis.REPLICATION: "replication_status",
}
"""The column that holds the status of an axis."""


@functools.cache
def shown(model: Any, verb: str, *, key: str = "pk") -> compiled.Update:
    """Return the statement that shows a verb's passing status, `now`, on the rows whose key is `of`.

    Only on those that have a status the verb may begin at; that one is remembered.
    """
    move = statuses.MOVES[verb]
    column = COLUMN[move.axis]
    return compiled.Update(
        lambda: (
            model.objects.filter(**{key: slot("of"), f"{column}__in": move.sources}),
            {f"previous_{column}": F(column), column: move.passing, "updated_at": slot("now")},
        )
    )


@functools.cache
def left(model: Any, verb: str, *, back: bool, key: str = "pk", besides: tuple[str, ...] = ()) -> compiled.Update:
    """Return the statement that takes the rows whose key is `of`, `now`, out of a verb's passing status.

    They go `back` to the status before, or else on to `to`; the columns named `besides` get values too.
    """
    move = statuses.MOVES[verb]
    column = COLUMN[move.axis]
    return compiled.Update(
        lambda: (
            model.objects.filter(**{key: slot("of"), column: move.passing}),
            {
                column: F(f"previous_{column}") if back else slot("to"),
                "updated_at": slot("now"),
                **{name: slot(name) for name in besides},
            },
        )
    )
