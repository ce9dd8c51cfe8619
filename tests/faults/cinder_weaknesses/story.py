"""What a user sees of a group, and what would come of each verb from here."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from groups import models
from tests.api.v3 import people
from tests.support import domain

SIDES = ("", "site-b", "site-c")
REFUSED = "refused"
GONE = "gone"

FAILOVER = "failover_replication"
VERBS: dict[str, tuple[str, dict[str, object]]] = {
    "enable": ("enable_replication", {}),
    "disable": ("disable_replication", {}),
    "fail over": (FAILOVER, {}),
    "fail over to site-c": (FAILOVER, {"secondary_backend_id": "site-c"}),
    "fail back": (FAILOVER, {"secondary_backend_id": "default"}),
    "delete": ("delete", {"delete-volumes": True}),
}

# What each verb leads to from each status, whatever led there: nothing is a dead end.
_AWAY = {"fail over": "failed-over", "fail over to site-c": "failed-over", "fail back": "enabled", "delete": GONE}
LEADS: dict[str, dict[str, str]] = {
    "disabled": {**dict.fromkeys(VERBS, REFUSED), "enable": "enabled", "delete": GONE},
    "enabled": {"enable": "enabled", "disable": "disabled", **_AWAY},
    "error": {"enable": "enabled", "disable": "disabled", **_AWAY},
    "failed-over": {"enable": REFUSED, "disable": REFUSED, **_AWAY},
    "failover-error": {"enable": REFUSED, "disable": REFUSED, **_AWAY},
}


@dataclasses.dataclass(frozen=True)
class Seen:
    """All there is to see of a group from outside."""

    status: str
    replication: str
    volumes: tuple[tuple[str, str], ...]
    """The status and the replication status of each volume, oldest first."""
    writable: tuple[tuple[str, ...], ...]
    """On which sides each volume's clients may write."""


def whole(size: int, *, replication: str, on: str | None = "", status: str = "available") -> Seen:
    """Return what is seen of a group that is of one piece, and written to on one side (on none when None)."""
    return Seen(
        status=status,
        replication=replication,
        volumes=(("available", replication),) * size,
        writable=((() if on is None else (on,)),) * size,
    )


def seen(person: people.Person, site: domain.Site, group: models.Group) -> Seen:
    """Look at a group through the API, and at its volumes as their clients do."""
    shown = person.get(f"/groups/{group.pk}").body["group"]
    volumes = person.get("/volumes/detail", group_id=str(group.pk), sort="created_at:asc").body["volumes"]
    return Seen(
        status=shown["status"],
        replication=shown["replication_status"],
        volumes=tuple((volume["status"], volume["replication_status"]) for volume in volumes),
        writable=tuple(writable_on(site, volume["id"]) for volume in volumes),
    )


def writable_on(site: domain.Site, volume_id: object) -> tuple[str, ...]:
    """Return on which sides a volume's clients may write."""
    return tuple(side for side in SIDES if site.control.can_write(side=side, volume_id=str(volume_id)))


def leads(person: people.Person, site: domain.Site, group: models.Group) -> dict[str, str]:
    """Try every verb from here, each to its end, and return where it led; nothing of it stays."""
    return {name: _led(person, site, group, name, value) for name, (_, value) in VERBS.items()}


def _led(person: people.Person, site: domain.Site, group: models.Group, name: str, value: dict[str, object]) -> str:
    with as_if(site):
        answer = person.act(group, VERBS[name][0], value)
        if answer.status != 202:
            assert answer.status == 400, answer.body
            return REFUSED
        operation = domain.last_operation(group)
        domain.drain_with_retries()
        operation.refresh_from_db()
        if operation.state != "succeeded":
            return f"{operation.state}: {operation.error_code}"
        shown = person.get(f"/groups/{group.pk}")
        if shown.status == 404:
            return GONE
        assert shown.body["group"]["status"] == "available"
        return str(shown.body["group"]["replication_status"])


@contextmanager
def as_if(site: domain.Site) -> Iterator[None]:
    """Take back whatever is done within, in the database and on the storage."""
    kept = site.control.folder.with_name("kept")
    shutil.copytree(site.control.folder, kept)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        shutil.rmtree(site.control.folder)
        kept.rename(site.control.folder)


def moves(operation: models.Operation) -> list[tuple[str, str, str, int]]:
    """Return the changes of status an operation left on record: axis, from, to, how many volumes."""
    events = models.Event.objects.filter(operation=operation).order_by("id")
    return [(event.axis, event.old, event.new, event.volumes) for event in events if event.axis != "operation.state"]


def ended(group: models.Group) -> models.Operation:
    """Return the newest operation on a group, which must have ended."""
    operation = domain.last_operation(group)
    assert not operation.is_open
    return operation


def told(operation: models.Operation) -> list[str]:
    """Return which of the things a failure must say it leaves out."""
    said = {"error": operation.error, "truth": operation.truth, "remedy": operation.remedy}
    return [name for name, text in said.items() if not text]
