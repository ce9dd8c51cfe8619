"""QoS specs with the released clients against a running site."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients import livesite

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_qos_specs_are_kept_and_given_to_types_by_cinder(
    cinder: livesite.Command, live: livesite.LiveSite, tag: str
) -> None:
    kind = live.library.volume_types.create(f"vt-{tag}").id
    made = cinder.properties("qos-create", f"q-{tag}", "consumer=front-end", "iops=500")
    assert (made["name"], made["consumer"], "iops" in made["specs"]) == (f"q-{tag}", "front-end", True)
    cinder("qos-key", made["id"], "set", "bytes=1000")
    cinder("qos-key", made["id"], "unset", "iops")
    shown = cinder.properties("qos-show", made["id"])
    assert ("bytes" in shown["specs"], "iops" in shown["specs"]) == (True, False)
    assert f"q-{tag}" in [row["Name"] for row in cinder.rows("qos-list")]

    cinder("qos-associate", made["id"], kind)
    assert [row["ID"] for row in cinder.rows("qos-get-association", made["id"])] == [kind]
    assert cinder.properties("type-show", kind)["qos_specs_id"] == made["id"]
    assert "still associated" in cinder.refused("qos-delete", made["id"])
    cinder("qos-disassociate", made["id"], kind)
    cinder("qos-associate", made["id"], kind)
    cinder("qos-disassociate-all", made["id"])
    assert cinder.rows("qos-get-association", made["id"]) == []
    cinder("qos-delete", made["id"])


def test_qos_specs_are_kept_and_given_to_types_by_openstack(
    openstack: livesite.Command, live: livesite.LiveSite, tag: str
) -> None:
    live.library.volume_types.create(f"vt-{tag}")
    words = ["--consumer", "both", "--property", "iops=500"]
    made: Any = openstack.document("volume", "qos", "create", f"q-{tag}", *words)
    assert (made["consumer"], made["properties"]) == ("both", {"iops": "500"})
    openstack("volume", "qos", "set", f"q-{tag}", "--property", "bytes=1000")
    openstack("volume", "qos", "unset", f"q-{tag}", "--property", "iops")
    openstack("volume", "qos", "associate", f"q-{tag}", f"vt-{tag}")
    shown: Any = openstack.document("volume", "qos", "show", f"q-{tag}")
    assert (shown["properties"], shown["associations"]) == ({"bytes": "1000"}, [f"vt-{tag}"])
    listed: Any = openstack.document("volume", "qos", "list")
    assert made["id"] in [row["ID"] for row in listed]

    assert "still associated" in openstack.refused("volume", "qos", "delete", f"q-{tag}")
    openstack("volume", "qos", "disassociate", f"q-{tag}", "--volume-type", f"vt-{tag}")
    openstack("volume", "qos", "associate", f"q-{tag}", f"vt-{tag}")
    openstack("volume", "qos", "disassociate", f"q-{tag}", "--all")
    openstack("volume", "qos", "delete", f"q-{tag}")
