"""Tokens: a log-in given out for some hours. Only a hash of each is kept."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import hmac
import secrets

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, FilteredRelation, Q

from groups import callers, clock, errors, models
from groups.compiled import Select, slot
from groups.queries import access
from groups.services import auditing, policies

PREFIX = "rs-"
"""What each of our tokens begins with: so that it is never shown to anybody else's identity service."""
PURGED_AT_ONCE = 100
"""How many expired tokens are removed, at most, when a new one is given out."""

_SHOWN = Select(
    lambda: (
        models.Token.objects.filter(digest=slot("digest"))
        .select_related("user", "project")
        .annotate(
            given=FilteredRelation(
                "user__role_assignments", condition=Q(user__role_assignments__project_id=F("project_id"))
            ),
            role=F("given__role"),
        )
        .order_by()
    )
)
"""The token of a digest with its user and project, once for each role of theirs there, once without a role too."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Issued:
    """A new token: its text, which is nowhere else, and its row."""

    text: str
    row: models.Token


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A good token that somebody showed: its row, and what it lets them do now."""

    row: models.Token
    granted: access.Access


def issue(
    granted: access.Access, *, methods: tuple[str, ...] = ("password",), until: datetime.datetime | None = None
) -> Issued:
    """Give out a token for a user's access to a project."""
    _purge()
    now = clock.now()
    text = PREFIX + secrets.token_urlsafe(32)
    row = models.Token.objects.create(
        digest=_digest(text),
        user=granted.user,
        project=granted.project,
        audit_id=secrets.token_urlsafe(16),
        methods=",".join(methods),
        password_mark=_mark(granted.user),
        issued_at=now,
        expires_at=until or now + datetime.timedelta(hours=settings.REPLSITE.token_hours),
    )
    return Issued(text=text, row=row)


def renew(old: models.Token, granted: access.Access) -> Issued:
    """Give out a token for another project to whoever shows one; it is good for as long as that."""
    methods = dict.fromkeys(("token", *old.methods.split(",")))
    return issue(granted, methods=tuple(methods), until=old.expires_at)


def find(text: str) -> Shown:
    """Return what a token stands for now.

    Raises `NotAuthenticated` when it is unknown, revoked or expired, when the user or the project
    was disabled or the role taken away, and when the user's password was changed since.
    """
    rows = _SHOWN.all(digest=_digest(text))
    row = next(iter(rows), None)
    if row is None or row.expires_at <= clock.now():
        raise errors.NotAuthenticated("This token is unknown or has expired.")
    if not hmac.compare_digest(row.password_mark, _mark(row.user)):
        raise errors.NotAuthenticated("The password was changed after this token was given out.")
    return Shown(row=row, granted=access.to(row.user, row.project, given=[each.role for each in rows if each.role]))


def is_ours(text: str) -> bool:
    """Tell whether a token can only be one of ours, good or not."""
    return text.startswith(PREFIX)


def revoke(text: str) -> None:
    """Make a token useless at once; one that is unknown is fine."""
    models.Token.objects.filter(digest=_digest(text)).delete()


def take_back(caller: callers.Caller, *, audit_id: str) -> None:
    """Make somebody's token useless at once, for admins; the audit id is all that names it to people."""
    policies.require(caller, "identity:manage")
    with transaction.atomic():
        row = models.Token.objects.select_related("user", "project").filter(audit_id=audit_id).first()
        if row is not None:
            auditing.note(caller, action="token:revoke", subject=row, name=f"token {audit_id} of {row.user}")
            row.delete()


def _purge() -> None:
    expired = models.Token.objects.filter(expires_at__lte=clock.now()).order_by("expires_at")
    digests = list(expired.values_list("digest", flat=True)[:PURGED_AT_ONCE])
    if digests:
        models.Token.objects.filter(digest__in=digests).delete()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _mark(user: User) -> str:
    return user.get_session_auth_hash()
