"""Long lists of volumes show what short ones do."""

from __future__ import annotations

import uuid

import pytest

from groups import models
from groups.queries import paging, volumes as queries
from groups.services import volumes
from groups.statuses import AttachStatus


@pytest.mark.unjudged("rows are written by hand")
@pytest.mark.parametrize("count", [1, 100, 101])
def test_a_list_shows_who_uses_each_volume_however_long_it_is(site, count):
    first = volumes.create(site.owner, size_gib=1, volume_type="replicable", name="used")
    same = {field.attname: getattr(first, field.attname) for field in models.Volume._meta.concrete_fields}
    models.Volume.objects.bulk_create([models.Volume(**{**same, "id": uuid.uuid4()}) for _ in range(count - 1)])
    attached = {"volume": first, "project_id": first.project_id, "attach_status": AttachStatus.ATTACHED}
    models.Attachment.objects.create(**attached, host="web-1", mode="rw")

    found = queries.listed(site.owner, page=paging.Page(), filters={})

    assert len(found) == count
    assert [values["id"] for values in found if values["attachments"]] == [first.pk]
