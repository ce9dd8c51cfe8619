"""What a test copy is made of on its site, and how it stays at its point.

A copy is three layers a volume. At the bottom the site's own image, opened once more for reading;
above it `old`, an image that gets whatever a round is about to overwrite below; on top `new`, which
takes what the copy's clients write. A round moves into the images only what every copy has kept
first (`save_old`, under the record's lock, before any image is touched), so a copy stays at its
point and a round at its pace. A copy that cannot keep it is given up, never the round.
"""

from __future__ import annotations

import itertools
import pathlib
import shutil
from collections.abc import Collection, Iterator, Sequence

from drivers.base import Volume
from drivers.errors import DriverError
from drivers.qemu import copying, graph, images, nbd, qcow2, record
from drivers.qemu.folder import checked
from drivers.qemu.graph import name
from drivers.qemu.qmp import Command
from drivers.qemu.side import Side

BASE, OLD, NEW = "k", "o", "w"
CLIENTS, AS_STARTED = "a", "s"
_ENDED_REMEMBERED = 64


def open_all(side: Side, copy_id: str, copy: record.Copy) -> None:
    """Open what is not open of a copy, and make its files where there are none. Needs the record's lock."""
    side.folder.test_copy(copy.group_id, copy_id).mkdir(parents=True, exist_ok=True)
    with side.talk() as monitor:
        view = graph.look(monitor)
        monitor.run([each for volume_id in copy.members for each in _opening(side, view, copy_id, copy, volume_id)])


def save_old(side: Side, *, held: record.Held, volumes: Sequence[Volume], point: str) -> None:
    """Let every copy keep what a whole round is about to overwrite; give up those that cannot."""
    for copy_id, copy in list(held.record.copies.items()):
        # Kept once for each round: when it is rolled forward again, the images hold parts of it already.
        if copy.problem or copy.saved == point:
            continue
        try:
            open_all(side, copy_id, copy)
            for volume in volumes:
                if volume.id in copy.members:
                    _save(side, copy_id, copy, volume)
            with side.talk() as monitor:
                # A transaction, even of nothing, begins when no request is under way: nobody still reads
                # through to the image below what is kept above it by now.
                monitor.ask("transaction", actions=[])
            copy.saved = point
            held.save()
        except (DriverError, OSError) as error:
            side.call.check()
            give_up(side, held=held, copy_id=copy_id, why=f"What a round overwrites could not be kept for it: {error}")


def give_up(side: Side, *, held: record.Held, copy_id: str, why: str) -> None:
    """End a copy's use before its time, and say why to whoever asks; it is still to be stopped."""
    close_all(side, copy_id, held.record.copies[copy_id].members)
    held.record.copies[copy_id].problem = why
    held.save()


def give_up_with(side: Side, *, held: record.Held, volumes: Collection[Volume]) -> None:
    """Give up the copies that hold volumes whose images are about to be made anew."""
    ids = {volume.id for volume in volumes}
    for copy_id, copy in held.record.copies.items():
        if ids & copy.members.keys() and not copy.problem:
            give_up(side, held=held, copy_id=copy_id, why="A volume in it was copied to the site anew.")


def end_with(side: Side, *, held: record.Held, volumes: Collection[Volume] | None = None) -> None:
    """End the copies that hold any of the volumes, or all. The caller saves the record."""
    ids = None if volumes is None else {volume.id for volume in volumes}
    for copy_id, copy in list(held.record.copies.items()):
        if ids is None or ids & copy.members.keys():
            end(side, held=held, copy_id=copy_id)


def end(side: Side, *, held: record.Held, copy_id: str) -> None:
    """Remove a copy from a site; an absent one is fine. The caller saves the record."""
    copy = held.record.copies.get(copy_id)
    if copy is None:
        return
    close_all(side, copy_id, copy.members)
    shutil.rmtree(side.folder.test_copy(copy.group_id, copy_id), ignore_errors=True)
    folder = side.folder.test_copies(copy.group_id)
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
    del held.record.copies[copy_id]
    remember(held.record, copy_id, copy.epoch)


