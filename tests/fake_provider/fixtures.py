"""pytest fixtures: one process for all tests of a session, emptied before each.

A conftest takes them in with
`from tests.fake_provider.fixtures import fake_provider, fake_provider_url  # noqa: F401`.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fake_provider.client import FakeProvider

ROOT = Path(__file__).parents[2]


@contextmanager
def running() -> Iterator[str]:
    """Run a fake provider of one's own; give its address."""
    words = [sys.executable, "-m", "tests.fake_provider", "--port", "0", "--tied"]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdin
        url = process.stdout.readline().strip()
        assert url, "the fake provider did not start"
        try:
            yield url
        finally:
            process.stdin.close()
            process.wait(timeout=10)


@pytest.fixture(scope="session")
def fake_provider_url() -> Iterator[str]:
    """Give the address of the session's one fake provider."""
    with running() as url:
        yield url


@pytest.fixture
async def fake_provider(fake_provider_url: str) -> AsyncIterator[FakeProvider]:
    """Give the fake provider with nothing scripted and an empty log."""
    async with FakeProvider(fake_provider_url) as provider:
        await provider.reset()
        yield provider
