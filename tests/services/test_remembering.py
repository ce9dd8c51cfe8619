"""Remembering right passwords for a while."""

from __future__ import annotations

import types

import pytest
from django.contrib.auth.models import User

from groups.services import remembering


def user(number: int) -> User:
    return User(pk=number, password=f"hash-of-{number}")


@pytest.fixture
def clock(monkeypatch):
    """A clock that can be set forward: `clock[0] += seconds`."""
    now = [1_000_000.0]
    monkeypatch.setattr(remembering, "time", types.SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_remembered_password_fits_that_user_only():
    remembering.remember(user(1), "secret")

    assert remembering.fits(user(1), "secret")
    assert not remembering.fits(user(1), "other")
    assert not remembering.fits(user(2), "secret")


def test_a_remembered_password_is_forgotten_after_its_time(clock):
    remembering.remember(user(3), "secret")
    clock[0] += remembering.REMEMBERED_SECONDS - 1
    fits_before = remembering.fits(user(3), "secret")
    clock[0] += 1

    assert fits_before
    assert not remembering.fits(user(3), "secret")


def test_only_so_many_are_remembered():
    for number in range(remembering.MOST + 1):
        remembering.remember(user(number), "many")

    assert not remembering.fits(user(0), "many")
    assert remembering.fits(user(remembering.MOST), "many")


def test_no_password_is_kept_in_clear():
    remembering.remember(user(4), "wolpertinger")

    assert "wolpertinger" not in repr(remembering._until)
