"""Many volumes in one group. How long it takes is told in the driver's README, and not asserted."""

from __future__ import annotations

import pytest

from drivers.base import PRIMARY
from tests.drivers.qemu.daemons import Sites


@pytest.mark.soak
def test_a_hundred_volumes_fail_over_together(sites: Sites) -> None:
    group = sites.group(100, size_bytes=64 << 20)
    for volume in group.volumes:
        sites.write(PRIMARY, volume.id, 0, b"x" * 65536)
    sites.driver().enable_replication(group, call=sites.call())
    sites.kill(PRIMARY)

    facts = sites.driver().promote(group, backend_id="target-a", call=sites.call(2))

    assert facts.writable
    assert all(sites.can_write("target-a", volume.id) for volume in group.volumes)
