"""What a site says it keeps of a test copy: everything of every member, or a leak of one would go unnoticed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drivers.qemu import images
from tests.drivers.qemu.daemons import Sites


@pytest.fixture
def sites() -> Iterator[Sites]:
    made = Sites(targets=["west"])
    yield made
    made.end()


def test_the_inventory_names_what_the_daemon_has_open_for_each_member(sites):
    group, driver = sites.group(3), sites.driver()
    driver.enable_replication(group, call=sites.call())
    driver.start_test_copy(group, backend_id="west", copy_id="drill", call=sites.call())

    found = driver.inventory(group, backend_id="west", call=sites.call())

    for volume in group.volumes:
        assert len([name for name in found if name.startswith("node") and volume.id in name]) == 3, found
        assert len([name for name in found if name.startswith("export") and volume.id in name]) == 2, found


def test_a_start_goes_on_from_an_image_that_a_killed_one_left_unfinished(sites, monkeypatch):
    group, driver = sites.group(1), sites.driver()
    driver.enable_replication(group, call=sites.call())

    def begin_and_die(path, **_size):
        path.touch()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(images, "create_overlay", begin_and_die)
        with pytest.raises(KeyboardInterrupt):
            driver.start_test_copy(group, backend_id="west", copy_id="drill", call=sites.call())

    copy = driver.start_test_copy(group, backend_id="west", copy_id="drill", call=sites.call())

    assert copy.addresses.keys() == {group.volumes[0].id}
