"""The only writer of what clients do with a volume at once: attaching, detaching, handing over.

`groups.transitions` writes all other statuses. Every change is a conditional UPDATE on the old
status, and an event goes in with it.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence

from groups import clock, compiled, errors, models, statuses
from groups.statuses import Axis

_EVENTS = compiled.Insert(models.Event)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one attachment: a new one begins, one moves on, one ends."""

    row: models.Attachment
    to: str
    """Its status then; `GONE` where it ends."""
    fields: Mapping[str, object] = dataclasses.field(default_factory=dict)


def serve(
    volume: models.Volume,
    *,
    move: statuses.ClientMove,
    changes: Sequence[Change] = (),
    actor: str,
) -> None:
    """Change a volume's status at once, with its attachments where it has to do with them.

    Call it inside the transaction that checked and that holds the volume's row. Raises
    `WrongState` when a status is not the one that was checked.
    """
    sources = move.sources | (move.shared_sources if volume.multiattach else frozenset())
    if volume.status not in sources:
        raise errors.WrongState(f"Volume {volume.pk} is {volume.status}: cannot {move.verb}.")
    events = [_change_attachment(volume, change, reason=move.verb, actor=actor) for change in changes]
    left = models.Attachment.objects.filter(volume=volume).values_list("attach_status", flat=True)
    to = statuses.left_by(left) if move.to == statuses.LEFT else move.to
    # What is in error or set aside stays so, whoever lets go of it.
    may_move = move.to != statuses.LEFT or volume.status in statuses.OF_CLIENTS
    if may_move and volume.status != to:
        same = models.Volume.objects.filter(pk=volume.pk, status=volume.status)
        if not same.update(status=to, updated_at=clock.now()):
            raise errors.WrongState(f"The status of {volume.pk} changed meanwhile.")
        events.append(_client_event(volume, Axis.VOLUME, volume.pk, volume.status, to, move.verb, actor))
        volume.status = to
    _EVENTS.run(events)


def _change_attachment(volume: models.Volume, change: Change, *, reason: str, actor: str) -> models.Event:
    row, old = change.row, change.row.attach_status
    same = models.Attachment.objects.filter(pk=row.pk, attach_status=old)
    if row._state.adding:  # noqa: SLF001 - documented
        old, row.attach_status, changed = "", change.to, 1
        row.save(force_insert=True)
    elif change.to == statuses.GONE:
        changed, _ = same.delete()
    else:
        changed = same.update(attach_status=change.to, **change.fields)
        row.attach_status = change.to
        for name, value in change.fields.items():
            setattr(row, name, value)
    if changed != 1:
        raise errors.WrongState(f"Attachment {row.pk} changed meanwhile.")
    return _client_event(volume, Axis.ATTACHMENT, row.pk, old, change.to, reason, actor)


def _client_event(
    volume: models.Volume, axis: Axis, subject_id: uuid.UUID, old: str, new: str, reason: str, actor: str
) -> models.Event:
    return models.Event(
        at=clock.now(),
        axis=axis,
        subject_id=subject_id,
        group_id=volume.group_id,
        project_id=volume.project_id,
        volumes=1,
        old=old,
        new=new,
        reason=reason,
        actor=actor,
    )
