"""The table of moves has no dead end, and goes red when an edge is taken away."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from groups import statuses
from groups.statuses import Axis, GroupStatus, Kind, Move, ReplicationStatus

Pair = tuple[str, str]
"""A group's status and its replication status."""

START: Pair = (GroupStatus.CREATING, ReplicationStatus.DISABLED)
REPLICATION_VERBS = [verb for verb, move in statuses.MOVES.items() if move.axis is Axis.REPLICATION]


def ends(move: Move, before: str) -> set[str]:
    """Return where an operation may leave its axis: success, failure, cancellation."""
    words = {*(move.outcomes or {move.success}), move.failure, move.canceled}
    return {before if word == statuses.PREVIOUS else word for word in words}


def steps(state: Pair, moves: Mapping[str, Move], *, resets: bool, deletes: bool) -> set[Pair]:
    """Return the states one verb may lead to from a state at rest."""
    status, replication = state
    found: set[Pair] = set()
    for move in moves.values():
        if move.axis is Axis.REPLICATION and status in move.group and replication in move.sources:
            found |= {(status, end) for end in ends(move, replication)}
        if move.axis is Axis.GROUP and status in move.sources and (deletes or move.success != statuses.GONE):
            found |= {(end, replication) for end in ends(move, status)}
    if resets:
        found |= {(to, replication) for to in statuses.RESETS[Axis.GROUP].targets}
        found |= {(status, to) for to in statuses.RESETS[Axis.REPLICATION].targets}
    return found


def explore(moves: Mapping[str, Move], start: set[Pair], *, resets: bool, deletes: bool) -> set[Pair]:
    """Return every state that can be reached."""
    seen, todo = set(start), list(start)
    while todo:
        for after in steps(todo.pop(), moves, resets=resets, deletes=deletes) - seen:
            seen.add(after)
            todo.append(after)
    return {state for state in seen if state[0] != statuses.GONE}


def healthy(state: Pair) -> bool:
    return state[0] in statuses.HEALTHY[Axis.GROUP] and state[1] in statuses.HEALTHY[Axis.REPLICATION]


def reachable(moves: Mapping[str, Move]) -> set[Pair]:
    created = moves[Kind.CREATE_GROUP]
    first = {(end, ReplicationStatus.DISABLED.value) for end in ends(created, created.passing)}
    return explore(moves, first, resets=True, deletes=True)


def problems(moves: Mapping[str, Move]) -> list[str]:
    """Return what an operator would find missing in the table."""
    # Deleting the data is no way out.
    found = [
        f"no way out of {state}"
        for state in sorted(reachable(moves))
        if not any(map(healthy, explore(moves, {state}, resets=True, deletes=False)))
    ]
    for replication in sorted(statuses.RESTING[Axis.REPLICATION] - {ReplicationStatus.NOT_CAPABLE}):
        state = (GroupStatus.AVAILABLE.value, str(replication))
        if not any(map(healthy, explore(moves, {state}, resets=False, deletes=False))):
            found.append(f"only an admin's reset leads out of {replication}")
    for verb, source in MUST_ACCEPT:
        move = moves.get(verb)
        if move is None or source not in move.sources:
            found.append(f"{verb} is refused from {source}")
    found += [f"{move.verb} never ends" for move in moves.values() if move.passing in ends(move, "")]
    for move in moves.values():
        good = {*statuses.HEALTHY[Axis.REPLICATION], statuses.PREVIOUS}
        if move.axis is Axis.REPLICATION and not (move.outcomes or {move.success}) <= good:
            found.append(f"{move.verb} succeeds in {move.success}")
    return found


# What the seed's walkthrough and a night with a broken site need, each an edge of the table.
MUST_ACCEPT = [
    (Kind.ENABLE, ReplicationStatus.DISABLED),
    (Kind.ENABLE, ReplicationStatus.ENABLED),
    (Kind.ENABLE, ReplicationStatus.ERROR),
    (Kind.DISABLE, ReplicationStatus.ENABLED),
    (Kind.DISABLE, ReplicationStatus.ERROR),
    (Kind.FAILOVER, ReplicationStatus.ENABLED),
    (Kind.FAILOVER, ReplicationStatus.FAILED_OVER),
    (Kind.FAILOVER, ReplicationStatus.ERROR),
    (Kind.FAILOVER, ReplicationStatus.FAILOVER_ERROR),
    (Kind.FAILBACK, ReplicationStatus.ENABLED),
    (Kind.FAILBACK, ReplicationStatus.FAILED_OVER),
    (Kind.FAILBACK, ReplicationStatus.ERROR),
    (Kind.FAILBACK, ReplicationStatus.FAILOVER_ERROR),
    (Kind.ADOPT, ReplicationStatus.DISABLED),
    (Kind.ADOPT, ReplicationStatus.ENABLED),
    (Kind.ADOPT, ReplicationStatus.FAILED_OVER),
    (Kind.ADOPT, ReplicationStatus.ERROR),
    (Kind.ADOPT, ReplicationStatus.FAILOVER_ERROR),
    (Kind.RESTORE, ReplicationStatus.DISABLED),
    (Kind.RESTORE, ReplicationStatus.ENABLED),
    (Kind.RESTORE, ReplicationStatus.FAILED_OVER),
]
EDGES = [(verb, source) for verb in REPLICATION_VERBS for source in sorted(statuses.MOVES[verb].sources)]


def test_the_table_has_no_dead_end():
    assert problems(statuses.MOVES) == []


@pytest.mark.parametrize("verb, source", EDGES)
def test_taking_an_edge_away_is_noticed(verb, source):
    move = statuses.MOVES[verb]
    without = dataclasses.replace(move, sources=move.sources - {source})

    assert problems({**statuses.MOVES, verb: without})


@pytest.mark.parametrize("verb", REPLICATION_VERBS)
def test_a_verb_that_ends_in_its_passing_status_is_noticed(verb):
    move = statuses.MOVES[verb]

    assert problems({**statuses.MOVES, verb: dataclasses.replace(move, success=move.passing, outcomes=frozenset())})


@pytest.mark.parametrize("verb", statuses.MOVES)
def test_every_passing_status_is_known_as_passing(verb):
    move = statuses.MOVES[verb]

    assert move.passing in statuses.PASSING[move.axis]
    assert not ({move.success, move.failure} & statuses.PASSING[move.axis])


@pytest.mark.parametrize("words", [*statuses.WORDS.values()])
def test_every_status_has_a_sentence(words):
    missing = [word for word in words if not statuses.MEANINGS[words].get(word, "").endswith(".")]

    assert missing == []


def test_an_open_operation_can_always_end():
    for state in statuses.OPEN:
        seen, todo = {state}, [state]
        while todo:
            for after in statuses.OPERATION_MOVES[todo.pop()] - seen:
                seen.add(after)
                todo.append(after)
        assert seen & statuses.FINAL, state


def test_an_ended_operation_stays_ended():
    assert all(not statuses.OPERATION_MOVES[state] for state in statuses.FINAL)


def test_an_open_site_failover_can_always_end():
    for state in statuses.SITE_OPEN:
        assert any(not statuses.SITE_MOVES[after] for after in statuses.SITE_MOVES[state]), state
