"""The command line's doors."""

from __future__ import annotations

import getpass
import io
import sys

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from drivers.options import MASK
from groups import models
from groups.queries import access
from groups.services import tokens

pytestmark = pytest.mark.django_db
ID = "0123456789abcdef0123456789abcdef"
PASSWORD = "klabautermann"
SECRET = "wolpertinger"


def run(*words):
    """Run a command; return what it printed and what it warned of."""
    out, warned = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=warned)
    return out.getvalue(), warned.getvalue()


def failure(*words):
    """Run a command that must fail; return its sentence."""
    with pytest.raises(CommandError) as failed:
        run(*words)
    return str(failed.value)


def configure(settings, **values):
    settings.REPLSITE = settings.REPLSITE.model_copy(update=values)


@pytest.fixture
def no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO())


@pytest.fixture
def typed(monkeypatch):
    """What somebody types on a terminal, unseen."""
    answers = []
    monkeypatch.setattr(sys, "stdin", type("Terminal", (io.StringIO,), {"isatty": lambda self: True})())
    monkeypatch.setattr(getpass, "getpass", lambda prompt: answers.pop(0))
    return answers


def test_bootstrap_makes_an_admin_whose_printed_password_is_right():
    said, _ = run("bootstrap")

    admin = User.objects.get()
    password = said.partition("password ")[2].partition(" ")[0]
    assert admin.is_superuser
    assert admin.is_staff
    assert admin.check_password(password)
    assert len(password) >= 16
    assert access.first(admin).roles == {"reader", "member", "admin"}
    assert models.Project.objects.get().pk in said


def test_bootstrap_makes_a_default_volume_type_where_there_is_none_at_all():
    run("bootstrap")
    made = models.VolumeType.objects.get()
    models.VolumeType.objects.update(name="renamed")

    run("bootstrap")

    assert made.name == "__DEFAULT__"
    assert models.VolumeType.objects.get().name == "renamed"


def test_bootstrap_again_changes_nothing_and_shows_no_password(settings):
    run("bootstrap")
    before = list(User.objects.values()), list(models.Project.objects.values())
    configure(settings, admin_password=type(settings.REPLSITE.admin_password)("another-password"))

    said, _ = run("bootstrap")

    assert (list(User.objects.values()), list(models.Project.objects.values())) == before
    assert "password unchanged" in said
    assert "another-password" not in said


def test_bootstrap_takes_password_and_project_id_from_the_settings_and_does_not_show_the_password(settings):
    configure(settings, admin_password=type(settings.REPLSITE.admin_password)(PASSWORD), project_id=ID)

    said, warned = run("bootstrap")

    assert User.objects.get().check_password(PASSWORD)
    assert models.Project.objects.get().pk == ID
    assert PASSWORD not in said + warned
    assert warned == ""


def test_bootstrap_warns_of_a_password_that_is_easy_to_guess(settings):
    configure(settings, admin_password=type(settings.REPLSITE.admin_password)("secret"))

    _, warned = run("bootstrap")

    assert "easy to guess" in warned
    assert User.objects.get().check_password("secret")


def test_bootstrap_with_another_project_id_than_the_one_there_is_fails_naming_both(settings):
    run("bootstrap")
    configure(settings, project_id=ID)

    said = failure("bootstrap")

    assert models.Project.objects.get().pk in said


def test_add_backend_adds_it_with_its_targets_in_order_and_never_shows_a_secret(tmp_path):
    said, warned = run(
        *("add_backend", "array", "--driver", "fake", "--option", f"state={tmp_path}"),
        *("--option", f"password={SECRET}", "--target", f"site-b:host=b.example,password={SECRET}"),
        *("--target", "site-c"),
    )

    backend = models.Backend.objects.get()
    assert [target.backend_id for target in backend.targets.all()] == ["site-b", "site-c"]
    assert backend.targets.all()[0].options["host"] == "b.example"
    assert SECRET not in said + warned
    assert MASK in said
    assert "site-b (default)" in said


def test_add_backend_names_every_wrong_option_at_once_and_adds_nothing():
    said = failure(
        *("add_backend", "array", "--driver", "fake", "--option", f"pasword={SECRET}"),
        *("--option", "latency_seconds=soon", "--target", f"site-b:hots={SECRET}"),
    )

    for wrong in ("pasword", "latency_seconds", "hots", "site-b"):
        assert wrong in said
    assert SECRET not in said
    assert not models.Backend.objects.exists()


