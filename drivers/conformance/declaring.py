"""What a driver says of itself, and what it never says."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable

import pytest

from drivers.base import PRIMARY
from drivers.conformance.harness import Harness
from drivers.errors import DriverError, Refused


class Declaring(Harness):
    """Options, connections, secrets."""

    def test_every_declared_option_is_explained(self) -> None:
        driver = self.make_driver()

        for declared in (driver.options, driver.target_options):
            names = [option.name for option in declared]
            assert len(set(names)) == len(names)
            assert [option.name for option in declared if not option.help.strip().endswith(".")] == []
            assert [option.name for option in declared if option.secret and option.default is not None] == []
        assert driver.kind
        assert driver.summary

    def test_the_way_to_a_volume_is_told_of_each_side_with_every_site_down(self) -> None:
        driver = self.make_driver()
        for side in (PRIMARY, *self.targets):
            self.site_down(side)

        told = [driver.connection("one", backend_id=side) for side in (PRIMARY, *self.targets)]

        assert {connection.kind for connection in told} == {told[0].kind}
        assert len({repr(sorted(connection.data.items())) for connection in told}) == len(told)
        assert driver.connection("one", backend_id=PRIMARY) == told[0] != driver.connection("two", backend_id=PRIMARY)
        assert [secret for secret in self.secrets() if secret in repr(told)] == []
        with pytest.raises(Refused):
            driver.connection("one", backend_id="no such target")

    def test_check_connection_tells_which_sides_answer(self) -> None:
        self.site_down(self.targets[0])

        began = time.monotonic()
        facts = self.make_driver().check_connection(call=self.call())

        assert time.monotonic() - began < self.look_seconds
        reachable = {side.backend_id: side.reachable for side in facts}
        assert reachable == {PRIMARY: True, self.targets[0]: False, self.targets[1]: True}

    def test_no_secret_is_told_in_errors_logs_or_facts(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        driver, group = self.make_driver(), self.replicated_group()
        told = [repr(driver), str(driver), repr(driver.config), repr(self.observe(group))]

        self.site_down(self.targets[0])
        told += [
            _error_of(lambda: driver.replicate(group, backend_id=self.targets[0], call=self.call())),
            _error_of(lambda: driver.promote(group, backend_id=self.targets[0], call=self.call())),
            _error_of(lambda: driver.replicate(group, backend_id="no such target", call=self.call())),
            _error_of(lambda: driver.promote(self.new_group(), backend_id=self.targets[1], call=self.call())),
            _error_of(lambda: driver.stop_writes(group, call=self.call(0))),
        ]

        told += [record.getMessage() + str(record.args) + str(record.exc_text) for record in caplog.records]
        assert self.secrets()
        assert [secret for secret in self.secrets() if any(secret in text for text in told)] == []


def _error_of(work: Callable[[], object]) -> str:
    """Return all that the driver's error tells."""
    with pytest.raises(DriverError) as caught:
        work()
    return repr(caught.value) + caught.value.remedy + "".join(traceback.format_exception(caught.value))
