"""The ledger of drills: entries that are only added, each chained to the one before and signed.

Every group has a chain of its own, numbered from 1 without a gap. The digest of an entry covers its
number, its kind, the digest of the entry before and its body; the signature covers the digest. So
whoever has the entries and the site's public key can tell, without this site, that none was changed
and none is missing in between.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import IntegrityError, transaction

from groups import clock, drills, models

FIRST = "0" * 64
"""What the first entry of a chain names as the digest before it."""
_TRIES = 5


def append(run: models.DrillRun, *, kind: drills.EntryKind, body: Mapping[str, object]) -> models.DrillEntry:
    """Add an entry at the end of the group's chain and return it."""
    text = canonical(body)
    for attempt in range(_TRIES):
        try:
            with transaction.atomic():
                return _add(run, kind, text)
        except IntegrityError:
            # Somebody added one at the same moment: what comes next has a new number.
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


def canonical(body: Mapping[str, object]) -> str:
    """Return a body in the one form that is digested."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(*, number: int, kind: str, previous: str, body: str) -> str:
    """Return the digest of an entry."""
    return hashlib.sha256(f"{number}\n{kind}\n{previous}\n{body}".encode()).hexdigest()


def sign(text: str) -> str:
    """Return this site's signature of a text, in hex."""
    return _key().sign(text.encode()).hex()


def public_key() -> str:
    """Return the public key that this site's signatures are checked with, in hex."""
    raw = _key().public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw.hex()


def chain(subject_id: uuid.UUID, *, until: int) -> Sequence[models.DrillEntry]:
    """Return a group's entries up to a number, without their bodies."""
    return list(models.DrillEntry.objects.filter(subject_id=subject_id, number__lte=until).defer("body"))


def _add(run: models.DrillRun, kind: drills.EntryKind, text: str) -> models.DrillEntry:
    last = models.DrillEntry.objects.filter(subject_id=run.subject_id).order_by("-number").first()
    number, previous = (last.number + 1, last.digest) if last is not None else (1, FIRST)
    summed = digest(number=number, kind=kind, previous=previous, body=text)
    return models.DrillEntry.objects.create(
        subject_id=run.subject_id,
        number=number,
        kind=kind,
        run=run,
        body=text,
        previous=previous,
        digest=summed,
        signature=sign(summed),
        key_id=public_key(),
        created_at=clock.now(),
    )


def _key() -> Ed25519PrivateKey:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"replsite drill reports")
    return Ed25519PrivateKey.from_private_bytes(kdf.derive(settings.REPLSITE.drill_signing_key.encode()))
