"""Adding and changing by form: everything goes through the services, refusals are shown with their remedy."""

from __future__ import annotations

import pytest
from django.urls import reverse

from groups import models, sealing
from tests.admin.conftest import Cast, page, rows, text
from tests.support.domain import SECRET, Site, drain

GROUP_ADD = reverse("admin:groups_group_add")
VOLUME_ADD = reverse("admin:groups_volume_add")
BACKEND_ADD = reverse("admin:groups_backend_add")
MASK = "********"


def spec_rows(*given: tuple[str, str], had: int = 0, removed: tuple[int, ...] = ()) -> dict[str, str]:
    """Return the specs as the form posts them."""
    values = {"form-TOTAL_FORMS": str(len(given)), "form-INITIAL_FORMS": str(had)}
    for index, (key, value) in enumerate(given):
        values |= {f"form-{index}-key": key, f"form-{index}-value": value}
        if index in removed:
            values[f"form-{index}-DELETE"] = "on"
    return values


def target_rows(*given: dict[str, str], had: int = 0) -> dict[str, str]:
    """Return the targets as the form posts them."""
    values = {"targets-TOTAL_FORMS": str(len(given)), "targets-INITIAL_FORMS": str(had)}
    return values | {f"targets-{index}-{name}": value for index, row in enumerate(given) for name, value in row.items()}


def group_values(site: Site) -> dict[str, object]:
    """Return a new group as the form posts it."""
    return {
        "project": site.project.pk,
        "name": "till",
        "group_type": str(site.group_type.pk),
        "volume_types": [str(site.volume_type.pk)],
    }


def test_a_group_and_its_volume_are_added_by_form(site: Site, cast: Cast):
    cast.member.post(GROUP_ADD, group_values(site))
    drain()
    group = models.Group.objects.get(name="till")
    address = f"{VOLUME_ADD}?group={group.pk}"
    shown = text(cast.member.get(address))
    answer = cast.member.post(
        address, {"name": "till-1", "size_gib": 2, "volume_type": str(site.volume_type.pk)}, follow=True
    )
    drain()

    volume = models.Volume.objects.get()
    assert (group.project, group.status, group.backend) == (site.project, "available", site.backend)
    assert "Add a volume to till" in shown
    assert (volume.group, volume.size_gib, volume.status) == (group, 2, "available")
    assert "Volume <a" in text(answer)


def test_a_lone_volume_is_added_renamed_and_deleted(site: Site, cast: Cast):
    values = {"project": site.project.pk, "name": "one", "size_gib": 1, "volume_type": str(site.volume_type.pk)}
    cast.member.post(VOLUME_ADD, values)
    drain()
    volume = models.Volume.objects.get()

    cast.member.post(page(volume, "edit"), {"name": "uno", "description": ""})
    volume.refresh_from_db()
    name = volume.name
    cast.member.post(page(volume, "delete"))
    drain()

    assert name == "uno"
    assert not models.Volume.objects.exists()


def test_a_group_no_backend_fits_is_refused_with_what_each_lacks_and_what_to_do(site: Site, cast: Cast):
    models.ReplicationTarget.objects.all().delete()
    before = rows()

    answer = cast.member.post(GROUP_ADD, group_values(site))

    assert answer.status_code == 400
    assert "No valid backend was found" in text(answer)
    assert "Add a backend that has what is asked for" in text(answer)
    assert rows() == before


def test_a_member_makes_groups_only_in_own_projects_and_a_reader_none(site: Site, cast: Cast):
    theirs = models.Project.objects.get(name="elsewhere")
    before = rows()

    answer = cast.member.post(GROUP_ADD, group_values(site) | {"project": theirs.pk})

    assert answer.status_code == 400
    assert "elsewhere" not in text(cast.member.get(GROUP_ADD))
    assert cast.reader.get(GROUP_ADD).status_code == 403
    assert cast.reader.post(GROUP_ADD, group_values(site)).status_code == 403
    assert rows() == before


def test_a_volume_in_a_group_that_is_not_there_is_not_found(site: Site, cast: Cast):
    answers = [cast.admin.get(f"{VOLUME_ADD}?group={name}") for name in ("nonsense", site.project.pk)]

    assert [answer.status_code for answer in answers] == [404, 404]


@pytest.mark.parametrize("kind", ["volumetype", "grouptype"])
def test_a_type_is_added_changed_and_deleted_with_its_specs(site: Site, cast: Cast, kind):
    model = {"volumetype": models.VolumeType, "grouptype": models.GroupType}[kind]
    about = {"name": "gold", "description": "the best", "is_public": "on"}
    cast.admin.post(reverse(f"admin:groups_{kind}_add"), about | spec_rows(("a", "1"), ("b", "2"), ("", "")))
    row = model.objects.get(name="gold")
    added = row.specs

    cast.admin.post(
        page(row),
        {"name": "silver", "description": ""} | spec_rows(("a", "9"), ("b", "2"), ("c", ""), had=2, removed=(1,)),
    )
    row = model.objects.get(pk=row.pk)
    changed = (row.name, row.description, row.is_public, row.specs)
    cast.admin.post(page(row, "delete"))

    assert added == {"a": "1", "b": "2"}
    assert changed == ("silver", "", False, {"a": "9", "c": ""})
    assert not model.objects.filter(pk=row.pk).exists()


def test_a_type_is_changed_wholly_or_not_at_all(site: Site, cast: Cast):
    site.new_group(1)
    before = rows()

    answer = cast.admin.post(
        page(site.volume_type), {"name": "renamed", "is_public": "on"} | spec_rows(("replication_enabled", "no"), had=1)
    )

    assert answer.status_code == 409
    assert "Volume Type is currently in use." in text(answer)
    assert rows() == before


