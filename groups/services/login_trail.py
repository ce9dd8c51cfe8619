"""Keeps log-ins, good and refused, in the audit trail, and no more of them than somebody can read.

What is kept is bounded, whoever tries whatever from wherever: of refused log-ins the first twenty
an hour of each known user, and twenty of all names nobody has; the last of them says so. A log-in
of a program is kept once in fifteen minutes for each user, address and way. The log has all.
"""

from __future__ import annotations

import datetime
from enum import StrEnum

from django.contrib.auth.models import User

from groups import callers, clock, models
from groups.services import auditing

GOOD, REFUSED = "log-in", "log-in-refused"
MOST_REFUSED = 20
"""How many refused log-ins of one user, and of unknown names together, are kept an hour."""
_HOUR = datetime.timedelta(hours=1)
_ONCE_IN = datetime.timedelta(minutes=15)
_LONGEST_ADDRESS = 64


class Way(StrEnum):
    """What somebody logs in for."""

    CONSOLE = "at the console"
    TOKEN = "for a token"  # noqa: S105 - a word
    BASIC = "with name and password in the request"
    PASSWORD = "to change the password"  # noqa: S105 - a word


def keep_good(user: User, *, way: Way, address: str) -> None:
    """Keep that a user has logged in."""
    detail = _said(way, address)
    since = clock.now() - _ONCE_IN
    known = models.AuditEntry.objects.filter(at__gte=since, action=GOOD, user_id=str(user.pk), detail=detail)
    # Each one of a person; a program logs in for every command.
    if way is Way.CONSOLE or not known.exists():
        auditing.note(_caller(user, way), action=GOOD, subject=user, detail=detail)


def keep_refused(user: User | None, *, way: Way, address: str) -> None:
    """Keep that somebody could not log in, with the name only if a user has it: another may be a password."""
    user_id = str(user.pk) if user else ""
    kept = models.AuditEntry.objects.filter(at__gte=clock.now() - _HOUR, action=REFUSED, user_id=user_id)
    number = kept.count() + 1
    if number > MOST_REFUSED:
        return
    last = "; the last that is kept within the hour, the log has all" if number == MOST_REFUSED else ""
    detail = f"{_said(way, address)}{'' if user else ', by a name that nobody has'}{last}"
    auditing.note(_caller(user, way), action=REFUSED, subject=user, detail=detail)


def _caller(user: User | None, way: Way) -> callers.Caller:
    return callers.Caller(
        user_id=str(user.pk) if user else "",
        user_name=user.get_username() if user else "",
        project_id="",
        roles=frozenset(),
        door="console" if way is Way.CONSOLE else "api",
    )


def _said(way: Way, address: str) -> str:
    return f"{way}, from {address[:_LONGEST_ADDRESS] or 'an unknown address'}"
