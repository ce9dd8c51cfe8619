"""What must be documented is."""

from __future__ import annotations

import pytest

from replsite import config
from tests.support import processes

SETTINGS = (processes.CHECKOUT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_documented_settings_are_the_settings() -> None:
    assert config.table() in SETTINGS, "put what `python -m replsite.config` prints into docs/settings.md"


@pytest.mark.parametrize("name", config.SiteConfig.model_fields)
def test_each_setting_is_documented(name: str) -> None:
    assert f"`REPLSITE_{name.upper()}`" in SETTINGS
    assert config.SiteConfig.model_fields[name].description
