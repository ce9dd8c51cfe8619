"""Processes that run long do not search through all they have loaded again and again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import processes

_SETTLE = {
    "web": "from replsite import gunicorn, wsgi; gunicorn.post_worker_init(None)",
    "worker": "from replsite import celery; celery.settle()",
}


@pytest.mark.parametrize("kind", _SETTLE)
def test_what_is_loaded_when_a_process_begins_its_work_is_never_searched_again(kind: str, tmp_path: Path) -> None:
    code = f"import gc; {_SETTLE[kind]}; print(gc.get_freeze_count() > 10_000, len(gc.get_objects()) < 1_000)"

    said = processes.run("-c", code, env=processes.environment(tmp_path))

    assert said.stdout.split() == ["True", "True"], said.stderr


def test_a_worker_does_so_when_it_is_ready(tmp_path: Path) -> None:
    code = (
        "from celery import signals; from replsite import celery;"
        "print(celery.settle in [receiver() for _, receiver in signals.worker_ready.receivers])"
    )

    said = processes.run("-c", code, env=processes.environment(tmp_path))

    assert said.stdout.split() == ["True"], said.stderr
