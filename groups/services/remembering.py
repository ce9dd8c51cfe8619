"""Remembers in this process, for a short while, which passwords were right.

Kept is a keyed hash, with a key that never leaves the process, bound to what the database holds
for the user: with a changed password it fits no more.
"""

from __future__ import annotations

import collections
import hashlib
import hmac
import secrets
import threading
import time

from django.contrib.auth.models import User

REMEMBERED_SECONDS = 60
MOST = 256

_KEY = secrets.token_bytes(32)
_until: collections.OrderedDict[bytes, float] = collections.OrderedDict()
_lock = threading.Lock()


def remember(user: User, password: str) -> None:
    """Remember that this is the user's password."""
    with _lock:
        _until[_hash(user, password)] = time.monotonic() + REMEMBERED_SECONDS
        while len(_until) > MOST:
            _until.popitem(last=False)


def fits(user: User, password: str) -> bool:
    """Tell whether this is remembered as the user's present password."""
    key = _hash(user, password)
    with _lock:
        if time.monotonic() < _until.get(key, 0):
            return True
        _until.pop(key, None)
        return False


def _hash(user: User, password: str) -> bytes:
    said = f"{user.pk}\0{user.password}\0{password}".encode(errors="surrogatepass")
    return hmac.digest(_KEY, said, hashlib.sha256)
