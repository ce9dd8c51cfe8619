"""Judges a history by every rule there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.judging import effects, endings, leases, losses, moves, truths, writers
from tests.judging.history import History

RULES: tuple[Callable[[History], Sequence[str]], ...] = (
    writers.complaints,
    endings.complaints,
    moves.complaints,
    effects.complaints,
    truths.complaints,
    leases.complaints,
    losses.complaints,
)


def judge(history: History) -> list[str]:
    """Return one sentence for each promise that was not kept; nothing when all were."""
    return [complaint for rule in RULES for complaint in rule(history)]
