"""The house of the API's tests behind a real socket, for programs that are not ours."""

import asyncio
import socket

import pytest
import uvicorn

from engine.settings import Settings
from serve.api import build_app
from tests.unit.serve.conftest import home, house, until

__all__ = ["home", "house", "url"]


@pytest.fixture
async def url(house):
    """The application behind a real socket."""
    app = build_app(house.desk, house.hub, house.home, settings=Settings())
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task
    listener.close()
