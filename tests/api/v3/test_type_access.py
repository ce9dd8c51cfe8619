"""Who may use which volume type, and which one is the default."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from django.conf import settings

from groups import models
from groups.services import types
from tests.api.v3 import people
from tests.support import domain


@pytest.fixture
def private(site: domain.Site) -> models.VolumeType:
    """A volume type that no project was given yet."""
    row = types.create(site.admin, family=types.VOLUME, name="private", is_public=False)
    assert isinstance(row, models.VolumeType)
    return row


def access(person: people.Person, kind: models.VolumeType, name: str, project: str) -> people.Answer:
    return person.post(f"/types/{kind.pk}/action", {name: {"project": project}})


class TestAccess:
    def test_a_project_is_given_a_type_and_loses_it(self, cast: people.Cast, private: models.VolumeType) -> None:
        def seen() -> tuple[int, list[str], int]:
            listed = [row["name"] for row in cast.olga.get("/types").body["volume_types"]]
            made = cast.olga.post("/volumes", {"volume": {"size": 1, "volume_type": "private"}})
            return cast.olga.get(f"/types/{private.pk}").status, sorted(listed), made.status

        before = seen()
        given = access(cast.ada, private, "addProjectAccess", cast.olga.project_id)
        while_given = seen()
        listed = cast.ada.get(f"/types/{private.pk}/os-volume-type-access")
        taken = access(cast.ada, private, "removeProjectAccess", cast.olga.project_id)

        assert before == seen() == (404, ["replicable"], 404)
        assert (given.status, given.body, taken.status) == (202, None, 202)
        assert while_given == (200, ["private", "replicable"], 202)
        assert cast.otto.get(f"/types/{private.pk}").status == 404
        assert listed.body == {
            "volume_type_access": [{"volume_type_id": str(private.pk), "project_id": cast.olga.project_id}]
        }

    def test_what_makes_no_sense_is_refused(
        self, cast: people.Cast, site: domain.Site, private: models.VolumeType
    ) -> None:
        project = cast.olga.project_id
        access(cast.ada, private, "addProjectAccess", project)

        assert access(cast.ada, private, "addProjectAccess", project).status == 409
        assert access(cast.ada, private, "removeProjectAccess", "f" * 32).status == 404
        assert access(cast.ada, site.volume_type, "addProjectAccess", project).status == 400
        assert access(cast.olga, private, "addProjectAccess", project).status == 403
        public = cast.ada.get(f"/types/{site.volume_type.pk}/os-volume-type-access")
        assert (public.status, public.message) == (404, "Access list not available for public volume types.")

    def test_admins_choose_which_types_they_list(self, cast: people.Cast, private: models.VolumeType) -> None:
        def names(**query: Any) -> list[str]:
            return sorted(row["name"] for row in cast.ada.get("/types", **query).body["volume_types"])

        assert names() == ["replicable"]
        assert names(is_public="None") == ["private", "replicable"]
        assert names(is_public="False") == ["private"]


class TestEncryption:
    WANTED: ClassVar[dict[str, Any]] = {
        "provider": "luks",
        "control_location": "front-end",
        "cipher": "aes-xts-plain64",
        "key_size": 256,
    }

    def test_is_kept_and_volumes_of_such_a_type_find_no_backend(
        self, cast: people.Cast, private: models.VolumeType
    ) -> None:
        path = f"/types/{private.pk}/encryption"
        nothing = cast.ada.get(path)
        made = cast.ada.post(path, {"encryption": self.WANTED})
        again = cast.ada.post(path, {"encryption": self.WANTED})
        changed = cast.ada.put(f"{path}/luks", {"encryption": {"key_size": 128}})

        assert (nothing.status, nothing.body) == (200, {})
        assert (made.status, again.status) == (200, 400)
        assert made.body["encryption"].items() >= {**self.WANTED, "volume_type_id": str(private.pk)}.items()
        assert (changed.status, changed.body) == (200, {"encryption": {"key_size": 128}})
        assert cast.ada.get(path).body.items() >= {**self.WANTED, "key_size": 128, "deleted": False}.items()
        assert cast.ada.get(f"{path}/cipher").body == {"cipher": "aes-xts-plain64"}
        refused = cast.ada.post("/volumes", {"volume": {"size": 1, "volume_type": "private"}})
        assert (refused.status, "wants its volumes encrypted" in refused.message) == (400, True)
        assert cast.ada.delete(f"{path}/provider").status == 202
        assert cast.ada.get(path).body == {}
        assert cast.ada.delete(f"{path}/provider").status == 404

    def test_is_left_alone_once_there_are_volumes_and_by_all_but_admins(
        self, cast: people.Cast, site: domain.Site
    ) -> None:
        path = f"/types/{site.volume_type.pk}/encryption"
        cast.olga.post("/volumes", {"volume": {"size": 1, "volume_type": "replicable"}})

        used = cast.ada.post(path, {"encryption": self.WANTED})

        assert (used.status, used.message) == (400, "Cannot create encryption specs. Volume type in use.")
        assert cast.olga.post(path, {"encryption": self.WANTED}).status == cast.olga.get(path).status == 403
        assert cast.ada.post(path, {"encryption": {"provider": "luks"}}).status == 400


class TestDefaults:
    def test_a_volume_without_a_type_gets_its_projects_default(
        self, cast: people.Cast, private: models.VolumeType
    ) -> None:
        path = f"/default-types/{cast.olga.project_id}"
        access(cast.ada, private, "addProjectAccess", cast.olga.project_id)
        default = {"project_id": cast.olga.project_id, "volume_type_id": str(private.pk)}

        nothing = cast.ada.get(path)
        put = cast.ada.put(path, {"default_type": {"volume_type": "private"}})
        made = cast.olga.post("/volumes", {"volume": {"size": 1}})

        assert (nothing.status, put.status, put.body) == (404, 200, {"default_type": default})
        assert cast.ada.get(path).body == {"default_type": default}
        assert cast.ada.get("/default-types").body == {"default_types": [default]}
        assert made.body["volume"]["volume_type"] == "private"
        assert cast.olga.get("/types/default").body["volume_type"]["name"] == "private"
        refused = cast.ada.delete(f"/types/{private.pk}")
        assert (refused.status, "is a default volume type and cannot be deleted" in refused.message) == (400, True)
        gone = cast.ada.delete(path)
        assert (gone.status, gone.body) == (204, None)
        assert cast.olga.post("/volumes", {"volume": {"size": 1}}).status == 400

    def test_what_is_not_the_projects_own_is_the_sites(
        self, cast: people.Cast, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert cast.olga.get("/types/default").message == "Default volume type can not be found."
        assert cast.olga.get("/group_types/default").message == "Default group type can not be found."

        names = {"default_volume_type": "replicable", "default_group_type": "replicated"}
        monkeypatch.setattr(settings, "REPLSITE", settings.REPLSITE.model_copy(update=names))

        assert cast.olga.get("/types/default").body["volume_type"]["name"] == "replicable"
        assert cast.olga.get("/group_types/default").body["group_type"]["name"] == "replicated"
        assert cast.olga.post("/volumes", {"volume": {"size": 1}}).body["volume"]["volume_type"] == "replicable"

    def test_only_admins_set_defaults_and_only_to_what_there_is(self, cast: people.Cast) -> None:
        path = f"/default-types/{cast.olga.project_id}"

        assert cast.olga.put(path, {"default_type": {"volume_type": "replicable"}}).status == 403
        assert cast.ada.put(path, {"default_type": {"volume_type": "nowhere"}}).status == 404
        assert cast.ada.put(path, {"default_type": {}}).status == 400
        assert cast.ada.get("/default-types", version="3.61").status == 404
