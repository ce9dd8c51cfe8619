"""A few requests to each address, without a web server: the long run is `make fuzz`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application

from tests.fuzz import asking, document


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(600)
@pytest.mark.unjudged("admins reset statuses by hand, and nobody works off what is accepted")
def test_no_address_answers_otherwise_than_described(everybody: Mapping[str, Mapping[str, str]]) -> None:
    application = get_wsgi_application()
    tally = asking.Tally()

    def send(case: schemathesis.Case, headers: Mapping[str, str]) -> Any:
        return case.call(app=application, base_url="http://testserver", headers=dict(headers))

    admin = {"admin": everybody["admin"]}
    asking.ask_all(document.with_known(document.known()), admin, each=2, send=send, tally=tally)

    assert not tally.wrong, tally.report()
