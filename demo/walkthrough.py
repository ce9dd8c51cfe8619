"""The story: a shop's volumes are replicated, a failover is rehearsed, and done: from east to west, and back."""

from __future__ import annotations

from collections.abc import Sequence

from demo.client import Client
from demo.places import PRIMARY, SECONDARY, Places
from demo.rehearsal import Rehearsal
from demo.stack import Stack
from demo.surprise import Surprise
from demo.telling import Teller
from demo.volumes import Volume

GROUP_TYPE, VOLUME_TYPE, GROUP = "mirrored", "mirrored-volume", "shop"
VOLUMES = ("orders", "stock", "customers")
_MIB, _GIB = 1 << 20, 1 << 30
_FIRST, _MORE = 32 * _MIB, 4 * _MIB
_DIGITS = 16


class Walkthrough:
    """Does each part in turn; raises `Surprise` as soon as something is not as it should be."""

    def __init__(self, *, stack: Stack, client: Client, places: Places, teller: Teller) -> None:
        self._stack = stack
        self._client = client
        self._places = places
        self._teller = teller
        self._group = ""
        self._volumes: Sequence[Volume] = ()

    def run(self) -> None:
        """Tell the whole story."""
        self._make_types()
        self._make_group()
        self._teller.explain("Hosts write to the volumes over NBD.")
        self._write(PRIMARY, label="first", size=_FIRST)
        self._enable()
        self._rehearse()
        self._fail_over()
        self._fail_back()
        self._clean_up()

    def _make_types(self) -> None:
        self._teller.chapter("A backend, and types that say what can be replicated")
        self._stack.add_backend()
        self._client.cinder("group-type-create", GROUP_TYPE)
        self._client.cinder("group-type-key", GROUP_TYPE, "set", "consistent_group_replication_enabled=<is> True")
        self._client.cinder("type-create", VOLUME_TYPE)
        self._client.cinder("type-key", VOLUME_TYPE, "set", "replication_enabled=<is> True")

    def _make_group(self) -> None:
        self._teller.chapter("A group with three volumes of 1 GiB")
        self._group = self._client.cinder("group-create", "--name", GROUP, GROUP_TYPE, VOLUME_TYPE)["id"]
        self._client.wait(
            f"groups/{self._group}", field="status", wanted="available", passing="creating", what="create the group"
        )
        self._volumes = [self._make_volume(name) for name in VOLUMES]
        for volume in self._volumes:
            path = f"volumes/{volume.id}"
            what = f"create {volume.name}"
            self._client.wait(path, field="status", wanted="available", passing="creating", what=what)

    def _make_volume(self, name: str) -> Volume:
        words = ("create", "--group-id", self._group, "--volume-type", VOLUME_TYPE, "--name", name, "1")
        made = self._client.cinder(*words, rows=("id", "name", "size", "group_id", "replication_status", "status"))
        return Volume(name=name, volume_id=made["id"], size=_GIB)

    def _enable(self) -> None:
        self._teller.chapter(f"Replicate the group to {SECONDARY}")
        self._client.cinder("group-enable-replication", GROUP)
        self._await_replication("enabled", passing="enabling", what="enable")
        self._client.cinder("group-list-replication-targets", GROUP)

    def _rehearse(self) -> None:
        self._teller.chapter("Rehearse the failover, and keep the proof")
        Rehearsal(stack=self._stack, client=self._client, places=self._places, teller=self._teller).run(self._group)

    def _fail_over(self) -> None:
        self._teller.chapter(f"Fail over to {SECONDARY}, the default target")
        self._teller.explain(
            "Replication goes on in rounds. The failover has to bring along what came after the last one."
        )
        self._write(PRIMARY, label="more", size=_MORE)
        self._client.cinder("group-failover-replication", GROUP)
        self._await_replication("failed-over", passing="failing-over", what="fail over")
        self._show_group("failed-over")
        self._compare(active=SECONDARY, left=PRIMARY)
        self._teller.explain(f"The shop runs in {SECONDARY} now, and goes on writing there.")
        self._write(SECONDARY, label="away", size=_MORE)

    def _fail_back(self) -> None:
        self._teller.chapter(f"Fail back to {PRIMARY}")
        self._client.cinder("group-failover-replication", GROUP, "--secondary-backend-id", "default")
        self._await_replication("enabled", passing="failing-over", what="fail back")
        self._show_group("enabled")
        self._compare(active=PRIMARY, left=SECONDARY)

    def _clean_up(self) -> None:
        self._teller.chapter("Disable replication and delete the group")
        self._client.cinder("group-disable-replication", GROUP)
        self._await_replication("disabled", passing="disabling", what="disable")
        self._compare(active=PRIMARY, left=SECONDARY)
        self._client.cinder("group-delete", "--delete-volumes", GROUP)
        self._client.wait_until_gone(f"groups/{self._group}", what="delete")
        self._client.cinder("group-list")

    # Shared parts.

    def _await_replication(self, wanted: str, *, passing: str, what: str) -> None:
        path = f"groups/{self._group}"
        self._client.wait(path, field="replication_status", wanted=wanted, passing=passing, what=what)

    def _show_group(self, wanted: str) -> None:
        shown = self._client.cinder("group-show", GROUP).get("replication_status", "nothing")
        if shown != wanted:
            raise Surprise(expected=f"replication_status '{wanted}'", seen=f"'{shown}'")

    def _write(self, site: str, *, label: str, size: int) -> None:
        with self._teller.timed(f"write {size // _MIB} MiB to each volume in {site}") as progress:
            for volume in self._volumes:
                progress.show(volume.name)
                volume.write(self._places.site(site).nbd_socket, label=label, size=size)

    def _compare(self, *, active: str, left: str) -> None:
        """Check that the active side gives what was written, and that the other one gives nothing."""
        rows = [("volume", "written", f"read in {active}", "")]
        wrong = []
        self._teller.explain(f"Is everything there? SHA-256 of what was written, and of what {active} gives over NBD:")
        with self._teller.timed(f"read the volumes in {active}") as progress:
            for volume in self._volumes:
                progress.show(volume.name)
                written, found = volume.expected(), volume.found(self._places.site(active).nbd_socket)
                rows.append(
                    (volume.name, written[:_DIGITS], found[:_DIGITS], "same" if written == found else "DIFFERS")
                )
                wrong += [volume.name] * (written != found)
        self._teller.table(rows)
        if wrong:
            raise Surprise(expected=f"in {active} what was written", seen=f"something else in {', '.join(wrong)}")
        served = [volume.name for volume in self._volumes if volume.is_served(self._places.site(left).nbd_socket)]
        if served:
            raise Surprise(expected=f"{left} to let no client in", seen=f"that it serves {', '.join(served)}")
        self._teller.good(f"{left} lets no client in: there is one side to write to")
