"""`cluster.yaml` is what Ray takes it for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.autoscaler._private.util import prepare_config, validate_config

CLUSTER = Path(__file__).parents[3] / "cluster.yaml"


@pytest.fixture
def cluster() -> dict[str, Any]:
    return yaml.safe_load(CLUSTER.read_text())


def test_ray_accepts_the_file(cluster: dict[str, Any]) -> None:
    validate_config(prepare_config(cluster))


def test_ray_would_see_a_wrong_key(cluster: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="head_node_ip"):
        validate_config(prepare_config(cluster | {"head_node_ip": "127.0.0.1"}))


def test_no_command_ends_the_other_rays_of_the_machine(cluster: dict[str, Any]) -> None:
    commands = [line for key in cluster if key.endswith("_commands") for line in cluster[key]]
    assert commands
    assert not any("ray stop" in line for line in commands)
