"""How the console looks: its colors, its menu, where its templates and static files are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

ROOM = Path(__file__).resolve().parent.parent / "groups" / "admin"
TEMPLATES = ROOM / "templates"
STATIC = ROOM / "static"
TAGS = {"console": "groups.admin.tags"}


def _may_see(permission: str) -> Callable[[HttpRequest], bool]:
    app, _, model = permission.partition(".")
    return lambda request: request.user.has_perm(f"{app}.view_{model}")


def _item(title: str, icon: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{permission.replace('.', '_')}_changelist"),
        "permission": _may_see(permission),
    }


def _static(name: str) -> Callable[[HttpRequest], str]:
    return lambda request: static(name)


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Replsite",
    "SITE_HEADER": "Replsite",
    "SITE_SUBHEADER": "Failover of volume groups",
    "SITE_SYMBOL": "swap_horiz",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _static("console/icon.svg")}],
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [_static("console/console.css")],
    "DASHBOARD_CALLBACK": "groups.admin.dashboard.front",
    "COLORS": {
        "primary": {
            "50": "oklch(97.0% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .215 262.9)",
            "700": "oklch(48.8% .210 264.4)",
            "800": "oklch(42.4% .180 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        }
    },
    "SIDEBAR": {
        "navigation": [
            {"items": [{"title": "Overview", "icon": "home", "link": reverse_lazy("admin:index")}]},
            {
                "title": "Replication",
                "items": [
                    _item("Findings", "troubleshoot", "groups.finding"),
                    _item("Volume groups", "stacks", "groups.group"),
                    _item("Volumes", "hard_drive", "groups.volume"),
                    _item("Attachments", "link", "groups.attachment"),
                    _item("Snapshots", "photo_camera", "groups.snapshot"),
                    _item("Group snapshots", "photo_library", "groups.groupsnapshot"),
                    _item("Operations", "sync", "groups.operation"),
                    _item("Site failovers", "public_off", "groups.sitefailover"),
                    _item("Events", "history", "groups.event"),
                ],
            },
            {
                "title": "Drills",
                "items": [
                    _item("Drill plans", "event_repeat", "groups.drillplan"),
                    _item("Drills", "science", "groups.drillrun"),
                    _item("Gaps", "assignment_late", "groups.drillgap"),
                    {
                        "title": "Proof of recoverability",
                        "icon": "verified",
                        "link": reverse_lazy("admin:groups_drillrun_coverage"),
                        "permission": _may_see("groups.drillrun"),
                    },
                ],
            },
            {
                "title": "Types and objectives",
                "items": [
                    _item("Group types", "category", "groups.grouptype"),
                    _item("Volume types", "tune", "groups.volumetype"),
                    _item("Objectives", "flag", "groups.siteobjectives"),
                ],
            },
            {"title": "Storage", "items": [_item("Backends", "dns", "groups.backend")]},
            {
                "title": "Access",
                "items": [
                    _item("Projects", "folder_shared", "groups.project"),
                    _item("Users", "person", "auth.user"),
                    _item("Roles", "badge", "groups.roleassignment"),
                    _item("Tokens", "key", "groups.token"),
                    _item("Audit trail", "fact_check", "groups.auditentry"),
                ],
            },
            {"title": "Celery", "items": [_item("Results", "task", "django_celery_results.taskresult")]},
        ]
    },
}
