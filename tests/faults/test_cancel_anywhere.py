"""A cancellation at every step: all is as before, or it came too late and all is done; never anything between."""

from __future__ import annotations

import itertools
import pprint
import random

import pytest

from groups import models
from groups.services import groups, replication
from tests.faults import canceling, cases, matrix
from tests.support import domain

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1800)]

SOAK = pytest.mark.soak
NAMES = [name for name, case in cases.CASES.items() if case.ends == "succeeded"]
MAKING = {
    *("create group", "create volume", "create volume from a volume"),
    *("create group from a group", "create group from a snapshot", "take snapshot", "take group snapshot"),
}
"""What a cancellation leaves in error, to be deleted: there is no state before to go back to."""

NEW = {name for name in cases.CASES if "snapshot" in name or " from " in name or "extend" in name}
SOON = [name for name in NAMES if name not in NEW]
SOAKED = [pytest.param(name, None, marks=SOAK) for name in NAMES]

COPYING = {"restore the copies", "restore the side"}
"""What a cancellation leaves some copies of."""


@pytest.fixture
def bench(site, name) -> matrix.Bench:
    return matrix.Bench(site, cases.CASES[name], matrix.Fake(site.control))


def cancel(bench: matrix.Bench) -> None:
    canceling.cancel_newest(bench.site.admin)


@pytest.mark.parametrize("name, most", [*((name, 3) for name in SOON), *SOAKED])
def test_canceled_at_any_moment_an_operation_is_wholly_undone_or_wholly_done(bench, name, most, monkeypatch):
    done, moments = undisturbed(bench, monkeypatch)

    wrong = {}
    for number in chosen(range(1, len(moments) + 1), most=most):
        before = ready_to_cancel(bench)
        watch = canceling.Moments(at=number, act=lambda: cancel(bench))
        watch.watched(domain.drain_with_retries, monkeypatch)
        if found := problems(bench, name, before=before, done=done):
            wrong[f"{number}: {moments[number - 1]}"] = found

    assert not wrong, pprint.pformat(wrong, width=200)
    assert len(moments) >= 8


@pytest.mark.parametrize("action", ["hang", "ignore-cancel"])
@pytest.mark.parametrize("name, most", [*((name, 2) for name in SOON), *SOAKED])
def test_canceled_within_a_driver_s_call_an_operation_is_wholly_undone_or_wholly_done(
    bench, name, action, most, monkeypatch
):
    """Whether the driver stops when it is asked to, or is deaf and goes on."""
    canceling.hasten(monkeypatch)
    done, _ = undisturbed(bench, monkeypatch)
    methods = dict.fromkeys(call.method for call in bench.storage.log() if call.method in CHANGING)

    wrong = {}
    for method, volume, when in chosen(list(itertools.product(methods, (None, 1, 3), ("before", "after"))), most=most):
        before = ready_to_cancel(bench)
        bench.site.control.add_fault(call=method, action=action, volume=volume, when=when, seconds=60, times=1)
        canceling.cancel_within(bench.site.control, bench.site.admin, deaf=action == "ignore-cancel")
        if found := problems(bench, name, before=before, done=done):
            wrong[f"{when} volume {volume} in {method}"] = found

    assert not wrong, pprint.pformat(wrong, width=200)


CHANGING = {
    "create_volume", "create_group", "update_group", "enable_replication", "disable_replication", "replicate",
    "stop_writes", "promote", "retire", "delete_group", "delete_volume", "create_snapshots", "delete_snapshots",
    "create_volumes_from", "extend_volume",
}  # fmt: skip