@pytest.mark.parametrize(
    "words, said",
    [
        (("--option", SECRET), "--option number 1 is not key=value"),
        (("--option", f"={SECRET}"), "--option number 1 is not key=value"),
        (("--option", "host=a", "--option", "host=b"), "'host' is given twice"),
        (("--target", f"site-b:{SECRET}"), "site-b:key=value"),
        (("--target", "site-b", "--target", "site-b"), "'site-b' is given twice"),
        (("--target", "default"), "back to the primary"),
        (("--target", ":host=a"), "1 to 255"),
    ],
)
def test_add_backend_says_what_it_cannot_read_without_quoting_it(words, said):
    message = failure("add_backend", "array", "--driver", "fake", *words)

    assert said in message
    assert SECRET not in message
    assert not models.Backend.objects.exists()


def test_add_backend_with_an_unknown_driver_names_the_known_ones():
    said = failure("add_backend", "array", "--driver", "tape")

    assert "fake" in said
    assert "qemu" in said


def test_list_backends_shows_each_with_its_targets(tmp_path):
    assert "add_backend" in run("list_backends")[0]
    run("add_backend", "array", "--driver", "fake", "--option", f"state={tmp_path}", "--target", "b", "--target", "c")

    said, _ = run("list_backends")

    assert said.splitlines() == ["NAME   DRIVER  STATE    TARGETS", "array  fake    enabled  b, c"]


def test_remove_backend_removes_an_empty_one_only(site):
    site.new_group(1)

    said = failure("remove_backend", site.backend.name)

    assert "still holds 1 groups" in said
    assert models.Backend.objects.filter(name=site.backend.name).exists()


def test_remove_backend_removes_it(site):
    run("remove_backend", site.backend.name)

    assert not models.Backend.objects.exists()


def test_add_project_says_its_id():
    said, _ = run("add_project", "shop", "--id", ID)

    assert ID in said
    assert models.Project.objects.get(name="shop").pk == ID


@pytest.mark.parametrize("by", ["name", "id"])
def test_add_user_gives_the_role_in_the_project_named(by):
    run("add_project", "shop", "--id", ID)

    said, warned = run(
        "add_user", "olga", "--project", ID if by == "id" else "shop", "--role", "member", "--password", PASSWORD
    )

    assert access.first(access.user("olga")).roles == {"reader", "member"}
    assert PASSWORD not in said + warned


def test_add_user_asks_for_the_password_on_a_terminal(typed):
    run("add_project", "shop")
    typed += [PASSWORD, PASSWORD]

    run("add_user", "olga", "--project", "shop", "--role", "reader")

    assert access.user("olga").check_password(PASSWORD)


def test_add_user_refuses_two_different_passwords(typed):
    run("add_project", "shop")
    typed += [PASSWORD, PASSWORD + "x"]

    assert "differ" in failure("add_user", "olga", "--project", "shop", "--role", "reader")
    assert not User.objects.exists()


def test_add_user_without_terminal_and_password_says_what_to_do(no_terminal):
    run("add_project", "shop")

    assert "--password" in failure("add_user", "olga", "--project", "shop", "--role", "reader")
    assert not User.objects.exists()


def test_add_user_changes_the_role_of_a_known_user_without_asking(no_terminal):
    run("add_project", "shop")
    run("add_user", "olga", "--project", "shop", "--role", "reader", "--password", PASSWORD)

    said, _ = run("add_user", "olga", "--project", "shop", "--role", "admin")

    assert "is now admin" in said
    assert "admin" in access.first(access.user("olga")).roles


def test_add_user_for_an_unknown_project_does_not_ask_for_a_password(typed):
    assert "nowhere" in failure("add_user", "olga", "--project", "nowhere", "--role", "reader")


def test_create_token_prints_a_good_token_and_nothing_else():
    run("add_project", "shop")
    run("add_user", "olga", "--project", "shop", "--role", "reader", "--password", PASSWORD)

    said, about = run("create_token", "olga", "--project", "shop")

    assert tokens.find(said.removesuffix("\n")).granted.user.username == "olga"
    assert "olga in project shop, until" in about


@pytest.mark.parametrize("words, said", [(("otto",), "otto"), (("olga", "--project", "elsewhere"), "no role")])
def test_create_token_for_who_has_no_access_fails(words, said):
    run("add_project", "shop")
    run("add_project", "elsewhere")
    run("add_user", "olga", "--project", "shop", "--role", "reader", "--password", PASSWORD)

    assert said in failure("create_token", *words)
    assert not models.Token.objects.exists()


def test_create_token_for_a_user_without_a_project_fails():
    User.objects.create_user("loner")

    assert "no project" in failure("create_token", "loner")


def test_add_user_gives_further_roles(settings):
    settings.REPLSITE = settings.REPLSITE.model_copy(update={"failover_role": "dr"})
    run("add_project", "shop")

    said, _ = run("add_user", "rita", "--project", "shop", "--role", "dr", "--password", PASSWORD)

    assert "added, reader and dr of" in said
    assert access.first(access.user("rita")).roles == {"reader", "dr"}
