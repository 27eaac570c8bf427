"""docs/models.md is true: its examples can be used, and it leaves no key out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from routing.catalogue import judge
from routing.cataloguing.file import CatalogueFile, LongEntry, ModelEntry, ProviderEntry
from routing.presets import presets

PAGE = (Path(__file__).parents[3] / "docs" / "models.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_can_be_used(text):
    found = judge(text)
    assert [flaw.sentence for flaw in found.flaws if flaw.fatal] == []
    assert found.catalogue is not None
    assert all(one.price is not None for one in found.catalogue.deployments)


def test_there_is_an_example_of_every_preset():
    shown = "".join(EXAMPLES)
    missing = [
        name
        for name in presets()
        if f"[providers.{name}]" not in shown and f'preset = "{name}"' not in shown
    ]
    assert missing == []


@pytest.mark.parametrize("table", [ProviderEntry, ModelEntry, LongEntry, CatalogueFile])
def test_every_key_is_explained(table):
    unsaid = [key for key in table.model_fields if not re.search(rf"`?\b{key}\b", PAGE)]
    assert unsaid == []


def test_every_preset_is_in_the_table():
    for preset in presets().values():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{preset.name}` |"))
        assert preset.transport in row
