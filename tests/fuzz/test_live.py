"""Tens of thousands of requests to a live site on PostgreSQL, by people of every role, while workers work them off."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest
import requests
import schemathesis

from groups.api import openapi
from tests.fuzz import asking, document
from tests.support.crew import Crew
from tests.support.databases import PostgreSQL

CASES = int(os.environ.get("FUZZ_CASES", "20000"))
_MOST_SECONDS = 30


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
@pytest.mark.django_db(transaction=True)
@pytest.mark.unjudged("admins reset statuses by hand at any moment")
def test_no_address_of_a_live_site_answers_otherwise_than_described(
    postgresql: PostgreSQL, crew: Crew, everybody: Mapping[str, Mapping[str, str]]
) -> None:
    door = crew.web(public_url="")
    crew.worker()
    crew.beat()
    tally, session = asking.Tally(say=print), requests.Session()

    def send(case: schemathesis.Case, headers: Mapping[str, str]) -> Any:
        return case.call(
            base_url=f"http://127.0.0.1:{door.port}", session=session, headers=dict(headers), timeout=_MOST_SECONDS
        )

    operations = sum(len(methods) for methods in openapi.document()["paths"].values())
    each = max(3 * len(everybody), CASES // (operations * 4))
    while tally.sent < CASES:
        # Anew each time: what there is has changed.
        asking.ask_all(document.with_known(document.known()), everybody, each=each, send=send, tally=tally)

    print(tally.report())  # noqa: T201  what the run is for
    assert not tally.wrong, tally.report()
