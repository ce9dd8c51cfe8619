"""What the suites are told of the site: where it is, who they are, and what it does not have."""

from __future__ import annotations

import configparser
import dataclasses
from pathlib import Path

from tests.clients import livesite

SECOND_BACKEND = "other"
_ABSENT = ("neutron", "swift", "nova", "horizon")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cloud:
    """Where to log in, as an admin and as two members of projects of their own."""

    auth_url: str
    admin: str = "admin"
    demo: str = "demo"
    demo_alt: str = "demo-alt"
    password: str = livesite.PASSWORD
    admin_password: str = livesite.PASSWORD


def environment(cloud: Cloud, folder: Path) -> dict[str, str]:
    """Write the suites' files into a folder; return the variables that lead to them."""
    (folder / "clouds.yaml").write_text(_clouds(cloud))
    _write_tempest(cloud, folder)
    return {
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
        "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"),
        "OS_CLOUD": "devstack-admin",
        "OPENSTACKSDK_FUNC_TEST_TIMEOUT": "120",
        # Of one whole test: as short as theirs is for a cloud, it is none on a busy machine.
        "OS_TEST_TIMEOUT": "600",
        "TEMPEST_CONFIG_DIR": str(folder),
        # cinderclient's own: it reads nothing else.
        "OS_AUTH_URL": cloud.auth_url,
        "OS_USERNAME": cloud.admin,
        "OS_PASSWORD": cloud.admin_password,
        "OS_PROJECT_NAME": cloud.admin,
        "OS_USER_DOMAIN_ID": "default",
        "OS_PROJECT_DOMAIN_ID": "default",
    }


def _clouds(cloud: Cloud) -> str:
    people = {
        "devstack-admin": cloud.admin,
        "devstack-system-admin": cloud.admin,
        "devstack": cloud.demo,
        "devstack-alt": cloud.demo_alt,
    }
    lines = ["clouds:"]
    for name, user in people.items():
        lines += [
            f"  {name}:",
            "    region_name: RegionOne",
            "    auth:",
            f"      auth_url: {cloud.auth_url}",
            f"      username: {user}",
            f"      password: {cloud.admin_password if user == cloud.admin else cloud.password}",
            f"      project_name: {user}",
            "      user_domain_id: default",
            "      project_domain_id: default",
        ]
    return "\n".join(lines) + "\n"


def _write_tempest(cloud: Cloud, folder: Path) -> None:
    written = configparser.ConfigParser()
    written["DEFAULT"] = {"log_file": str(folder / "tempest.log")}
    written["oslo_concurrency"] = {"lock_path": str(folder)}
    written["auth"] = {
        "use_dynamic_credentials": "true",
        "admin_username": cloud.admin,
        "admin_password": cloud.admin_password,
        "admin_project_name": cloud.admin,
        "admin_domain_name": "Default",
        "tempest_roles": "member",
    }
    written["identity"] = {"uri_v3": cloud.auth_url, "auth_version": "v3", "region": "RegionOne"}
    # Whole classes of tests, most of them without images, cannot begin where it says that there is no Glance.
    written["service_available"] = {"cinder": "true", "glance": "true", **dict.fromkeys(_ABSENT, "false")}
    written["validation"] = {"run_validation": "false"}
    written["volume"] = {
        "build_timeout": "120",
        "build_interval": "1",
        "min_microversion": "3.0",
        "max_microversion": "3.71",
        "vendor_name": "Replsite",
        "storage_protocol": "fake",
        "backend_names": f"{livesite.BACKEND},{SECOND_BACKEND}",
    }
    without = dict.fromkeys(("backup", "manage_volume", "manage_snapshot"), "false")
    written["volume-feature-enabled"] = {"multi_backend": "true", **without}
    with (folder / "tempest.conf").open("w") as file:
        written.write(file)
