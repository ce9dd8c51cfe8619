"""The conformance kit: what every driver must do, as tests that a driver's own tests subclass.

    class TestMine(DriverConformance):
        @pytest.fixture(autouse=True)
        def storage(self, tmp_path): ...     # start it, yield, stop it
        def make_driver(self): ...           # and the other abstract methods of `Harness`

Fill in every abstract method of `Harness`; nothing else is needed, but for a driver that keeps undo
points the two methods that say how one is read and how keeping one fails. A driver that makes
test copies fills in the two that say how one is written and how a target's copy is spoiled. All tests hold
for any honest driver. Volumes are `VOLUME_BYTES` large; writes are single blocks of 4 KiB or multiples of 64 KiB,
aligned to their size. `write` is called from a second thread while the driver works;
`make_driver` also in forked children that are then killed with -9. A harness may override the
class attributes of `Harness` where its storage needs it, above all `crash_delays`, the seconds
after which a child is killed in the middle of each call.
"""

from __future__ import annotations

from drivers.conformance.declaring import Declaring
from drivers.conformance.differing import Differing
from drivers.conformance.discarding import Discarding
from drivers.conformance.failing import Failing
from drivers.conformance.harness import VOLUME_BYTES, Harness
from drivers.conformance.moving import Moving
from drivers.conformance.refusing import Refusing
from drivers.conformance.rehearsing import Rehearsing
from drivers.conformance.repeating import Repeating
from drivers.conformance.snapshotting import Snapshotting

__all__ = ["VOLUME_BYTES", "DriverConformance", "Harness"]


class DriverConformance(
    Declaring, Repeating, Moving, Failing, Refusing, Differing, Discarding, Rehearsing, Snapshotting
):
    """All the tests; a driver's own test class derives from it."""
