"""Tells a supervisor or a load balancer how the site is."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable

import structlog
from celery import current_app
from django.db import connection
from django.http import HttpRequest, JsonResponse

LIMIT_SECONDS = 3

log = structlog.get_logger(__name__)


def live(_request: HttpRequest) -> JsonResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "ok"})


def ready(_request: HttpRequest) -> JsonResponse:
    """Say whether database and broker answer in time; 503 names the one that does not."""
    found = _found({"database": ask_database, "broker": ask_broker})
    good = all(each == "ok" for each in found.values())
    return JsonResponse({"status": "ok" if good else "unavailable", **found}, status=200 if good else 503)


def ask_database() -> None:
    """Ask the database for nothing; raises when it does not answer."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()  # of this thread, which ends here


def ask_broker() -> None:
    """Connect to the broker; raises when it does not answer."""
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=0, timeout=LIMIT_SECONDS)


def _found(questions: dict[str, Callable[[], None]]) -> dict[str, str]:
    # Threads of their own, because neither a database nor a broker that hangs can be interrupted.
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=len(questions), thread_name_prefix="health")
    answers = {name: pool.submit(ask) for name, ask in questions.items()}
    concurrent.futures.wait(answers.values(), timeout=LIMIT_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return {name: _word(name, answer) for name, answer in answers.items()}


def _word(name: str, answer: concurrent.futures.Future[None]) -> str:
    if not answer.done():
        log.warning("not_ready", asked=name, error="no answer in time")
        return "no answer"
    if error := answer.exception():
        log.warning("not_ready", asked=name, error=type(error).__name__)
        return "failed"
    return "ok"
