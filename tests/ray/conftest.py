"""One local Ray cluster for every Ray test of a session, and a fresh namespace for each test.

Actor classes of a test module reach the workers by value: call `ship(module)` or use classes of
the installed packages. The cluster runs without the dashboard; tests that need one start a house.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import ray
from ray import cloudpickle
from ray._raylet import AuthenticationTokenLoader, Config

_TRIES = 3  # Ray waits a hard-coded 15 s for its own agent, which a busy machine may overrun
_ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": "120000",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_worker_niceness": "0",
}


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Start the cluster; gives its address."""
    before = dict(os.environ)
    directory = tempfile.mkdtemp(prefix="hr-")  # short: unix sockets go deep inside
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.update(_ENVIRONMENT, RAY_AUTH_TOKEN=secrets.token_hex(32))
    _read_environment_again()
    try:
        yield _start(directory)
        ray.shutdown()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.environ.clear()
        os.environ.update(before)
        _read_environment_again()


def _read_environment_again() -> None:
    """Make this process's Ray see the variables: it read them when it was first imported."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


def _start(directory: str) -> str:
    for left in reversed(range(_TRIES)):
        try:
            context = ray.init(
                address="local",
                num_cpus=2,
                include_dashboard=False,
                object_store_memory=78_643_200,
                log_to_driver=False,
                configure_logging=False,
                _temp_dir=directory,
            )
            return str(context.address_info["gcs_address"])
        except Exception:
            with contextlib.suppress(Exception):
                ray.shutdown()
            if not left:
                raise
    raise AssertionError


@pytest.fixture
def namespace(cluster: str) -> Iterator[str]:
    """Give a namespace of the test's own; its actors are ended afterwards."""
    name = f"test-{uuid4().hex[:8]}"
    yield name
    for entry in ray.util.list_named_actors(all_namespaces=True):
        if entry["namespace"] == name:
            with contextlib.suppress(ValueError):
                ray.kill(ray.get_actor(entry["name"], namespace=name), no_restart=True)


@pytest.fixture(scope="module", autouse=True)
def _ship_by_value(request: pytest.FixtureRequest) -> Iterator[None]:
    """Send classes of the test module to workers by value: they cannot import it."""
    module = sys.modules[request.module.__name__]
    cloudpickle.register_pickle_by_value(module)
    yield
    cloudpickle.unregister_pickle_by_value(module)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give an empty home."""
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    return made
