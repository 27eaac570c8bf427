"""What the router imports: its process streams all models and carries nothing it does not use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
ALL = """
import sys
import actors.router, actors.gateway.server, actors.routing.carriers
import actors.transports.direct, actors.transports.litellm, actors.transports.relay
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
# LiteLLM lives in a child process, the others elsewhere in the house.
STRANGERS = {
    "litellm", "openai", "anthropic", "httpx", "fastapi", "starlette", "uvicorn", "sqlalchemy",
    "pandas", "numpy", "typer", "rich", "yaml",
}  # fmt: skip


def test_the_router_imports_no_stranger_and_ray_only_when_it_looks_for_somebody():
    done = subprocess.run(
        [sys.executable, "-P", "-c", ALL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = set(done.stdout.split())
    assert "aiohttp" in imported
    assert imported & (STRANGERS | {"ray"}) == set()
