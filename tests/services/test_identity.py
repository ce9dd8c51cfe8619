"""Projects, users and roles."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from groups import callers, errors, models
from groups.queries import access
from groups.services import identity

pytestmark = pytest.mark.django_db
SYSTEM = callers.system(door="command")
ID = "0123456789abcdef0123456789abcdef"
PASSWORD = "klabautermann"


def add_user(name="olga", *, project="shop", role="member", password=PASSWORD):
    return identity.add_user(SYSTEM, name=name, project=project, role=role, password=password)


@pytest.fixture
def shop():
    return identity.add_project(SYSTEM, name="shop")


def test_a_project_gets_the_id_asked_for_without_dashes():
    added = identity.add_project(SYSTEM, name="shop", project_id="01234567-89AB-cdef-0123-456789abcdef")

    assert added.pk == ID


@pytest.mark.parametrize("project_id", ["123", "g" * 32, ID + "0"])
def test_a_project_id_of_another_form_is_refused(project_id):
    with pytest.raises(errors.InvalidInput, match="32 digits"):
        identity.add_project(SYSTEM, name="shop", project_id=project_id)

    assert not models.Project.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "a\0b"])
def test_an_impossible_project_name_is_refused(name):
    with pytest.raises(errors.InvalidInput, match="printable"):
        identity.add_project(SYSTEM, name=name)


def test_a_project_name_or_id_that_is_taken_is_refused(shop):
    with pytest.raises(errors.Duplicate, match=shop.pk):
        identity.add_project(SYSTEM, name="shop")
    with pytest.raises(errors.Duplicate, match="shop"):
        identity.add_project(SYSTEM, name="other", project_id=shop.pk)


def test_a_member_may_not_add_projects_or_users(shop):
    member = callers.Caller(user_id="1", user_name="m", project_id=shop.pk, roles=callers.implied(callers.MEMBER))

    with pytest.raises(errors.Forbidden):
        identity.add_project(member, name="mine")
    with pytest.raises(errors.Forbidden):
        identity.add_user(member, name="me", project="shop", role="admin", password=PASSWORD)


def test_a_users_password_is_not_stored_in_clear(shop):
    user, is_new = add_user()

    assert is_new
    assert PASSWORD not in user.password
    assert user.check_password(PASSWORD)


def test_a_known_user_gets_another_role_and_keeps_the_password(shop):
    add_user(role="member")

    user, is_new = add_user(role="reader", password=None)

    assert not is_new
    assert models.RoleAssignment.objects.get(user=user, project=shop).role == "reader"
    assert user.check_password(PASSWORD)


def test_a_known_user_does_not_get_another_password(shop):
    user, _ = add_user()

    with pytest.raises(errors.Duplicate, match="already exists"):
        add_user(password="another-one", role="admin")

    user.refresh_from_db()
    assert user.check_password(PASSWORD)
    assert models.RoleAssignment.objects.get(user=user).role == "member"


@pytest.mark.parametrize(
    "wrong",
    [{"password": None}, {"password": ""}, {"name": ""}, {"name": "a b"}, {"name": "x" * 151}, {"role": "king"}],
)
def test_a_user_that_cannot_be_is_refused_and_leaves_no_trace(shop, wrong):
    with pytest.raises(errors.InvalidInput):
        add_user(**wrong)

    assert not User.objects.exists()
    assert not models.RoleAssignment.objects.exists()


def test_a_user_of_an_unknown_project_is_not_added():
    with pytest.raises(errors.NotFound):
        add_user(project="nowhere")

    assert not User.objects.exists()


def test_set_up_again_changes_nothing():
    first = identity.set_up(SYSTEM, user_name="admin", password="one-password", project_name="admin")
    second = identity.set_up(SYSTEM, user_name="admin", password="another-one", project_name="admin")

    assert (first.user_is_new, first.project_is_new) == (True, True)
    assert (second.user_is_new, second.project_is_new) == (False, False)
    assert second.user.check_password("one-password")
    assert models.Project.objects.count() == User.objects.count() == models.RoleAssignment.objects.count() == 1


def test_set_up_with_the_id_of_a_known_project_uses_it(shop):
    first = identity.set_up(SYSTEM, user_name="admin", password="pw", project_name="admin", project_id=shop.pk)

    assert first.project == shop
    assert access.to(first.user, shop).roles == callers.implied(callers.ADMIN)


def test_set_up_with_another_id_for_the_project_is_refused_and_adds_nobody():
    known = identity.add_project(SYSTEM, name="admin")

    with pytest.raises(errors.Duplicate, match=known.pk):
        identity.set_up(SYSTEM, user_name="admin", password="pw", project_name="admin", project_id=ID)

    assert not User.objects.exists()


def test_roles_include_the_lesser_ones(shop):
    user, _ = add_user(role="admin")

    assert access.to(user, shop).roles == {"reader", "member", "admin"}


def test_a_superuser_is_admin_in_a_project_without_a_role_there(shop):
    boss = User.objects.create_superuser("boss")

    assert "admin" in access.to(boss, shop).roles
    assert access.first(boss).project == shop


def test_a_superuser_with_a_role_has_that_role(shop):
    boss = User.objects.create_superuser("boss")
    models.RoleAssignment.objects.create(user=boss, project=shop, role="reader")

    assert access.to(boss, shop).roles == {"reader"}


def test_a_user_who_names_no_project_gets_the_first_of_their_own(shop):
    identity.add_project(SYSTEM, name="another")
    user, _ = add_user()
    boss = User.objects.create_superuser("boss")
    models.RoleAssignment.objects.create(user=boss, project=shop, role="reader")

    assert access.first(user).project == shop
    assert access.first(boss).project == shop


def test_a_disabled_project_cannot_be_chosen(shop):
    user, _ = add_user()
    models.Project.objects.update(enabled=False)

    with pytest.raises(errors.NotAuthenticated):
        access.chosen(user, "shop")
    assert access.first(user).project is None


def test_a_project_elsewhere_is_refused_as_one_that_does_not_exist(shop):
    user, _ = add_user()
    identity.add_project(SYSTEM, name="theirs")

    with pytest.raises(errors.NotAuthenticated) as theirs:
        access.chosen(user, "theirs")
    with pytest.raises(errors.NotAuthenticated) as nowhere:
        access.chosen(user, "nowhere")

    assert theirs.value.message == nowhere.value.message.replace("nowhere", "theirs")


def test_a_user_without_a_project_is_told_so():
    loner = User.objects.create_user("loner")

    with pytest.raises(errors.Forbidden, match="no project"):
        access.first(loner).caller(door="api")


@pytest.mark.parametrize("user_id", ["", "0", "-1", "1e3", "٣", "9" * 18, "9" * 500, "admin", "\0"])
def test_an_id_of_no_user_has_no_name(user_id):
    assert access.name_of(user_id) == ""
