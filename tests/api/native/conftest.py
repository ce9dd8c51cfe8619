"""The cast of our own API's tests."""

from tests.api.v3.conftest import cast

__all__ = ["cast"]
