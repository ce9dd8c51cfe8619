"""Volume transfers, at their older and their newer address: all of them, one, and its acceptance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from groups import models
from groups.api import addresses
from groups.api.describing import Schema, describe
from groups.api.v3 import answers, bodies, lists, microversions, resource, rows, schemas, shapes
from groups.queries import transfers as queries, visible
from groups.services import policies, transfers as services

_OPEN_FILTERS = ("name", "volume_id", "no_snapshots", "source_project_id", "accepted")


class _Transfers(resource.Resource):
    """What every address of transfers does alike."""

    collection = ""
    """What the address is called."""
    leaves_snapshots = False
    """Whether a volume that is offered here leaves its snapshots behind, with nobody asked."""

    def summary(self, row: models.Transfer) -> rows.Fields:
        """Return what short lists show of an offer."""
        base = addresses.base(self.request)
        return rows.transfer_summary(row, collection=self.collection, caller=self.caller, base=base)

    def detail(self, row: models.Transfer) -> rows.Fields:
        """Return all that is shown of an offer."""
        base = addresses.base(self.request)
        return rows.transfer(row, collection=self.collection, caller=self.caller, version=self.version, base=base)


class _TransferLists(_Transfers):
    """What the two lists of transfers do alike."""

    listed: ClassVar[Schema] = shapes.TRANSFERS

    def item(self, row: models.Transfer) -> rows.Fields:
        """Return one offer of the list."""
        return self.summary(row)

    @describe(lambda view: {200: view.listed}, query=shapes.TRANSFER_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        policies.require(self.caller, "volume:get_all_transfers")
        asked = lists.question(
            request, caller=self.caller, version=self.version, open_filters=_OPEN_FILTERS, strict_since=None
        )
        found = queries.listed(self.caller, page=asked.page, filters=asked.filters, all_projects=asked.all_projects)
        items = [self.item(row) for row in found]
        links = lists.links(request, items, page=asked.page, names=("transfers_links",))
        return answers.document({"transfers": items, **links})


def _newest_schema(leaves_snapshots: bool) -> bodies.Schema:
    return schemas.CREATE_TRANSFER if leaves_snapshots else schemas.CREATE_TRANSFER_WITH_SNAPSHOTS


class Transfers(_TransferLists):
    """All offers of volumes to other projects."""

    @describe({202: shapes.NEW_TRANSFER}, body=lambda view: _newest_schema(view.leaves_snapshots))
    def post(self, request: Request) -> HttpResponse:
        """Offer a volume; the answer alone tells the key to it."""
        may_choose = self.version >= microversions.TRANSFERRED_SNAPSHOTS
        schema = _newest_schema(self.leaves_snapshots) if may_choose else schemas.CREATE_TRANSFER
        wanted = bodies.checked(request, schema)["transfer"]
        offered = services.create(
            self.caller,
            volume_id=wanted["volume_id"],
            name=wanted.get("name"),
            without_snapshots=schemas.boolean(wanted.get("no_snapshots", self.leaves_snapshots)),
        )
        return answers.document({"transfer": {**self.detail(offered.row), "auth_key": offered.key}}, status=202)


class DetailedTransfers(_TransferLists):
    """All offers in detail."""

    listed = shapes.DETAILED_TRANSFERS

    def item(self, row: models.Transfer) -> rows.Fields:
        """Return one offer of the list."""
        return self.detail(row)


class Transfer(_Transfers):
    """One offer."""

    @describe({200: shapes.TRANSFER})
    def get(self, request: Request, transfer_id: str) -> HttpResponse:
        """Show it."""
        row = visible.transfer(self.caller, transfer_id)
        policies.require(self.caller, "volume:get_transfer")
        return answers.document({"transfer": self.detail(row)})

    @describe({202: None})
    def delete(self, request: Request, transfer_id: str) -> HttpResponse:
        """Take it back."""
        services.delete(self.caller, transfer_id=transfer_id)
        return answers.empty()


class Acceptance(_Transfers):
    """The acceptance of an offer."""

    @describe({202: shapes.ACCEPTED_TRANSFER}, body=schemas.ACCEPT_TRANSFER)
    def post(self, request: Request, transfer_id: str) -> HttpResponse:
        """Take the volume over into the caller's project, with the key that its project was told."""
        key = bodies.checked(request, schemas.ACCEPT_TRANSFER)["accept"]["auth_key"]
        row = services.accept(self.caller, transfer_id=transfer_id, key=str(key))
        return answers.document({"transfer": self.summary(row)}, status=202)


# Where Cinder's older address leaves snapshots behind, its newer one takes them along unless told otherwise.
ADDRESSES: Mapping[str, dict[str, object]] = {
    "os-volume-transfer": {"collection": "os-volume-transfer", "leaves_snapshots": True},
    "volume-transfers": {"collection": "volume-transfers"},
}
VIEWS: Mapping[str, type[resource.Resource]] = {
    "": Transfers,
    "/detail": DetailedTransfers,
    "/{transfer_id}": Transfer,
    "/{transfer_id}/accept": Acceptance,
}
