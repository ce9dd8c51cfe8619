"""docs/states.md, from groups/statuses.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from groups import statuses
from groups.statuses import Axis
from scripts.documents import markdown

_ABOUT = """\
Three things have a status, and they are never mixed: the life cycle of a group, a volume or a snapshot, how far a
group is replicated, and how far an operation is. A replication operation that fails leaves the life cycle alone.

A *resting* status stays until somebody asks for something. A *passing* one is shown while an operation works, and
ends with it. One function writes statuses, as one conditional change in the database that covers the group and all
its volumes, with an event that says who, when and why. What is not in the tables below is refused."""
_MOVES = """\
Each request that takes time moves a status through one row of this table: from a status it may start in, over the
one shown while it works, to where success or failure leaves it. A canceled operation whose work was undone leaves
the status named under "canceled"."""
_CLIENTS = """\
Attaching, detaching and transfers change rows alone, at once: no operation works on them, and the storage is not asked.
Each is refused while an operation is open on the volume or its group. Where the end is "what is left", the volume's
other attachments decide: one that is attached makes it `in-use`, else one that is attaching `attaching`, else one that
is reserved `reserved`; without any it is `available`. A volume in another status, such as `error`, stays in it."""
_RESETS = """\
An admin may correct a status by hand, while no operation is open. Nothing on the storage changes. The reason is
kept with the event. See [recover a group](howto/recover.md) for when to do it."""
_OPERATIONS = """\
An operation is one accepted request. Only a worker that holds its lease moves it on; the sweeper wakes another one
when the lease runs out."""
_SITES = """\
A [site failover](howto/fail-over-a-site.md) has no status of its groups: each of them has its operation, or the reason
why it has none."""
_TITLES = {
    Axis.GROUP: "A group's status",
    Axis.VOLUME: "A volume's status",
    Axis.SNAPSHOT: "A snapshot's status",
    Axis.GROUP_SNAPSHOT: "A group snapshot's status, and its snapshots'",
    Axis.REPLICATION: "Replication status, of a group and of each of its volumes",
    Axis.OPERATION: "An operation's state",
    Axis.SITE: "The state of a whole site's failover",
    Axis.ATTACHMENT: "An attachment's status",
}


def text() -> str:
    """Return the page."""
    return markdown.page(
        "# Statuses and moves",
        markdown.note("`groups/statuses.py`"),
        _ABOUT,
        *(part for axis in Axis for part in _words_of(axis)),
        "## A step's state",
        _plain(statuses.StepState),
        "## Health: what the last look found",
        _plain(statuses.Health),
        "## Moves",
        _MOVES,
        "![How the replication status moves](images/replication-status.svg)",
        _moves(),
        "### What each move needs besides",
        _needs(),
        "## What clients do at once",
        _CLIENTS,
        _client_moves(),
        "## Corrections by hand",
        _RESETS,
        _resets(),
        "## An operation's moves",
        _OPERATIONS,
        _state_moves(statuses.OPERATION_MOVES),
        "## A site failover's moves",
        _SITES,
        _state_moves(statuses.SITE_MOVES),
    )


def _words_of(axis: Axis) -> tuple[str, str]:
    words = statuses.WORDS[axis]
    rows = [[f"`{word}`", _kind(axis, word), statuses.MEANINGS[words][word]] for word in words]
    return f"## {_TITLES[axis]}", markdown.table(["word", "kind", "meaning"], rows)


def _kind(axis: Axis, word: str) -> str:
    if word in statuses.PASSING[axis]:
        return "passing"
    return "resting, healthy" if word in statuses.HEALTHY[axis] else "resting"


def _plain(words: type[StrEnum]) -> str:
    return markdown.table(["word", "meaning"], [[f"`{word}`", statuses.MEANINGS[words][word]] for word in words])


def _moves() -> str:
    head = ["operation", "moves", "from", "shows", "success", "failure", "canceled"]
    rows = [
        [
            f"`{move.verb}`",
            f"`{move.axis}`",
            _listed(move.sources) if move.sources else "(new)",
            f"`{move.passing}`",
            _listed(move.outcomes) if move.outcomes else _end(move.success),
            _end(move.failure),
            _end(move.canceled),
        ]
        for move in statuses.MOVES.values()
    ]
    return markdown.table(head, rows)


def _needs() -> str:
    rows = [
        [f"`{move.verb}`", _listed(move.group), _listed(move.volumes) if move.volumes else "any"]
        for move in statuses.MOVES.values()
        if move.group
    ]
    return markdown.table(["operation", "group status", "status of each volume"], rows)


def _client_moves() -> str:
    head = ["verb", "from", "from, if several hosts may use it", "to"]
    rows = [
        [
            f"`{move.verb}`",
            _sources(Axis.VOLUME, move.sources),
            _listed(move.shared_sources),
            move.to.strip("()") if move.to == statuses.LEFT else f"`{move.to}`",
        ]
        for move in statuses.CLIENT_MOVES
    ]
    return markdown.table(head, rows)


def _resets() -> str:
    rows = [
        [f"`{axis}`", _sources(axis, reset.sources), _listed(reset.targets)] for axis, reset in statuses.RESETS.items()
    ]
    return markdown.table(["status", "from", "to"], rows)


def _sources(axis: Axis, words: frozenset[str]) -> str:
    return "any" if words == frozenset(statuses.WORDS[axis]) else _listed(words)


def _state_moves(moves: Mapping[Any, Iterable[str]]) -> str:
    rows = [[f"`{state}`", _listed(after)] for state, after in moves.items()]
    return markdown.table(["from", "to"], rows)


def _listed(words: Iterable[str]) -> str:
    return markdown.code(sorted(str(word) for word in words))


def _end(word: str) -> str:
    return word.strip("()") if word in {statuses.GONE, statuses.PREVIOUS} else f"`{word}`"
