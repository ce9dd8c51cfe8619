"""How the tests of our own API ask."""

from __future__ import annotations

from typing import Any

from tests.api.v3.people import Answer, Person


def ask(
    person: Person, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None, **query: Any
) -> Answer:
    """Send a request to our own API."""
    return person.ask(method, path, body=body, query=query, root="/api", version=None, headers=headers)


def follow(person: Person, answer: Answer) -> dict[str, Any]:
    """Return the operation that an answer leads to."""
    operation: dict[str, Any] = ask(person, "GET", answer.headers["Location"].removeprefix("/api")).body["operation"]
    return operation
