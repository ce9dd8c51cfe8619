"""Services: list them, enable, disable, freeze, thaw, and fail a whole one over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from groups import callers, errors
from groups.api.describing import Answers, describe
from groups.api.v3 import answers, bodies, microversions, resource, rows, site_shapes as shapes
from groups.queries import services as found
from groups.services import hosts, policies, recording, sites

_HOST: bodies.Schema = {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
_HOSTED: bodies.Schema = {
    "type": "object",
    "properties": {"host": _HOST, "cluster": _HOST},
    "additionalProperties": False,
}
_FAILOVER: bodies.Schema = {
    **_HOSTED,
    "properties": {"host": _HOST, "cluster": _HOST, "backend_id": {"type": ["string", "null"], "maxLength": 255}},
}
_NAMED: bodies.Schema = {
    "type": "object",
    "properties": {
        "host": {"type": "string", "minLength": 1, "maxLength": 255},
        "binary": {"type": "string", "minLength": 1, "maxLength": 255},
        "service": {"type": "string", "maxLength": 255},
        "disabled_reason": {"type": ["string", "null"], "maxLength": 255},
    },
    "required": ["host"],
    "additionalProperties": False,
}
_DISABLED: bodies.Schema = {
    **_NAMED,
    "properties": {
        **_NAMED["properties"],
        "disabled_reason": {"type": "string", "minLength": 1, "maxLength": 255, "format": "not blank"},
    },
    "required": ["host", "disabled_reason"],
}
_LEVELS: bodies.Schema = {"type": "object"}
_NO_LEVELS = (
    "Invalid input received: log levels are set when a process starts, by REPLSITE_LOG_LEVEL, and shown nowhere else."
)
_Wanted = dict[str, Any]


class Services(resource.Resource):
    """All services."""

    @describe({200: shapes.SERVICES}, query=shapes.SERVICE_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them, or those of a host or a binary."""
        policies.require(self.caller, "volume_extension:services:index")
        host, binary = (request.query_params.get(name) for name in ("host", "binary"))
        listed = [
            _row(each, version=self.version)
            for each in found.listed()
            if host in (None, each.host, each.host.partition("@")[0], each.site and each.site.backend.host)
            and binary in (None, each.binary)
        ]
        return answers.document({"services": listed})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verb:
    """What can be done to a service: the word at the end of the address."""

    do: Callable[[callers.Caller, _Wanted, microversions.Version], HttpResponse]
    schema: bodies.Schema
    answers: Answers
    since: microversions.Version = microversions.MINIMUM


def _enable(caller: callers.Caller, wanted: _Wanted, _version: microversions.Version) -> HttpResponse:
    binary = _binary(wanted)
    hosts.enable(caller, host=wanted["host"], binary=binary)
    return answers.document(_updated(wanted, binary, is_enabled=True))


def _disable(caller: callers.Caller, wanted: _Wanted, _version: microversions.Version) -> HttpResponse:
    binary = _binary(wanted)
    hosts.disable(caller, host=wanted["host"], binary=binary)
    return answers.document(_updated(wanted, binary, is_enabled=False))


def _disable_with_reason(caller: callers.Caller, wanted: _Wanted, _version: microversions.Version) -> HttpResponse:
    binary = _binary(wanted)
    row = hosts.disable(caller, host=wanted["host"], binary=binary, reason=wanted["disabled_reason"])
    return answers.document({**_updated(wanted, binary, is_enabled=False), "disabled_reason": row.disabled_reason})


def _freeze(caller: callers.Caller, wanted: _Wanted, version: microversions.Version) -> HttpResponse:
    policies.require(caller, "volume:freeze_host")
    hosts.freeze(caller, host=_host(wanted, version))
    return answers.empty(status=200)


def _thaw(caller: callers.Caller, wanted: _Wanted, version: microversions.Version) -> HttpResponse:
    policies.require(caller, "volume:thaw_host")
    hosts.thaw(caller, host=_host(wanted, version))
    return answers.empty(status=200)


