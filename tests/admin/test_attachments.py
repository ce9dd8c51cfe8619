"""Which host uses which volume, in the console."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from groups import models
from tests.admin.conftest import Cast, page, text
from tests.support.domain import Site, members


def test_a_volume_names_the_hosts_that_use_it_and_the_list_finds_them(site: Site, cast: Cast):
    group = site.enabled_group(2)
    used, unused = members(group)
    row = models.Attachment.objects.create(
        project=site.project,
        volume=used,
        host="compute-7",
        mode="ro",
        mountpoint="/dev/vdb",
        attach_status="attached",
        attached_at=timezone.now(),
        connector={"initiator": "iqn.1994-05.example:secret"},
    )
    listed = reverse("admin:groups_attachment_changelist")

    of_used, of_unused = text(cast.reader.get(page(used))), text(cast.reader.get(page(unused)))
    found = text(cast.reader.get(listed, {"q": group.name}))
    alone = text(cast.reader.get(page(row)))

    for said in (of_used, found, alone):
        assert "compute-7" in said
        assert "reads only" in said
        assert "secret" not in said
    assert "No host uses it." in of_unused
    assert cast.stranger.get(listed).status_code == 403
    assert cast.admin.post(page(row, "delete")).status_code == 403
