"""Logging in with a name and a password, slowed down for whoever guesses."""

from __future__ import annotations

import datetime
import hashlib

import structlog
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.db.models import F

from groups import clock, errors, models
from groups.queries import access
from groups.services import login_trail, remembering

FREE_FAILURES = 5
"""How often a name may fail from one address before it has to wait."""
LONGEST_WAIT_SECONDS = 300
FORGOTTEN_AFTER = datetime.timedelta(hours=1)
PURGED_AT_ONCE = 100

_LOCAL = ("", "127.0.0.1", "::1")

REFUSAL = "The name or the password is wrong."

log = structlog.get_logger(__name__)


def with_password(*, name: str, password: str, address: str, way: login_trail.Way) -> User:
    """Return the user of a name and password; keep in the audit trail that they logged in, or did not.

    Raises `NotAuthenticated`, or `TooManyAttempts` without looking at the password while the name
    has to wait after failures from this address. An unknown name takes as long as a wrong password.
    """
    attempt = _key(name, address)
    _refuse_while_waiting(attempt)
    user = _user(name)
    fits = _fits(user, password)
    if user is None or not fits:
        _count_failure(attempt)
        # Only a known name is logged: an unknown one may be a password typed in the wrong place.
        log.warning("log_in_refused", user_id=str(user.pk) if user else None, address=address)
        login_trail.keep_refused(user, way=way, address=address)
        raise errors.NotAuthenticated(REFUSAL)
    models.LoginAttempt.objects.filter(pk=attempt).delete()
    login_trail.keep_good(user, way=way, address=address)
    return user


def with_basic(*, name: str, password: str, address: str) -> User:
    """Return the user of a name and password sent with each request.

    Does what `with_password` does, but remembers for a short while that the password was right,
    so that not every request pays for hashing it. A changed password and a disabled user are
    seen at once.
    """
    user = _user(name)
    if user is not None and user.is_active and remembering.fits(user, password):
        return user
    user = with_password(name=name, password=password, address=address, way=login_trail.Way.BASIC)
    remembering.remember(user, password)
    return user


def address_of(*, peer: str, forwarded_for: str) -> str:
    """Return where a log-in comes from, of who is connected and the list that proxies add to.

    What connects from this machine may be a proxy, which names its own client at the list's end.
    """
    named = forwarded_for.rpartition(",")[2].strip()
    return named if named and peer in _LOCAL else peer


def _user(name: str) -> User | None:
    return User.objects.filter(username=User.normalize_username(name)).first() if access.storable(name) else None


def _fits(user: User | None, password: str) -> bool:
    if not access.storable(password):
        return False
    if user is None:
        hashers.make_password(password)
        return False
    return user.check_password(password) and user.is_active


def _refuse_while_waiting(attempt: str) -> None:
    row = models.LoginAttempt.objects.filter(pk=attempt).first()
    if row is None or row.failures < FREE_FAILURES:
        return
    left = wait_seconds(row.failures) - (clock.now() - row.last_at).total_seconds()
    if left > 0:
        raise errors.TooManyAttempts(retry_after_seconds=int(left) + 1)


def wait_seconds(failures: int) -> int:
    """Return how long a name has to wait after so many failures: twice as long after each one."""
    return min(2 ** min(failures - FREE_FAILURES, 16), LONGEST_WAIT_SECONDS) if failures >= FREE_FAILURES else 0


def _count_failure(attempt: str) -> None:
    _forget_old(attempt)
    models.LoginAttempt.objects.bulk_create([models.LoginAttempt(key=attempt)], ignore_conflicts=True)
    models.LoginAttempt.objects.filter(pk=attempt).update(failures=F("failures") + 1, last_at=clock.now())


def _forget_old(attempt: str) -> None:
    old = models.LoginAttempt.objects.filter(last_at__lt=clock.now() - FORGOTTEN_AFTER)
    keys = list(old.order_by("last_at").values_list("key", flat=True)[:PURGED_AT_ONCE])
    old.filter(key__in=[attempt, *keys]).delete()


def _key(name: str, address: str) -> str:
    # As it is looked up: every spelling that leads to a user counts for that user.
    name = User.normalize_username(name)
    return hashlib.sha256(f"{name}\0{address}".encode(errors="surrogatepass")).hexdigest()
