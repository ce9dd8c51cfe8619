"""QoS specs: all of them, one with its keys, and the volume types that have them."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from groups import errors, models
from groups.api import addresses
from groups.api.describing import describe
from groups.api.v3 import answers, bodies, lists, resource, rows, schemas, site_shapes as shapes
from groups.queries import filtering, qos as queries
from groups.services import policies, qos


def _row(row: models.QosSpecs) -> rows.Fields:
    return {"id": row.pk, "name": row.name, "consumer": row.consumer, "specs": row.specs}


class _Qos(resource.Resource):
    """What the addresses of one QoS specs do alike."""

    def detail(self, row: models.QosSpecs) -> HttpResponse:
        """Answer with QoS specs."""
        base = addresses.base(self.request)
        path = f"{self.caller.project_id}/qos-specs/{row.pk}"
        links = [
            {"rel": "self", "href": f"{base}/v3/{path}"},
            {"rel": "bookmark", "href": f"{base}/{path}"},
        ]
        return answers.document({"qos_specs": _row(row), "links": links})


class AllQosSpecs(_Qos):
    """All QoS specs."""

    @describe({200: shapes.ALL_QOS_SPECS}, query=shapes.QOS_QUERY)
    def get(self, request: Request) -> HttpResponse:
        """List them."""
        policies.require(self.caller, "volume_extension:qos_specs_manage:get_all")
        asked = lists.question(request, caller=self.caller, version=self.version, open_filters=queries.FILTERS)
        items = [_row(row) for row in queries.listed(page=asked.page, filters=asked.filters)]
        links = lists.links(request, items, page=asked.page, names=("qos_specs_links",))
        return answers.document({"qos_specs": items, **links})

    @describe({200: shapes.QOS_SPECS}, body=schemas.CREATE_QOS_SPECS, refusals=(409,))
    def post(self, request: Request) -> HttpResponse:
        """Create some."""
        wanted = bodies.checked(request, schemas.CREATE_QOS_SPECS)["qos_specs"]
        name, consumer = wanted.pop("name"), wanted.pop("consumer", models.QOS_CONSUMERS[0])
        return self.detail(qos.create(self.caller, name=name, consumer=consumer, values=wanted))


class QosSpecs(_Qos):
    """One QoS specs."""

    @describe({200: shapes.QOS_SPECS})
    def get(self, request: Request, qos_id: str) -> HttpResponse:
        """Show them."""
        return self.detail(qos.get(self.caller, qos_id=qos_id))

    @describe({200: shapes.CHANGED_QOS_SPECS}, body=schemas.SET_QOS_KEYS)
    def put(self, request: Request, qos_id: str) -> HttpResponse:
        """Add keys, and change those that are there."""
        wanted = bodies.checked(request, schemas.SET_QOS_KEYS)["qos_specs"]
        values = {key: value for key, value in wanted.items() if key != "consumer"}
        qos.set_keys(self.caller, qos_id=qos_id, values=values, consumer=wanted.get("consumer"))
        return answers.document({"qos_specs": wanted})

    @describe({202: None}, query=shapes.QOS_REMOVAL_QUERY)
    def delete(self, request: Request, qos_id: str) -> HttpResponse:
        """Delete them, if no volume type has them, or by force."""
        force = filtering.truth(request.query_params.get("force", "false"), name="force")
        qos.delete(self.caller, qos_id=qos_id, force=force)
        return answers.empty()


class QosKeys(resource.Resource):
    """The keys of one QoS specs."""

    @describe({202: None}, body=schemas.DELETE_QOS_KEYS)
    def put(self, request: Request, qos_id: str) -> HttpResponse:
        """Remove some."""
        qos.delete_keys(self.caller, qos_id=qos_id, keys=bodies.checked(request, schemas.DELETE_QOS_KEYS)["keys"])
        return answers.empty()


class QosAssociations(resource.Resource):
    """The volume types that have QoS specs."""

    @describe({200: shapes.QOS_ASSOCIATIONS})
    def get(self, request: Request, qos_id: str) -> HttpResponse:
        """List them."""
        found = qos.associations(self.caller, qos_id=qos_id)
        items = [{"association_type": "volume_type", "name": row.name, "id": row.pk} for row in found]
        return answers.document({"qos_associations": items})


class QosAssociation(resource.Resource):
    """One volume type's QoS specs, which Cinder's API changes by reading an address."""

    associates = True

    @describe({202: None}, query=shapes.QOS_ASSOCIATION_QUERY)
    def get(self, request: Request, qos_id: str) -> HttpResponse:
        """Give them to it, or take them from it."""
        policies.require(self.caller, "volume_extension:qos_specs_manage:update")
        type_id = request.query_params.get("vol_type_id")
        if not type_id:
            raise errors.InvalidInput("Volume Type id must not be None: give it as vol_type_id.")
        do = qos.associate if self.associates else qos.disassociate
        do(self.caller, qos_id=qos_id, type_id=type_id)
        return answers.empty()


class NoQosAssociations(resource.Resource):
    """The QoS specs of every volume type that has these."""

    @describe({202: None})
    def get(self, request: Request, qos_id: str) -> HttpResponse:
        """Take them from all of these types."""
        qos.disassociate_all(self.caller, qos_id=qos_id)
        return answers.empty()
