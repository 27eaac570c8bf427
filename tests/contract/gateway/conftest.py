"""The fake provider for everything that goes through the gateway."""

from __future__ import annotations

from tests.fake_provider.fixtures import fake_provider, fake_provider_url

__all__ = ["fake_provider", "fake_provider_url"]
