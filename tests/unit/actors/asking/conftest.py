"""A house with a pool session of `llm`, and a gateway of paper that it can reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from actors.session import Session
from tests.unit.actors.asking.kit import Gateway, Router, says
from tests.unit.actors.sessions.kit import House

FAST = "[clocks]\nkill_grace_s = 0.05\n[sessions]\nreport_batch_s = 0.01\n"
POOL = "session/pool-llm-0"


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A home whose router knows keys."""
    made = House(tmp_path / "home", FAST)
    made.router = Router()
    return made


@pytest.fixture
async def gateway(house: House, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway that says hello until it is told otherwise."""
    made = Gateway(house.router, [says("Hello", " there.")])
    await made.open(tmp_path / "g.sock")
    yield made
    await made.close()


@pytest.fixture
async def session(house: House, gateway: Gateway) -> AsyncIterator[Session]:
    """A pool session of `llm`; the gateway outlives it."""
    made = house.session(POOL)
    yield made
    await made.close()


def question(job: str = "j1", **said: Any) -> dict[str, Any]:
    """The fields of an llm order."""
    return {"job": job, "backend": "llm", "prompt": "Who are you?", **said}
