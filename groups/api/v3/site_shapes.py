"""What the v3 API answers about the site as a whole: services, pools, quotas, messages."""

from __future__ import annotations

from groups import statuses
from groups.api.describing import Schema
from groups.api.shapes import BOOLEAN, TEXT, TEXT_OR_NULL, asked, many, record, word
from groups.api.v3.shapes import TIME_OR_NULL

_ON: Schema = word(["enabled", "disabled"])
_UP: Schema = word(["up", "down"])
_SERVICE = record(
    {
        "binary": TEXT,
        "host": TEXT,
        "zone": TEXT,
        "status": _ON,
        "state": _UP,
        "updated_at": TIME_OR_NULL,
        "disabled_reason": TEXT_OR_NULL,
    },
    {
        "cluster": TEXT_OR_NULL,
        "replication_status": word(statuses.ReplicationStatus),
        "active_backend_id": TEXT_OR_NULL,
        "frozen": BOOLEAN,
        "backend_state": _UP,
    },
    title="VolumeService",
)
SERVICES = record({"services": many(_SERVICE)})
SERVICE_QUERY = (asked("host"), asked("binary"))
SERVICE_UPDATE = record(
    {"host": TEXT, "service": TEXT, "binary": TEXT, "status": _ON, "disabled": BOOLEAN}, {"disabled_reason": TEXT}
)