def test_a_name_that_is_taken_is_refused_with_what_to_do(site: Site, cast: Cast):
    answer = cast.admin.post(reverse("admin:groups_grouptype_add"), {"name": "replicated"} | spec_rows())

    assert answer.status_code == 409
    assert "Group Type replicated already exists." in text(answer)
    assert "Choose another name." in text(answer)


def test_a_value_without_a_key_is_refused_at_its_row(site: Site, cast: Cast):
    answer = cast.admin.post(reverse("admin:groups_grouptype_add"), {"name": "new"} | spec_rows(("", "1")))

    assert answer.status_code == 400
    assert "Name the key of this value." in text(answer)
    assert not models.GroupType.objects.filter(name="new").exists()


def test_only_admins_change_types_and_backends(site: Site, cast: Cast):
    addresses = [page(site.volume_type), page(site.group_type), page(site.backend)]
    before = rows()

    shown = [cast.reader.get(address) for address in addresses]
    posted = [cast.member.post(address, {"name": "x"} | spec_rows() | target_rows()) for address in addresses]
    deleted = [cast.member.post(page(row, "delete")) for row in (site.volume_type, site.group_type, site.backend)]

    assert [answer.status_code for answer in shown] == [200, 200, 200]
    assert not any('method="post" class="c-card' in text(answer) for answer in shown)
    assert {answer.status_code for answer in [*posted, *deleted]} == {403}
    assert rows() == before


def test_a_backend_is_added_with_a_form_made_from_its_drivers_options(site: Site, cast: Cast, tmp_path):
    chooser = text(cast.admin.get(BACKEND_ADD))
    blank = text(cast.admin.get(f"{BACKEND_ADD}?driver=fake"))
    cast.admin.post(
        f"{BACKEND_ADD}?driver=fake",
        {"name": "two", "option_state": str(tmp_path), "option_password": "sesame"}
        | target_rows(
            {"backend_id": "late", "ORDER": "2"},
            {"backend_id": "first", "option_host": "h", "ORDER": "1"},
            {"backend_id": ""},
        ),
    )

    backend = models.Backend.objects.get(name="two")
    assert "keeps nobody&#x27;s data" in chooser
    assert "Folder the storage lives in" in blank
    assert sealing.unseal(backend.options) == {"state": str(tmp_path), "password": "sesame"}
    assert "sesame" not in str(backend.options)
    assert [target.backend_id for target in backend.targets.all()] == ["first", "late"]


def test_a_backend_that_cannot_work_is_refused_with_every_problem(site: Site, cast: Cast):
    values = {"name": "bad name", "option_latency_seconds": "soon"} | target_rows()
    named_well = values | {"name": "fine", "option_state": "relative"}

    answers = [cast.admin.post(f"{BACKEND_ADD}?driver=fake", given) for given in (values, named_well)]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "is not a possible backend name" in text(answers[0])
    assert "must be a number" in text(answers[1])
    assert "must be an absolute path" in text(answers[1])
    assert models.Backend.objects.count() == 1


def test_an_unknown_driver_is_said_to_be_unknown(site: Site, cast: Cast):
    answer = cast.admin.get(f"{BACKEND_ADD}?driver=vapor", follow=True)

    assert "There is no driver &#x27;vapor&#x27;" in text(answer)


def test_a_secret_is_never_shown_and_kept_when_left_as_it_is(site: Site, cast: Cast):
    lists = [
        reverse("admin:groups_backend_changelist"),
        reverse("admin:index"),
        page(site.backend),
        page(site.backend, "delete"),
    ]
    pages = [text(cast.admin.get(address)) for address in lists]
    folder = site.backend.options["state"]
    targets = (
        {"backend_id": "ignored", "option_host": "b2.example", "option_password": MASK, "ORDER": "1"},
        {"backend_id": "ignored", "option_host": "", "option_password": "", "ORDER": "2"},
    )

    cast.admin.post(
        page(site.backend),
        {"enabled": "on", "description": "main", "option_state": folder} | target_rows(*targets, had=2),
    )

    backend = models.Backend.objects.get()
    first, second = backend.targets.all()
    assert not any(SECRET in shown for shown in pages)
    assert f'value="{MASK}"' in pages[2]
    assert (backend.description, backend.enabled) == ("main", True)
    assert sealing.unseal(first.options) == {"host": "b2.example", "password": SECRET}
    assert (first.backend_id, second.backend_id, second.options) == ("site-b", "site-c", {})


def test_a_secret_is_not_in_a_page_that_shows_what_was_wrong(site: Site, cast: Cast):
    values = {"enabled": "on", "option_latency_seconds": "soon"}

    answer = cast.admin.post(page(site.backend), values | target_rows())

    assert answer.status_code == 400
    assert SECRET not in text(answer)


def test_a_backend_that_holds_something_is_not_removed(site: Site, cast: Cast):
    site.new_group(1)

    refused = cast.admin.post(page(site.backend, "delete"))
    models.Volume.objects.all().delete()
    models.Group.objects.all().delete()
    cast.admin.post(page(site.backend, "delete"))

    assert refused.status_code == 409
    assert "still holds 1 groups" in text(refused)
    assert not models.Backend.objects.exists()


def test_the_box_that_removes_a_row_has_a_name_for_who_cannot_see_its_column(site: Site, cast: Cast):
    shown = text(cast.admin.get(page(site.group_type)))

    box = shown[shown.index('name="form-0-DELETE"') :]
    assert 'aria-label="Remove"' in box[: box.index(">")]
