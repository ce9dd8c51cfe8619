"""The console's users, and what they see."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from groups import callers, models
from tests.support.domain import Site


@dataclasses.dataclass
class Cast:
    """A browser for each kind of user."""

    admin: Client
    other_admin: Client
    member: Client
    reader: Client
    stranger: Client


@pytest.fixture
def cast(site: Site) -> Cast:
    """An admin, a member and a reader of the project, and somebody of the staff who may see nothing."""
    users = get_user_model()
    admin = users.objects.create_superuser("ada")
    viewing = Permission.objects.filter(codename__startswith="view_", content_type__app_label="groups")
    browsers = {"admin": _browser(admin), "other_admin": _browser(users.objects.create_superuser("grace"))}
    for name, role in (("member", callers.MEMBER), ("reader", None), ("stranger", None)):
        user = users.objects.create_user(name, is_staff=True)
        if name != "stranger":
            user.user_permissions.set(viewing)
        if role:
            models.RoleAssignment.objects.create(user=user, project=site.project, role=role)
        browsers[name] = _browser(user)
    return Cast(**browsers)


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table of ours, to compare."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in apps.get_app_config("groups").get_models()
    }


def page(row: Any, verb: str = "change") -> str:
    """Return the address of a row's page, or of one of its verbs."""
    name = f"admin:groups_{row._meta.model_name}_{verb.replace('-', '_')}"
    return reverse(name, args=(row.pk,))


def text(response: Any) -> str:
    """Return what a page says."""
    return response.content.decode()


def _browser(user: Any) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser
