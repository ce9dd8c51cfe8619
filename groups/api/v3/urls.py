"""Which address leads where, each with and without a project id, with and without `.json`."""

from __future__ import annotations

import re
from typing import Any

from django.urls import URLPattern, re_path

from groups.api.v3 import (
    attachments,
    default_types,
    discovery,
    encryption,
    group_actions,
    group_snapshots,
    group_types,
    groups,
    messages,
    metadata,
    microversions,
    offers,
    pools,
    qos,
    quotas,
    resource,
    services,
    snapshots,
    specs,
    transfers,
    volume_actions,
    volume_types,
    volumes,
)

_PROJECT = r"(?:/(?P<project_id>[0-9a-f-]+))?"


def _at(address: str, view: type[resource.Resource], **options: Any) -> URLPattern:
    # A spec's key may hold dots and slashes, and comes last.
    pattern = address.replace("{key}", "(?P<key>.+)")
    pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+?)", pattern)
    return re_path(rf"^v3{_PROJECT}/{pattern}(?:\.json)?\Z", view.as_view(address=f"/v3/{address}", **options))


_GROUP_SPECS: dict[str, Any] = {"shape": specs.GROUP, "since": microversions.GROUP_TYPES}
_EXTRA_SPECS: dict[str, Any] = {"shape": specs.VOLUME}

urlpatterns = [
    # They are tried in turn: what clients ask for again and again comes first.
    _at("groups", groups.Groups),
    _at("groups/detail", groups.DetailedGroups),
    _at("groups/action", group_snapshots.GroupsFromSource),
    _at("groups/{group_id}", groups.Group),
    _at("groups/{subject_id}/action", group_actions.GroupActions),
    re_path(r"^$", discovery.Versions.as_view(address="/", status=300)),
    re_path(r"^v3/?$", discovery.Versions.as_view(address="/v3/")),
    _at("group_types", group_types.GroupTypes),
    _at("group_types/default", group_types.DefaultGroupType),
    _at("group_types/{type_id}", group_types.GroupType),
    _at("group_types/{type_id}/group_specs", specs.Specs, **_GROUP_SPECS),
    _at("group_types/{type_id}/group_specs/{key}", specs.Spec, **_GROUP_SPECS),
    _at("types", volume_types.VolumeTypes),
    _at("types/default", volume_types.DefaultVolumeType),
    _at("types/{type_id}", volume_types.VolumeType),
    _at("types/{type_id}/os-volume-type-access", volume_types.VolumeTypeAccess),
    _at("types/{type_id}/encryption", encryption.Encryption),
    _at("types/{type_id}/encryption/{key}", encryption.EncryptionPart),
    _at("types/{subject_id}/action", volume_types.VolumeTypeActions),
    _at("types/{type_id}/extra_specs", specs.Specs, **_EXTRA_SPECS),
    _at("types/{type_id}/extra_specs/{key}", specs.Spec, **_EXTRA_SPECS),
    _at("group_snapshots", group_snapshots.GroupSnapshots),
    _at("group_snapshots/detail", group_snapshots.DetailedGroupSnapshots),
    _at("group_snapshots/{snapshot_id}", group_snapshots.GroupSnapshot),
    _at("group_snapshots/{subject_id}/action", group_snapshots.GroupSnapshotActions),
    _at("snapshots", snapshots.Snapshots),
    _at("snapshots/detail", snapshots.DetailedSnapshots),
    _at("snapshots/{snapshot_id}", snapshots.Snapshot),
    _at("snapshots/{snapshot_id}/metadata", snapshots.SnapshotMetadata),
    _at("snapshots/{snapshot_id}/metadata/{key}", snapshots.SnapshotMetadataPair),
    _at("snapshots/{subject_id}/action", snapshots.SnapshotActions),
    _at("volumes", volumes.Volumes),
    _at("volumes/detail", volumes.DetailedVolumes),
    _at("volumes/summary", volumes.VolumeSummary),
    _at("volumes/{volume_id}", volumes.Volume),
    _at("volumes/{volume_id}/metadata", metadata.Metadata),
    _at("volumes/{volume_id}/metadata/{key}", metadata.MetadataPair),
    _at("volumes/{subject_id}/action", volume_actions.VolumeActions),
    _at("attachments", attachments.Attachments),
    _at("attachments/detail", attachments.DetailedAttachments),
    _at("attachments/{attachment_id}", attachments.Attachment),
    _at("attachments/{subject_id}/action", attachments.AttachmentActions),
    *(
        _at(f"{address}{end}", view, **options)
        for address, options in transfers.ADDRESSES.items()
        for end, view in transfers.VIEWS.items()
    ),
    _at("qos-specs", qos.AllQosSpecs),
    _at("qos-specs/{qos_id}", qos.QosSpecs),
    _at("qos-specs/{qos_id}/delete_keys", qos.QosKeys),
    _at("qos-specs/{qos_id}/associations", qos.QosAssociations),
    _at("qos-specs/{qos_id}/associate", qos.QosAssociation),
    _at("qos-specs/{qos_id}/disassociate", qos.QosAssociation, associates=False),
    _at("qos-specs/{qos_id}/disassociate_all", qos.NoQosAssociations),
    _at("default-types", default_types.DefaultTypes),
    _at("default-types/{default_for}", default_types.DefaultType),
    _at("messages", messages.Messages),
    _at("messages/{message_id}", messages.Message),
    _at("os-quota-sets/{owner}", quotas.QuotaSet),
    _at("os-quota-sets/{owner}/defaults", quotas.DefaultQuotaSet),
    _at("os-quota-class-sets/{name}", quotas.QuotaClassSet),
    _at("limits", quotas.Limits),
    _at("scheduler-stats/get_pools", pools.Pools),
    _at("capabilities/{host}", pools.Capabilities),
    _at("os-availability-zone", pools.Zones),
    _at("os-hosts", pools.Hosts),
    _at("os-hosts/{host}", pools.Host),
    _at("extensions", offers.Extensions),
    _at("extensions/{alias}", offers.Extension),
    _at("resource_filters", offers.ResourceFilters),
    *(_at(address, offers.Nothing, **options) for address, options in offers.LISTS.items()),
    _at("os-services", services.Services),
    *(
        _at(f"os-services/{name}", services.Service, verb=verb, since=verb.since)
        for name, verb in services.VERBS.items()
    ),
    # Whatever no door of the site leads to.
    re_path("", resource.NotRouted.as_view()),
]
