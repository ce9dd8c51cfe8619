"""Who may ask what: every role, in the project and outside of it, at every address."""

from __future__ import annotations

import dataclasses

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from groups import callers, models
from groups.queries import access
from groups.services import policies, tokens
from tests.api import matrix
from tests.api.v3 import people
from tests.support import domain

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600), pytest.mark.slow]
ADDRESSES = list(matrix.addresses())
_NOT_SERVED = {401, 403, 405, 500, 501, 503}


@dataclasses.dataclass
class Scene:
    """A project with one of everything, and somebody of each kind."""

    things: dict[str, str]
    cast: people.Cast

    def ask(self, who: people.Person, address: matrix.Address) -> people.Answer:
        """Ask as somebody; whatever it changes is taken back."""
        path, body = matrix.filled(address, self.things), matrix.body_of(address, self.things)
        with transaction.atomic():
            answer = who.ask(address.method, path, body=body, root="")
            transaction.set_rollback(True)
        return answer


@pytest.fixture
def scene(site: domain.Site) -> Scene:
    elsewhere = models.Project.objects.get(pk=site.outsider.project_id)
    return Scene(things=matrix.furnished(site), cast=people.cast(site.project, elsewhere))


def may(role: str, address: matrix.Address) -> bool:
    """Tell whether the table says that a role may ask this in its own project."""
    rule = matrix.TABLE[address.row]
    return rule == matrix.ANYBODY or policies.role_for(rule) in callers.implied(role)


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    rows = [address.row for address in ADDRESSES]

    assert [row for row in rows if row not in matrix.TABLE] == [], "say in tests/api/matrix.py which rule each needs"
    assert [row for row in matrix.TABLE if row not in rows] == []
    assert {rule for rule in matrix.TABLE.values() if rule and rule not in policies.RULES} == set()


@pytest.mark.parametrize("role", callers.ROLES)
def test_in_the_own_project_each_role_may_what_the_table_says(scene: Scene, role: str) -> None:
    who = {"reader": scene.cast.rita, "member": scene.cast.olga, "admin": scene.cast.ada}[role]
    wrong = []
    for address in ADDRESSES:
        status = scene.ask(who, address).status
        if (status in _NOT_SERVED) if may(role, address) else (status != 403):
            wrong.append((address.row, status))

    assert wrong == []


def test_an_outsider_learns_nothing(scene: Scene) -> None:
    wrong = []
    for address in ADDRESSES:
        answer = scene.ask(scene.cast.otto, address)
        if address.is_of_a_project:
            fits = answer.status == 404
        elif "{owner}" in address.path:
            # Whether or not there is such a project.
            fits = answer.status == 403
        else:
            fits = answer.status not in _NOT_SERVED if may("member", address) else answer.status == 403
        said = str(answer.body)
        secrets = [name for name in matrix.OWNED if scene.things[name] in said and answer.status < 400]
        if not fits or secrets:
            wrong.append((address.row, answer.status, secrets))

    assert wrong == []


def test_whoever_has_no_project_may_nothing(scene: Scene) -> None:
    user = User.objects.create_user("nobody")
    nobody = people.Person.__new__(people.Person)
    nobody.token = tokens.issue(access.to(user, None)).text

    assert [address.row for address in ADDRESSES if scene.ask(nobody, address).status != 403] == []


def test_whoever_is_not_logged_in_is_told_so(scene: Scene) -> None:
    nobody = people.Person.__new__(people.Person)
    nobody.token = "rs-nobodys"

    assert [address.row for address in ADDRESSES if scene.ask(nobody, address).status != 401] == []