def _fail_over(caller: callers.Caller, wanted: _Wanted, version: microversions.Version) -> HttpResponse:
    policies.require(caller, "volume:failover_host")
    backend = hosts.find(_host(wanted, version))
    sites.start(caller, backend=backend.name, secondary_backend_id=wanted.get("backend_id"))
    return answers.empty()


def _levels(caller: callers.Caller, _wanted: _Wanted, _version: microversions.Version) -> HttpResponse:
    policies.require(caller, "volume_extension:services:update")
    raise errors.InvalidInput(_NO_LEVELS)


def _binary(wanted: _Wanted) -> str:
    """Return which binary is meant, by its newer or its older word."""
    return wanted.get("binary") or wanted.get("service") or found.VOLUME


def _host(wanted: _Wanted, version: microversions.Version) -> str:
    host = wanted.get("host")
    cluster = wanted.get("cluster") if version >= microversions.CLUSTERS else None
    if (host is None) == (cluster is None):
        raise errors.InvalidInput("Invalid input received: One and only one of cluster and host must be set.")
    if host is None:
        raise errors.InvalidInput(f"Invalid input received: No service found with cluster={cluster}")
    return str(host)


def _updated(wanted: _Wanted, binary: str, *, is_enabled: bool) -> rows.Fields:
    status = "enabled" if is_enabled else "disabled"
    return {"host": wanted["host"], "service": "", "binary": binary, "status": status, "disabled": not is_enabled}


def _row(row: found.Service, *, version: microversions.Version) -> rows.Fields:
    fields: rows.Fields = {
        "binary": row.binary,
        "host": row.host,
        "zone": recording.ZONES[0],
        "status": "enabled" if row.is_enabled else "disabled",
        "state": "up" if row.is_up else "down",
        "updated_at": rows.time(row.updated_at),
        "disabled_reason": row.site.backend.disabled_reason or None if row.site else None,
    }
    if version >= microversions.CLUSTER_FIELD:
        fields["cluster"] = None
    if row.site is not None:
        fields["replication_status"] = row.site.replication_status
        fields["active_backend_id"] = row.site.backend.active_backend_id or None
        fields["frozen"] = row.site.backend.frozen
        if version >= microversions.BACKEND_STATE:
            fields["backend_state"] = "up" if row.backend_is_usable else "down"
    return fields


_NOTHING_SAID: Answers = {200: None}
VERBS: Mapping[str, Verb] = {
    "enable": Verb(do=_enable, schema=_NAMED, answers={200: shapes.SERVICE_UPDATE}),
    "disable": Verb(do=_disable, schema=_NAMED, answers={200: shapes.SERVICE_UPDATE}),
    "disable-log-reason": Verb(do=_disable_with_reason, schema=_DISABLED, answers={200: shapes.SERVICE_UPDATE}),
    "freeze": Verb(do=_freeze, schema=_HOSTED, answers=_NOTHING_SAID),
    "thaw": Verb(do=_thaw, schema=_HOSTED, answers=_NOTHING_SAID),
    "failover_host": Verb(do=_fail_over, schema=_FAILOVER, answers={202: None}),
    # At every version: openstacksdk, which knows that the site has 3.26, names no version when it asks for this.
    "failover": Verb(do=_fail_over, schema=_FAILOVER, answers={202: None}),
    "set-log": Verb(do=_levels, schema=_LEVELS, answers={202: None}, since=microversions.LOG_LEVELS),
    "get-log": Verb(do=_levels, schema=_LEVELS, answers=_NOTHING_SAID, since=microversions.LOG_LEVELS),
}


class Service(resource.Resource):
    """Something that can be done to a service."""

    verb = VERBS["enable"]
    """Which one; each address has its own."""

    @describe(lambda view: view.verb.answers, body=lambda view: view.verb.schema)
    def put(self, request: Request) -> HttpResponse:
        """Do it."""
        return self.verb.do(self.caller, bodies.checked(request, self.verb.schema), self.version)
