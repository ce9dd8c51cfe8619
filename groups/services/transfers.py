"""Transfers: offer a volume, take the offer back, accept a volume with the key that was told."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets

from django.db import transaction

from groups import callers, client_transitions, clock, errors, models, statuses
from groups.queries import visible
from groups.queries.quotas import Amount
from groups.services import auditing, policies, quotas, recording
from groups.statuses import SnapshotStatus, VolumeStatus

_KEY_BYTES = 16
"""So many that a fast hash keeps the key: nobody tries them all."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Offered:
    """A new offer: its row, and the key to it, which is nowhere else."""

    row: models.Transfer
    key: str


def create(
    caller: callers.Caller, *, volume_id: object, name: str | None = None, without_snapshots: bool = False
) -> Offered:
    """Offer a volume that is in no group and attached to nothing, and its snapshots with it unless told otherwise."""
    with transaction.atomic():
        volume = recording.volume_to_change(caller, volume_id, rule="volume:create_transfer", what="offer it")
        _require_alone(volume)
        if not without_snapshots:
            _snapshots_of(volume)
        salt, key = secrets.token_hex(_KEY_BYTES), secrets.token_hex(_KEY_BYTES)
        row = models.Transfer.objects.create(
            project_id=volume.project_id,
            volume=volume,
            name=recording.checked_text(name, name="name"),
            salt=salt,
            digest=_digest(salt, key),
            without_snapshots=without_snapshots,
        )
        client_transitions.serve(volume, move=statuses.OFFER, actor=caller.user_name)
        auditing.note(caller, action="transfer:create", subject=row, detail=f"of volume {volume.pk}")
    return Offered(row=row, key=key)


def delete(caller: callers.Caller, *, transfer_id: object) -> None:
    """Take an offer back: the volume stays where it is."""
    row = visible.transfer(caller, transfer_id)
    policies.require(caller, "volume:delete_transfer")
    with transaction.atomic():
        volume = _held(row)
        auditing.note(caller, action="transfer:delete", subject=row, detail=f"of volume {volume.pk}")
        client_transitions.serve(volume, move=statuses.WITHDRAW, actor=caller.user_name)


def accept(caller: callers.Caller, *, transfer_id: object, key: str) -> models.Transfer:
    """Take over a volume into the caller's project, for the key that its project was told.

    Who may not see the offer and has not the key learns nothing of it. Raises `OverQuota`.
    """
    policies.require(caller, "volume:accept_transfer")
    row = _opened(caller, transfer_id, key)
    with transaction.atomic():
        volume = _held(row)
        snapshots = [] if row.without_snapshots else _snapshots_of(volume)
        if volume.project_id != caller.project_id:
            _require_type_open(caller, volume)
            size = Amount(volumes=1, gigabytes=volume.size_gib, volume_type=volume.volume_type.name)
            quotas.require(caller.project_id, size, *quotas.of_snapshots(snapshots))
        owner = {"project_id": caller.project_id, "user_id": caller.user_id, "updated_at": clock.now()}
        models.Volume.objects.filter(pk=volume.pk).update(**owner)
        models.Snapshot.objects.filter(pk__in=[snapshot.pk for snapshot in snapshots]).update(**owner)
        client_transitions.serve(volume, move=statuses.HAND_OVER, actor=caller.user_name)
        detail = f"of volume {volume.pk} from project {row.project_id}"
        auditing.note(caller, action="transfer:accept", subject=row, detail=detail)
    return row


def end_with(volume: models.Volume) -> None:
    """End the offer of a volume, if there is one, whose status is corrected or which is deleted by force."""
    models.Transfer.objects.filter(volume=volume).delete()


def _opened(caller: callers.Caller, transfer_id: object, key: str) -> models.Transfer:
    known = visible.parsed_id(transfer_id)
    row = models.Transfer.objects.filter(pk=known).first() if known else None
    if row is not None and hmac.compare_digest(row.digest, _digest(row.salt, key)):
        return row
    if row is not None and (caller.is_admin or row.project_id == caller.project_id):
        raise errors.InvalidInput(f"Invalid auth key: Attempt to transfer {row.pk} with invalid auth key.")
    raise errors.NotFound(f"Transfer {transfer_id} could not be found, or the authorization key is not the one to it.")


def _held(row: models.Transfer) -> models.Volume:
    """End an offer; return its volume, held until the transaction ends. Of two who end it, one finds it gone."""
    volumes = models.Volume.objects.select_related("volume_type").select_for_update(of=("self",))
    volume = volumes.filter(pk=row.volume_id).first()
    ended, _ = models.Transfer.objects.filter(pk=row.pk).delete()
    if volume is None or not ended:
        raise errors.NotFound(f"Transfer {row.pk} could not be found.")
    return volume


def _digest(salt: str, key: str) -> str:
    return hmac.new(salt.encode(), key.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def _require_alone(volume: models.Volume) -> None:
    if volume.group_id is not None:
        raise errors.WrongState(
            f"Invalid volume: Volume {volume.pk} is in group {volume.group_id}, whose volumes stay together: remove it"
            " from the group first."
        )
    attached = models.Attachment.objects.filter(volume=volume).exists()
    if volume.status != VolumeStatus.AVAILABLE or attached:
        raise errors.WrongState(
            f"Invalid volume: status must be available and nothing attached to it. Volume {volume.pk} is"
            f" {volume.status}{' and has attachments' if attached else ''}."
        )


def _snapshots_of(volume: models.Volume) -> list[models.Snapshot]:
    """Return a volume's snapshots, held until the transaction ends. Raises `WrongState` unless all may go with it."""
    rows = models.Snapshot.objects.select_related("volume").select_for_update(of=("self",))
    found = list(rows.filter(volume=volume, project_id=volume.project_id).order_by("pk"))
    for snapshot in found:
        if snapshot.group_snapshot_id is not None:
            raise errors.WrongState(
                f"Invalid snapshot: Snapshot {snapshot.pk} is a part of group snapshot {snapshot.group_snapshot_id},"
                " and stays with it: offer the volume without its snapshots."
            )
        if snapshot.status != SnapshotStatus.AVAILABLE:
            raise errors.WrongState(
                f"Invalid snapshot: Snapshot {snapshot.pk} must be available to go with its volume, and is"
                f" {snapshot.status}."
            )
        recording.refuse_while_open(snapshot, what="transfer its volume")
    return found


def _require_type_open(caller: callers.Caller, volume: models.Volume) -> None:
    if not visible.volume_types(caller).filter(pk=volume.volume_type_id).exists():
        raise errors.WrongState(
            f"Invalid volume: Volume {volume.pk} is of type {volume.volume_type.name}, which your project may not use:"
            " ask an admin for access to the type."
        )
