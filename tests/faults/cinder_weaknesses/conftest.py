"""The cast of the tests about what Cinder does wrong."""

from __future__ import annotations

import pytest

from groups import models
from tests.api.v3 import people
from tests.support import domain


@pytest.fixture
def cast(site: domain.Site) -> people.Cast:
    """Everybody, logged in to the site."""
    return people.cast(site.project, models.Project.objects.get(pk=site.outsider.project_id))
