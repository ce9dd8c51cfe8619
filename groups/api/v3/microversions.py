"""Which version of the API a request speaks: `OpenStack-API-Version: volume 3.38`."""

from __future__ import annotations

import re
from typing import NamedTuple

from groups.api.v3 import answers

HEADER = "OpenStack-API-Version"
SERVICE = "volume"
_FORM = re.compile(r"([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})")


class Version(NamedTuple):
    """A version; later ones compare greater."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


MINIMUM = Version(3, 0)
MAXIMUM = Version(3, 71)

# From which version on something is there.
MESSAGES = Version(3, 3)
CLUSTER_FIELD = Version(3, 7)
MANAGEABLE = Version(3, 8)
GROUP_FILTER = Version(3, 10)
GROUP_TYPES = Version(3, 11)
SUMMARY = Version(3, 12)
GROUPS = Version(3, 13)
GROUP_SOURCES = Version(3, 14)
RESET_GROUP_SNAPSHOT = Version(3, 19)
RESET_GROUP = Version(3, 20)
PROVIDER_ID = Version(3, 21)
FORCED_DELETE = Version(3, 23)
LISTED_VOLUMES = Version(3, 25)
ATTACHMENTS = Version(3, 27)
CLUSTERS = Version(3, 26)
POOL_FILTERS = Version(3, 28)
GROUP_SNAPSHOT_FILTERS = Version(3, 29)
CHECKED_FILTERS = Version(3, 31)
LOG_LEVELS = Version(3, 32)
RESOURCE_FILTERS = Version(3, 33)
PARTIAL_FILTERS = Version(3, 34)
POOLS_OF_TYPE = Version(3, 35)
SUMMARY_METADATA = Version(3, 36)
REPLICATION = Version(3, 38)
COMPLETED_ATTACHMENTS = Version(3, 44)
PROJECT_LIMITS = Version(3, 39)
SNAPSHOT_USER = Version(3, 41)
EXTENDED_IN_USE = Version(3, 42)
COUNTS = Version(3, 45)
SHARED_TARGETS = Version(3, 48)
BACKEND_STATE = Version(3, 49)
CHECKED_TYPE_FILTERS = Version(3, 52)
STRICT_VOLUMES = Version(3, 53)
ATTACHMENT_MODE = Version(3, 54)
TRANSFERRED_SNAPSHOTS = Version(3, 55)
TRANSFER_HISTORY = Version(3, 57)
GROUP_PROJECT = Version(3, 58)
CLUSTER_NAME = Version(3, 61)
DEFAULT_TYPES = Version(3, 62)
VOLUME_TYPE_ID = Version(3, 63)
CONSUMES_QUOTA = Version(3, 65)
SNAPSHOTS_IN_USE = Version(3, 66)


def requested(header: str | None) -> Version:
    """Return the version a header asks for, the lowest without one. Raises `Refusal` for a malformed one."""
    if header is None:
        return MINIMUM
    parts = [part.split() for part in header.split(",")]
    ours = next((words for words in parts if words and words[0].lower() == SERVICE), None)
    if ours is None or len(ours) != 2:
        raise answers.Refusal(400, answers.GENERIC[400])
    if ours[1].lower() == "latest":
        return MAXIMUM
    form = _FORM.fullmatch(ours[1])
    if form is None:
        raise answers.Refusal(
            400, f"API Version String {ours[1]} is of invalid format. Must be of format MajorNum.MinorNum."
        )
    return Version(int(form[1]), int(form[2]))


def check(version: Version) -> None:
    """Raise `Refusal` for a version that is not offered."""
    if not MINIMUM <= version <= MAXIMUM:
        raise answers.Refusal(
            406, f"Version {version} is not supported by the API. Minimum is {MINIMUM} and maximum is {MAXIMUM}."
        )
