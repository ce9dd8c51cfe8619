"""What is asked of the groups, as clients ask for it; and what they were told."""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import re
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError, connection

from groups import callers, errors, models, statuses
from groups.services import operations
from tests.storm.people import Answer, Cut, Person
from tests.storm.plan import Happening

GROUP_TYPE, VOLUME_TYPE = "stormed", "stormed"
_AT_ONCE = 16
_READY_SECONDS = 90.0
_LOOK_SECONDS = 0.25
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|'[^']*'|\[[^]]*\]")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promise:
    """One request that was answered with 202: there has to be an operation, and it has to end."""

    verb: str
    path: str
    request_id: str
    at: float


class Slot:
    """The group that stands in one of the storm's places now."""

    def __init__(self) -> None:
        self.group_id = ""
        self.is_deleted = False
        self.is_being_made = False
        self.generation = 0


class Verbs:
    """Carries out the verbs of the schedule, several at once."""

    def __init__(self, *, person: Person, caller: callers.Caller, slots: int) -> None:
        self._person, self._caller = person, caller
        self._slots = [Slot() for _ in range(slots)]
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="verb")
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.asked: collections.Counter[str] = collections.Counter()
        self.refusals: collections.Counter[str] = collections.Counter()
        self.promises: list[Promise] = []
        self.broken: list[str] = []

    def carry_out(self, happening: Happening) -> None:
        """Let a verb be asked for soon."""
        self._pool.submit(self._carry_out, happening)

    def finish(self) -> None:
        """Wait for the requests that were begun."""
        self._stopped.set()
        self._pool.shutdown(wait=True)

    def act(self, verb: str, group_id: str, details: Mapping[str, Any]) -> Answer:
        """Ask for one verb on a group, and keep what was promised. Raises `Cut`."""
        return self._send(verb, "POST", f"groups/{group_id}/action", _action(verb, details))

    def remove_volumes(self, group_id: str, volume_ids: Sequence[str]) -> Answer:
        """Ask for volumes to leave a group. Raises `Cut`."""
        body = {"group": {"remove_volumes": ",".join(volume_ids)}}
        return self._send("shrink", "PUT", f"groups/{group_id}", body)

    def delete_volume(self, volume_id: str) -> Answer:
        """Ask for a volume in no group to be deleted. Raises `Cut`."""
        return self._send("delete volume", "DELETE", f"volumes/{volume_id}", None)

    def _carry_out(self, happening: Happening) -> None:
        verb, slot = happening.name, self._slots[happening.slot]
        self._count(self.asked, verb)
        try:
            if verb == "create" or not (slot.group_id or slot.is_being_made):
                self._create(happening, slot)
            elif not slot.group_id:
                self._count(self.refusals, "no such group yet")
            elif verb == "cancel":
                self._cancel(slot.group_id)
            elif verb == "grow":
                self._grow(slot.group_id)
            elif verb == "shrink":
                self._shrink(slot.group_id)
            else:
                answer = self.act(verb, slot.group_id, happening.details)
                slot.is_deleted |= verb == "delete" and answer.status in {202, 404}
        except Cut:
            self._count(self.refusals, "cut off")
        except DatabaseError:
            self._count(self.refusals, "database cut off")
        # The edge of a thread: what is wrong with the storm itself must be seen in its report.
        except Exception as error:
            self.broken.append(f"{verb}: {type(error).__name__}: {error}")
        finally:
            connection.close()

    def _create(self, happening: Happening, slot: Slot) -> None:
        if (slot.group_id and not slot.is_deleted) or slot.is_being_made:
            self._count(self.refusals, "its place is taken")
            return
        slot.group_id, slot.is_deleted, slot.generation = "", False, slot.generation + 1
        slot.is_being_made = True
        try:
            self._make(happening, slot)
        finally:
            slot.is_being_made = False

    def _make(self, happening: Happening, slot: Slot) -> None:
        name = f"group-{happening.slot}-{slot.generation}"
        group_id = self._new_group(name)
        if not group_id or not self._await_available(group_id):
            return
        # From now on others may get in the way of its first volumes.
        slot.group_id = group_id
        for _ in range(happening.details.get("volumes", 1)):
            self._grow(group_id)
        if self._await_volumes(group_id):
            self.act("enable", group_id, {})

    def _new_group(self, name: str) -> str:
        """Create a group; when cut off, look whether it was made before asking again."""
        wanted = {"group": {"name": name, "group_type": GROUP_TYPE, "volume_types": [VOLUME_TYPE]}}
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end:
            try:
                answer = self._send("create", "POST", "groups", wanted)
                return str(answer.body["group"]["id"]) if answer.status == 202 else ""
            except Cut:
                time.sleep(_LOOK_SECONDS)
            found = self._person.ask_patiently("GET", "groups").body.get("groups", [])
            for group in found:
                if group["name"] == name:
                    return str(group["id"])
        return ""

    def _await_available(self, group_id: str) -> bool:
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end and not self._stopped.is_set():
            answer = self._person.ask_patiently("GET", f"groups/{group_id}")
            status = answer.body.get("group", {}).get("status", "")
            if status != "creating":
                return bool(status == "available")
            time.sleep(_LOOK_SECONDS)
        return False

    def _await_volumes(self, group_id: str) -> bool:
        end = time.monotonic() + _READY_SECONDS
        while time.monotonic() < end and not self._stopped.is_set():
            answer = self._person.ask_patiently("GET", f"volumes/detail?group_id={group_id}")
            if all(volume["status"] != "creating" for volume in answer.body.get("volumes", [])):
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _grow(self, group_id: str) -> None:
        wanted = {"size": 1, "volume_type": VOLUME_TYPE, "group_id": group_id}
        self._send("grow", "POST", "volumes", {"volume": wanted})

    def _shrink(self, group_id: str) -> None:
        found = self._person.ask("GET", f"volumes/detail?group_id={group_id}").body.get("volumes", [])
        if len(found) > 1:
            self.remove_volumes(group_id, [found[0]["id"]])

    def _cancel(self, group_id: str) -> None:
        # By the service that the console calls: Cinder's API has no such verb.
        found = models.Operation.objects.filter(group_id=group_id, state__in=statuses.OPEN).first()
        if found is None:
            self._count(self.refusals, "nothing to cancel")
            return
        try:
            operations.cancel(self._caller, operation_id=found.pk)
        except errors.ReplsiteError as error:
            self._count(self.refusals, f"cancel: {error.code}")

    def _send(self, verb: str, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        answer = self._person.ask(method, path, body)
        if answer.status == 202:
            # A reset is done at once.
            if verb != "reset":
                with self._lock:
                    self.promises.append(Promise(verb=verb, path=path, request_id=answer.request_id, at=time.time()))
        else:
            self._count(self.refusals, f"{answer.status} {_kind_of_refusal(answer)}")
        return answer

    def _count(self, counter: collections.Counter[str], word: str) -> None:
        with self._lock:
            counter[word] += 1


def unkept(promises: Sequence[Promise]) -> list[str]:
    """Return a sentence for each promise with no operation behind it; whether each ended, the judge says."""
    known = set(models.Operation.objects.values_list("request_id", flat=True))
    return [
        f"'{each.verb}' at {each.path} was answered with 202 (request {each.request_id}), and there is no operation."
        for each in promises
        if each.request_id not in known
    ]


def _action(verb: str, details: Mapping[str, Any]) -> dict[str, Any]:
    match verb:
        case "enable":
            return {"enable_replication": {}}
        case "disable":
            return {"disable_replication": {}}
        case "failover" | "failback":
            target = {} if details["target"] is None else {"secondary_backend_id": details["target"]}
            return {"failover_replication": {**target, "mode": details["mode"]}}
        case "delete":
            return {"delete": {"delete-volumes": True}}
        case "reset":
            return {"reset_status": details or {"replication_status": "error", "reason": "the storm's admin was wrong"}}
    raise ValueError(f"There is no verb '{verb}'.")


def _kind_of_refusal(answer: Answer) -> str:
    """Return a refusal's sentence without what differs from group to group."""
    return _ID.sub("...", answer.refusal)[:110]
