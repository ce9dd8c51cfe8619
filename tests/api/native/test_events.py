"""Events in our own API: the audit of who changed what."""

from __future__ import annotations

import pytest

from tests.api.native.asking import ask
from tests.api.v3.people import Cast
from tests.support import domain


def test_the_events_of_a_group_outlive_it_and_are_its_project_s(cast: Cast, site: domain.Site) -> None:
    group = site.new_group(1)
    cast.olga.act(group, "delete", {"delete-volumes": True})
    domain.drain()

    seen = ask(cast.olga, "GET", "/events", group_id=str(group.pk)).body["events"]
    gone = ask(cast.olga, "GET", "/events", subject_id=str(group.pk), new="(gone)").body["events"]

    assert cast.olga.get(f"/groups/{group.pk}").status == 404
    assert [each["operation_id"] for each in gone] == [str(domain.last_operation(group).pk)]
    assert {each["project_id"] for each in seen} == {cast.olga.project_id}
    assert ask(cast.otto, "GET", "/events").body["events"] == []


def test_pages_are_followed_to_the_end_newest_first(cast: Cast, site: domain.Site) -> None:
    site.enabled_group(1)
    everything = ask(cast.olga, "GET", "/events").body["events"]

    seen, path = [], "/events?limit=3"
    while path:
        page = ask(cast.olga, "GET", path).body
        seen += page["events"]
        path = (page["next"] or "").removeprefix("http://testserver/api")

    assert seen == everything
    assert [int(each["id"]) for each in seen] == sorted((int(each["id"]) for each in seen), reverse=True)


@pytest.mark.parametrize("query", [{"marker": "x"}, {"marker": "9" * 30}, {"color": "red"}, {"since": "soon"}])
def test_a_question_nobody_understands_is_refused(cast: Cast, site: domain.Site, query: dict[str, str]) -> None:
    assert ask(cast.ada, "GET", "/events", **query).status == 400


@pytest.mark.parametrize("path", ["/events", "/groups", "/operations", "/findings"])
def test_a_character_no_database_keeps_is_refused(cast: Cast, site: domain.Site, path: str) -> None:
    assert ask(cast.ada, "GET", path, project_id="a\0b").status == 400
