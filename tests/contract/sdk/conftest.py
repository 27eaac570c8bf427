"""A whole gateway with one provider of each dialect, all of them the fake one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.sdk.house import IDS, House, open_house, provider
from tests.fake_provider.client import FakeProvider


@pytest.fixture
async def house(
    fake_provider: FakeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Give a house where the model `anthropic` is at a provider of that dialect, and so on."""
    monkeypatch.setenv("FAKE_KEY", "sk-of-the-provider")
    models = "".join(provider(name, fake_provider.at(name), name) for name in IDS)
    async with open_house(tmp_path, models) as house:
        yield house