def undisturbed(bench: matrix.Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[dict, list[str]]:
    """Return what is true after a run that nobody cancels, and its moments."""
    bench.begin()
    watch = canceling.Moments()
    watch.watched(domain.drain, monkeypatch)
    return essence(bench.state()), watch.reached


def ready_to_cancel(bench: matrix.Bench) -> dict:
    """Make everything ready, and ask; return what was true before that."""
    bench.ready()
    before = bench.state()
    bench.ask()
    bench.site.control.forget_log()
    return essence(before)


def problems(bench: matrix.Bench, name: str, *, before: dict, done: dict) -> list[str]:
    """Return what is wrong after a cancellation, and with the way on from there."""
    operation = models.Operation.objects.latest("created_at")
    state = essence(bench.state())
    if operation.state == "succeeded":
        return [] if state == done else [f"done, but not wholly: {matrix.different(done, state)}"]
    if operation.state != "canceled":
        return [f"{operation.state}: {operation.error}"]
    if name in MAKING:
        return way_on_after_making(bench, operation)
    if name in COPYING:
        state, before = (_without_copies(each) for each in (state, before))
    if state != before:
        return [f"canceled, but not as before: {matrix.different(before, state)}"]
    return way_on(bench, done=done)


def way_on(bench: matrix.Bench, *, done: dict) -> list[str]:
    """Ask for the same again; return what is wrong at its end."""
    bench.ask_once_more()
    domain.drain_with_retries()
    state = essence(bench.state())
    return [] if state == done else [f"asked for again, it does not end well: {matrix.different(done, state)}"]


def way_on_after_making(bench: matrix.Bench, operation: models.Operation) -> list[str]:
    """Delete what was canceled in the making; return what is left of it."""
    if operation.kind == "create-group":
        groups.delete(bench.site.owner, group_id=operation.subject_id)
    else:
        groups.delete(bench.site.owner, group_id=bench.group.pk, delete_volumes=True)
    domain.drain_with_retries()
    left = [name for name in bench.storage.inventory() if str(operation.subject_id) in name]
    model = models.Group if operation.kind == "create-group" else models.Volume
    gone = not model.objects.filter(pk=operation.subject_id).exists()
    return left if gone else [*left, "the row is still there"]


def essence(state: dict) -> dict:
    """Leave out what a cancellation may change: at which moment copies were made, and so what they hold."""
    held = {side: [None if copy is None else _told(copy) for copy in copies] for side, copies in state["held"].items()}
    # What a round set aside is dropped by the next one.
    left = [name for name in state["left"] if ": round " not in name]
    return {**state, "held": held, "left": left}


def _without_copies(state: dict) -> dict:
    """Leave out what a restoration copied before it was canceled: it is kept, and nobody is protected less for it."""
    held = {
        side: [{**copy, "replicating": None} if copy and copy["role"] == "active" else None for copy in copies]
        for side, copies in state["held"].items()
    }
    return {name: state[name] for name in ("group", "volumes", "round")} | {"held": held}


def _told(copy: dict) -> dict:
    active = copy["role"] == "active"
    return {
        "role": copy["role"],
        "clients write": copy["clients write"],
        "replicating": copy["replicating"],
        "holds a point": active or copy["point"] is not None,
        "content": copy["content"] if active else "",
    }


def chosen(found, *, most: int | None) -> list:
    """Return all, or some, others each time."""
    return list(found) if most is None or len(found) <= most else random.sample(list(found), most)


LATE = {
    "disable": "disable_replication",
    "remove volume": "update_group",
    "delete group": "delete_group",
    "restore that nothing is copied": "disable_replication",
}
"""Operations that cannot be taken back, and the call at their heart."""


@pytest.mark.parametrize("name", LATE)
def test_a_cancellation_of_what_had_begun_and_fails_does_not_claim_that_all_is_as_before(bench, name):
    bench.ready()
    bench.site.control.add_fault(call=LATE[name], action="fail-retryable", volume=1, when="after")
    bench.ask()
    domain.drain()

    cancel(bench)
    domain.drain_with_retries()

    operation = models.Operation.objects.latest("created_at")
    assert operation.state == "failed"
    assert "too late" in operation.error


def test_a_canceled_move_back_does_not_claim_that_a_group_is_where_it_is_not(site):
    group = cases.enabled(site)
    site.control.add_fault(call="promote", action="fail-retryable", volume=2, when="after")
    operation = cases.fail_over(site, group)
    domain.drain()

    canceling.cancel_newest(site.owner)
    domain.drain_with_retries()

    operation.refresh_from_db()
    group.refresh_from_db()
    writable = all(site.control.can_write(side="", volume_id=str(volume.pk)) for volume in domain.members(group))
    assert (operation.state == "canceled") == (writable and group.replication_status == "enabled")


@pytest.mark.parametrize("name", ["add volume", "remove volume", "delete group", "delete volume"])
def test_a_change_canceled_before_it_began_leaves_every_status_and_member_as_it_was(bench, name):
    bench.ready()
    before = bench.state()
    bench.ask()

    cancel(bench)

    assert models.Operation.objects.latest("created_at").state == "canceled"
    assert bench.state() == before


def test_an_unplanned_failover_canceled_before_it_moved_anything_needs_no_word_of_the_dead_side(site):
    group = cases.dark_primary(site)
    site.control.add_fault(call="observe", action="fail-retryable", times=1)
    operation = replication.failover(site.owner, group_id=group.pk, mode="unplanned")
    domain.drain()

    canceling.cancel_newest(site.owner)
    domain.drain()

    operation.refresh_from_db()
    group.refresh_from_db()
    assert (operation.state, group.replication_status) == ("canceled", "enabled"), operation.error
