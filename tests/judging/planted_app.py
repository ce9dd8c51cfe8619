"""The Celery app with a fault planted: `PLANTED_FAULT='no fence' celery -A tests.judging.planted_app worker`."""

from __future__ import annotations

import os

import django

from replsite.celery import app

# What is broken needs the tables, which Celery would make known only later.
django.setup()

from tests.judging import plants  # noqa: E402

plants.plant(os.environ["PLANTED_FAULT"])

__all__ = ["app"]
