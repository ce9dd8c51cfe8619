"""The parts of the conformance kit; `drivers.testing` puts them together.

Belongs here: tests that hold for any honest driver, and what they stand on (`harness`).
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"drivers.conformance.{part}"
        for part in ("harness", "declaring", "differing", "discarding", "failing", "moving", "refusing", "repeating")
    )
)
