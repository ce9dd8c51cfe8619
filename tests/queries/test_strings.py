"""Volumes' and snapshots' metadata is read as other JSON is, only faster."""

from __future__ import annotations

import json

import pytest
from django.db import connection, models as db

from groups import models
from groups.services import volumes

TEXTS = {"tier": "gold", "": "", 'a "quoted" key': "line\nbreak", "schlüssel": "wert ☃", "escaped": "\\u0041"}


@pytest.fixture
def volume(site):
    return volumes.create(site.owner, size_gib=1, volume_type="replicable", metadata=TEXTS)


def test_what_was_written_is_what_is_read(volume):
    assert models.Volume.objects.get(pk=volume.pk).metadata == TEXTS
    assert models.Volume.objects.values_list("metadata", flat=True).get(pk=volume.pk) == TEXTS


@pytest.mark.parametrize("stored", ['{"half": "\\ud800"}', '{"nan": NaN}', "[1, null]", "null"])
def test_what_only_python_takes_for_json_is_read_as_other_json_is(stored):
    field = models.Volume._meta.get_field("metadata")
    as_other = db.JSONField().from_db_value(stored, None, connection)

    found = field.from_db_value(stored, field.get_col("groups_volume"), connection)

    assert json.dumps(found) == json.dumps(as_other)


def test_one_text_of_it_is_read_as_of_other_json(volume):
    assert models.Volume.objects.values_list("metadata__tier", flat=True).get(pk=volume.pk) == "gold"
    assert models.Volume.objects.filter(metadata__tier="gold").exists()


def test_migrations_keep_it_as_the_json_that_it_is_to_the_database():
    assert models.Volume._meta.get_field("metadata").deconstruct()[1] == "django.db.models.JSONField"
