"""What reaches the head and its actors, and what does not."""

from __future__ import annotations

from serve.supervisor.environment import for_head
from serve.supervisor.ports import Ports
from store.home import Home

PORTS = Ports(*range(9001, 9009))
SHELL = {
    "PATH": "/bin",
    "HOME": "/home/o",
    "PYTHONPATH": "/stranger",
    "PYTHONDONTWRITEBYTECODE": "1",
    "RAY_ADDRESS": "10.0.0.9:6379",
    "RAY_AUTH_MODE": "disabled",
    "ANTHROPIC_API_KEY": "sk-1",
    "HELIOGRAPH_STORE__SYNCHRONOUS": "FULL",
}


def test_the_shells_own_python_and_ray_and_keys_stay_outside(tmp_path) -> None:
    listed = for_head(Home.at(tmp_path), PORTS, SHELL)
    for name in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "RAY_ADDRESS", "ANTHROPIC_API_KEY"):
        assert name not in listed
    assert listed["PATH"] == "/bin"
    assert listed["HELIOGRAPH_STORE__SYNCHRONOUS"] == "FULL"


def test_rays_token_is_named_by_file_and_cannot_be_switched_off_from_outside(tmp_path) -> None:
    home = Home.at(tmp_path)
    listed = for_head(home, PORTS, SHELL)
    assert listed["RAY_AUTH_MODE"] == "token"
    assert listed["RAY_AUTH_TOKEN_PATH"] == str(home.ray_token)
    assert "RAY_AUTH_TOKEN" not in listed


def test_ports_that_ray_would_fix_are_named_so_that_two_homes_get_along(tmp_path) -> None:
    listed = for_head(Home.at(tmp_path), PORTS, SHELL)
    assert listed["AUTOSCALER_METRIC_PORT"] == str(PORTS.autoscaler_metrics)
    assert listed["DASHBOARD_METRIC_PORT"] == str(PORTS.dashboard_metrics)


def test_a_key_of_a_model_comes_in_when_models_toml_names_it_and_nothing_of_python_or_ray(
    tmp_path,
) -> None:
    home = Home.at(tmp_path)
    home.models.write_text(
        'keys = ["env:ANTHROPIC_API_KEY", "secret:OTHER", "env:RAY_ADDRESS", "env:PYTHONPATH"]'
    )
    listed = for_head(home, PORTS, SHELL)
    assert listed["ANTHROPIC_API_KEY"] == "sk-1"
    assert "RAY_ADDRESS" not in listed
    assert "PYTHONPATH" not in listed
