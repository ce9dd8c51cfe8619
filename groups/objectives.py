"""Objectives: how much data and how much time a failover may cost, and how a measure stands against them."""

from __future__ import annotations

import dataclasses
from enum import StrEnum


class State(StrEnum):
    """How a measure stands against its objective."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


class Measure(StrEnum):
    """What an objective is about."""

    RPO = "rpo"
    RTO = "rto"


LEVELS = ("warning", "critical")
COLUMNS = tuple(f"{measure}_{level}_seconds" for measure in Measure for level in LEVELS)
"""What the levels are called wherever they are set: in a group's columns, and after a prefix in specs and settings."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Levels:
    """From how many seconds on a measure is worth a warning, and from how many on it is critical."""

    warning: float | None = None
    critical: float | None = None
    is_set: bool = True
    """Whether somebody set them; else they follow from the interval of the group's rounds."""

    def state(self, seconds: float | None) -> State | None:
        """Return how a measure stands; None where there is no objective. An unknown measure is critical."""
        if self.warning is None and self.critical is None:
            return None
        if seconds is None or (self.critical is not None and seconds > self.critical):
            return State.CRITICAL
        return State.WARNING if self.warning is not None and seconds > self.warning else State.OK


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objectives:
    """The levels that hold for one group."""

    rpo: Levels
    """For the age of the newest complete point on a target: what a failover now would lose."""
    rto: Levels
    """For how long the last failover took, from being asked for to its end."""