def remember(found: record.Record, copy_id: str, epoch: int) -> None:
    """Remember the epoch of a copy that is not there, so that nobody who is late starts it."""
    found.ended_copies.pop(copy_id, None)
    found.ended_copies[copy_id] = epoch
    for oldest in list(found.ended_copies)[:-_ENDED_REMEMBERED]:
        del found.ended_copies[oldest]


def close_all(side: Side, copy_id: str, members: Collection[str]) -> None:
    """Take everything of a copy out of the daemon; its files stay."""
    parts = [part(copy_id, volume_id) for volume_id in members]
    with side.talk() as monitor:
        exports = [name(letter, each) for each in parts for letter in (CLIENTS, AS_STARTED)]
        graph.remove_exports(monitor, exports=exports, call=side.call)
        nodes = [name(letter, each) for each in parts for letter in (NEW, OLD, BASE)]
        graph.remove_nodes(monitor, nodes=nodes, view=graph.look(monitor))


def part(copy_id: str, volume_id: str) -> str:
    """Return what the names in the daemon of one volume's copy are made of."""
    return f"{copy_id}/{volume_id}"


def export(copy_id: str, volume_id: str) -> str:
    """Return the name that clients reach a volume's copy by."""
    return f"copy/{copy_id}/{volume_id}"


def as_started(copy_id: str, volume_id: str) -> str:
    """Return the name of the export of a volume's copy as it was started."""
    return f"copy-as-started/{copy_id}/{volume_id}"


def file_of(side: Side, copy: record.Copy, copy_id: str, volume_id: str, layer: str) -> pathlib.Path:
    """Return the path of one layer of a volume's copy: `old` or `new`."""
    return side.folder.test_copy(copy.group_id, copy_id) / f"{checked(volume_id)}.{layer}.qcow2"


def _opening(side: Side, view: graph.View, copy_id: str, copy: record.Copy, volume_id: str) -> Iterator[Command]:
    of = part(copy_id, volume_id)
    if name(BASE, of) not in view.nodes:
        yield graph.add_shared(name(BASE, of), side.folder.image(volume_id), direct=side.direct)
    for letter, layer, below in ((OLD, "old", BASE), (NEW, "new", OLD)):
        if name(letter, of) not in view.nodes:
            path = file_of(side, copy, copy_id, volume_id, layer)
            if not images.is_overlay(path):
                images.create_overlay(path, size_bytes=copy.members[volume_id])
            yield graph.add_overlay(name(letter, of), path, backing=name(below, of), direct=side.direct)
    exports = ((AS_STARTED, OLD, as_started(copy_id, volume_id)), (CLIENTS, NEW, export(copy_id, volume_id)))
    for letter, node, named in exports:
        if name(letter, of) not in view.exports:
            yield graph.export(name(letter, of), name(node, of), named=named, writable=True)


def _save(side: Side, copy_id: str, copy: record.Copy, volume: Volume) -> None:
    """Keep of one volume what the round in its overlay is about to overwrite, unless it is kept already."""
    coming = qcow2.allocated(side.folder.image(volume.id, "round"))
    kept = qcow2.allocated(file_of(side, copy, copy_id, volume.id, "old"))
    end = copy.members[volume.id]
    ranges = [(start, min(length, end - start)) for start, length in without(coming, kept) if start < end]
    if not ranges:
        return
    with (
        side.folder.image(volume.id).open("rb", buffering=0) as image,
        nbd.Connection(path=str(side.folder.nbd_socket), export=as_started(copy_id, volume.id)) as connection,
    ):
        for batch in copying.batches(ranges):
            for offset, length in batch:
                image.seek(offset)
                connection.submit(offset=offset, data=image.read(length))
            connection.settle()
            side.call.check()
        connection.flush()


def without(wanted: Sequence[copying.Range], less: Sequence[copying.Range]) -> Iterator[copying.Range]:
    """Yield what is in the first sorted ranges and not in the second."""
    place = 0
    for start, length in wanted:
        begin, end = start, start + length
        while place < len(less) and sum(less[place]) <= begin:
            place += 1
        for other, span in itertools.islice(less, place, None):
            if other >= end:
                break
            if other > begin:
                yield begin, other - begin
            begin = max(begin, other + span)
        if begin < end:
            yield begin, end - begin
