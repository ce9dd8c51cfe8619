"""What people write on volumes: metadata of their own, and what is known of the image on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.db import transaction

from groups import callers, clock, errors, models
from groups.queries import visible
from groups.services import auditing, policies
from groups.statuses import VolumeStatus

Pairs = dict[str, str]


def add(caller: callers.Caller, *, volume_id: object, values: Mapping[str, str]) -> Pairs:
    """Add pairs to a volume's metadata, or change those it has; return all."""
    return _changed(caller, volume_id, rule="create", change=lambda old: {**old, **values})


def replace(caller: callers.Caller, *, volume_id: object, values: Mapping[str, str]) -> Pairs:
    """Replace all of a volume's metadata; return it."""
    return _changed(caller, volume_id, rule="update", change=lambda old: dict(values))


def put(caller: callers.Caller, *, volume_id: object, key: str, value: str) -> Pairs:
    """Set one pair; return all."""
    return _changed(caller, volume_id, rule="update", change=lambda old: {**old, key: value})


def remove(caller: callers.Caller, *, volume_id: object, key: str) -> None:
    """Remove one pair. Raises `NotFound`."""

    def without(old: Pairs) -> Pairs:
        if key not in old:
            raise _missing(volume_id, key)
        return {name: value for name, value in old.items() if name != key}

    _changed(caller, volume_id, rule="delete", change=without)


def get(caller: callers.Caller, *, volume_id: object) -> Pairs:
    """Return a volume's metadata."""
    volume = visible.volume(caller, volume_id)
    policies.require(caller, "volume:get_volume_metadata")
    return dict(volume.metadata)


def value_of(caller: callers.Caller, *, volume_id: object, key: str) -> str:
    """Return one pair's value. Raises `NotFound`."""
    found = get(caller, volume_id=volume_id)
    if key not in found:
        raise _missing(volume_id, key)
    return found[key]


def of_image(caller: callers.Caller, *, volume_id: object) -> Pairs:
    """Return what a volume knows of the image on it."""
    volume = visible.volume(caller, volume_id)
    policies.require(caller, "volume_extension:volume_image_metadata:show")
    return dict(volume.image_metadata)


def set_of_image(caller: callers.Caller, *, volume_id: object, values: Mapping[str, str]) -> Pairs:
    """Add pairs to what a volume knows of its image, or change them; return all."""
    with transaction.atomic():
        volume = visible.volume(caller, volume_id, lock=True)
        policies.require(caller, "volume_extension:volume_image_metadata:set")
        pairs = {**volume.image_metadata, **values}
        models.Volume.objects.filter(pk=volume.pk).update(image_metadata=pairs)
    return pairs


def unset_of_image(caller: callers.Caller, *, volume_id: object, key: str) -> None:
    """Remove one pair of what a volume knows of its image. Raises `NotFound`."""
    with transaction.atomic():
        volume = visible.volume(caller, volume_id, lock=True)
        policies.require(caller, "volume_extension:volume_image_metadata:remove")
        if key not in volume.image_metadata:
            raise errors.NotFound(f"Volume {volume.pk} has no image metadata with key {key}.")
        pairs = {name: value for name, value in volume.image_metadata.items() if name != key}
        models.Volume.objects.filter(pk=volume.pk).update(image_metadata=pairs)


def _changed(caller: callers.Caller, volume_id: object, *, rule: str, change: Callable[[Pairs], Pairs]) -> Pairs:
    with transaction.atomic():
        volume = visible.volume(caller, volume_id, lock=True)
        policies.require(caller, f"volume:{rule}_volume_metadata")
        if volume.status == VolumeStatus.MAINTENANCE:
            raise errors.WrongState(
                f"Invalid volume: Updating volume metadata is not allowed for volumes in {volume.status} status."
            )
        pairs = change(dict(volume.metadata))
        models.Volume.objects.filter(pk=volume.pk).update(metadata=pairs, updated_at=clock.now())
        # The names alone: what people write there may be meant for few.
        detail = f"now has: {auditing.named(pairs)}" if pairs else "now has none"
        auditing.note(caller, action="volume:change-metadata", subject=volume, detail=detail)
    return pairs


def _missing(volume_id: object, key: str) -> errors.NotFound:
    return errors.NotFound(f"Volume {volume_id} has no metadata with key {key}.")
