"""Tells a supervisor or a load balancer how the site is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from celery import current_app
from django.db import connection
from django.http import HttpRequest, JsonResponse

from groups import queues
from groups.queries import problems, watching

LIMIT_SECONDS = 3
OK, FAILED, NO_ANSWER = "ok", "failed", "no answer"

_SENTENCES = {
    FAILED: "The {name} cannot be used; the log has the error.",
    NO_ANSWER: f"The {{name}} gives no answer within {LIMIT_SECONDS} s.",
}

log = structlog.get_logger(__name__)


def live(_request: HttpRequest) -> JsonResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "ok"})


def check(_request: HttpRequest) -> JsonResponse:
    """Say the same where OpenStack's load balancers ask, in their words."""
    return JsonResponse({"detailed": False, "reasons": ["OK"]})


def ready(_request: HttpRequest) -> JsonResponse:
    """Say whether database and broker answer in time and everybody works who should; 503 says what is not so."""
    questions = _ask_all(database=look, broker=ask_broker)
    words = {name: question.word for name, question in questions.items()}
    said = [_SENTENCES[word].format(name=name) for name, word in words.items() if word != OK]
    report: dict[str, object] = {**words}
    if words["database"] == OK:
        standing = questions["database"].answer
        said += [problem.what for problem in problems.of(standing)]
        report |= _figures(standing)
    report = {"status": "unavailable" if said else OK, **report, "problems": said}
    return JsonResponse(report, status=503 if said else 200)


def look() -> watching.Standing:
    """Read from the database who lives and what waits; raises when it does not answer."""
    try:
        return watching.standing()
    finally:
        connection.close()  # of this thread, which ends here


def ask_broker() -> None:
    """Connect to the broker; raises when it does not answer."""
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=0, timeout=LIMIT_SECONDS)


class _Question(threading.Thread):
    """Something asked in a thread of its own, because what hangs cannot be interrupted."""

    def __init__(self, name: str, ask: Callable[[], Any]) -> None:
        super().__init__(name=f"asking the {name}", daemon=True)
        self._named, self._ask = name, ask
        self.answer: Any = None
        self._failed = False

    def run(self) -> None:
        try:
            self.answer = self._ask()
        # Whatever it is, the answer is that it failed.
        except Exception as error:
            self._failed = True
            log.warning("not_ready", asked=self._named, error=type(error).__name__)

    @property
    def word(self) -> str:
        """What to say of it now."""
        if self.is_alive():
            return NO_ANSWER
        return FAILED if self._failed else OK


_newest: dict[str, _Question] = {}
_choosing = threading.Lock()


def _ask_all(**asks: Callable[[], Any]) -> dict[str, _Question]:
    """Ask all at once, and wait for the answers as long as is allowed."""
    end = time.monotonic() + LIMIT_SECONDS
    questions = {name: _question(name, ask) for name, ask in asks.items()}
    for question in questions.values():
        question.join(max(0.0, end - time.monotonic()))
    return questions


def _question(name: str, ask: Callable[[], Any]) -> _Question:
    # One that hangs is waited for again, not asked again: or each request would leave a thread behind.
    with _choosing:
        question = _newest.get(name)
        if question is None or not question.is_alive():
            question = _newest[name] = _Question(name, ask)
            question.start()
        return question


def _figures(standing: watching.Standing) -> dict[str, object]:
    ticks = {tick: standing.tick_seconds.get(tick) for tick in watching.TICKS}
    return {
        "workers": {queue: len(standing.readers(queue)) for queue in queues.ALL},
        "tick_seconds": {tick: None if age is None else round(age, 1) for tick, age in ticks.items()},
        "waiting_seconds": round(max(standing.waiting_seconds.values(), default=0.0), 1),
        "expired_leases": standing.expired_leases,
    }
