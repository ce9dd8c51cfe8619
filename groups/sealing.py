"""Encrypts the values of secret options at rest."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_SEALED = "sealed"


class CannotUnseal(Exception):
    """The secret key that sealed a value is no longer known."""


def seal(values: Mapping[str, object], *, secret: Iterable[str]) -> dict[str, object]:
    """Return the values with each secret one encrypted; empty values stay as they are."""
    names = set(secret)
    box = _box()
    return {
        name: {_SEALED: box.encrypt(str(value).encode()).decode()}
        if name in names and value not in (None, "")
        else value
        for name, value in values.items()
    }


def unseal(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values in clear. Raises `CannotUnseal` when the secret key was changed."""
    box = _box()
    try:
        return {
            name: box.decrypt(value[_SEALED].encode()).decode()
            if isinstance(value, dict) and _SEALED in value
            else value
            for name, value in values.items()
        }
    except InvalidToken as error:
        raise CannotUnseal(
            "A stored secret was encrypted with another REPLSITE_SECRET_KEY."
            " Set the old key among REPLSITE_SECRET_KEY_FALLBACKS, or enter the secret again."
        ) from error


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    # One key per purpose: what signs sessions must not also open stored secrets.
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"replsite driver options")
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))
