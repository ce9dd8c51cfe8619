"""Tables and constraints.

Belongs here: fields, constraints, indexes, and properties that read one row. Not here: rules.
No status column is written outside `groups.transitions`.
"""

from groups.models.attachments import ATTACHMENT_MODES, Attachment
from groups.models.audits import AuditEntry
from groups.models.backends import Backend, ConnectionCheck, ReplicationTarget
from groups.models.drills import DrillEntry, DrillGap, DrillNotice, DrillPlan, DrillRun
from groups.models.findings import Finding, Pulse
from groups.models.groups import Group, GroupVolumeType, Round, Volume
from groups.models.messages import Message
from groups.models.objectives import SiteObjectives
from groups.models.observations import LagSample, SideObservation
from groups.models.operations import About, Event, Operation, OperationStep
from groups.models.projects import LoginAttempt, Project, RoleAssignment, Token
from groups.models.quotas import QuotaLimit
from groups.models.sites import SiteFailover, SiteFailoverGroup
from groups.models.snapshots import GroupSnapshot, Snapshot
from groups.models.transfers import Transfer
from groups.models.types import (
    CONTROL_LOCATIONS,
    QOS_CONSUMERS,
    QOS_CONSUMERS_ON_HOSTS,
    DefaultVolumeType,
    ExtraSpec,
    GroupSpec,
    GroupType,
    QosSpecs,
    VolumeType,
    VolumeTypeAccess,
    VolumeTypeEncryption,
)

__all__ = [
    "ATTACHMENT_MODES",
    "CONTROL_LOCATIONS",
    "QOS_CONSUMERS",
    "QOS_CONSUMERS_ON_HOSTS",
    "About",
    "Attachment",
    "AuditEntry",
    "Backend",
    "ConnectionCheck",
    "DefaultVolumeType",
    "DrillEntry",
    "DrillGap",
    "DrillNotice",
    "DrillPlan",
    "DrillRun",
    "Event",
    "ExtraSpec",
    "Finding",
    "Group",
    "GroupSnapshot",
    "GroupSpec",
    "GroupType",
    "GroupVolumeType",
    "LagSample",
    "LoginAttempt",
    "Message",
    "Operation",
    "OperationStep",
    "Project",
    "Pulse",
    "QosSpecs",
    "QuotaLimit",
    "ReplicationTarget",
    "RoleAssignment",
    "Round",
    "SideObservation",
    "SiteFailover",
    "SiteFailoverGroup",
    "SiteObjectives",
    "Snapshot",
    "Token",
    "Transfer",
    "Volume",
    "VolumeType",
    "VolumeTypeAccess",
    "VolumeTypeEncryption",
]
