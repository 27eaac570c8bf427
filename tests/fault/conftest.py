"""One private house for each module of fault tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.house import House, short_dir

# What a stranger's working directory may hold: packages that take our names and cannot be imported.
FOREIGN = ("engine", "store", "memory", "routing", "serve", "actors", "interfaces", "ray")


@pytest.fixture(scope="module")
def strange_directory() -> Iterator[Path]:
    """Give a directory whose packages would crash whoever imports them."""
    with short_dir() as directory:
        for name in FOREIGN:
            package = directory / name
            package.mkdir()
            (package / "__init__.py").write_text(f"raise SystemError('a stranger: {name}')\n")
        yield directory


@pytest.fixture(scope="module")
def house(strange_directory: Path) -> Iterator[House]:
    """Give a whole house that was started from a stranger's directory."""
    with short_dir() as directory, House(directory / "home", cwd=strange_directory) as house:
        yield house
