"""The environment of the Ray head and of everything below it: the one place that lists it.

It starts from an allow-list, so that what the owner's shell happens to hold (another cluster's
address, a PYTHONPATH, a key) does not reach the house, and then says how Ray is to behave. The one
exception are the keys of models that models.toml says are there. What a job's process gets is a
narrower list of its own, made by the session.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from serve.supervisor.ports import Ports
from store.home import Home

INHERITED = (
    "HOME", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LOGNAME", "PATH", "SHELL", "SSH_AUTH_SOCK",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ", "USER", "VIRTUAL_ENV", "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
OWN_PREFIX = "HELIOGRAPH_"  # settings may come from the environment (store.config)
_NO_KEYS = ("RAY_", "PYTHON", "LD_")
_VARIABLE = re.compile(r"""["']env:([A-Za-z_][A-Za-z0-9_]*)["']""")

RAY_RULES: dict[str, str] = {
    # Nobody without the token file reaches the job, state, dashboard or cluster interfaces.
    "RAY_AUTH_MODE": "token",
    # Ray's defaults make every worker the kernel's first victim, and its children with it.
    "RAY_worker_niceness": "0",
    "RAY_worker_oom_score_adjustment": "0",
    # A slow disk must not end the start: the raylet waits for its agent two minutes, not 15 s.
    "RAY_agent_register_timeout_ms": "120000",
    # Calls of long-lived actors would otherwise fill the GCS; the event log is ours.
    "RAY_task_events_max_num_task_in_gcs": "2000",
    # A stop must not wait for live actors to end: they never do.
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "1",
    # A killed proxy is back after 4 s instead of 26.
    "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray would start workers by `uv run` when it finds uv among the parents.
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # No worker may import from the directory of its own script.
    "PYTHONSAFEPATH": "1",
    "PYTHONUNBUFFERED": "1",
}


def for_head(home: Home, ports: Ports, inherited: Mapping[str, str]) -> dict[str, str]:
    """List the environment of the head, its daemons, and all actors."""
    named = (*INHERITED, *named_by_models(home))
    kept = {
        name: value
        for name, value in inherited.items()
        if name in named or name.startswith(OWN_PREFIX)
    }
    return (
        kept
        | RAY_RULES
        | {
            "HELIOGRAPH_HOME": str(home.root),
            "RAY_AUTH_TOKEN_PATH": str(home.ray_token),
            # Fixed ports in Ray: a second home on this machine would find them taken.
            "AUTOSCALER_METRIC_PORT": str(ports.autoscaler_metrics),
            "DASHBOARD_METRIC_PORT": str(ports.dashboard_metrics),
        }
    )


def named_by_models(home: Home) -> tuple[str, ...]:
    """Give the variables that models.toml names as places of keys, whatever else is in it.

    They are passed at the start of the house: a variable that is named later needs a new one.
    """
    try:
        text = home.models.read_text()
    except (OSError, UnicodeDecodeError):
        return ()
    return tuple(name for name in _VARIABLE.findall(text) if not name.startswith(_NO_KEYS))


def for_warden(home: Home, ports: Ports, inherited: Mapping[str, str]) -> dict[str, str]:
    """List the environment of the warden: it is a driver of the same cluster."""
    return for_head(home, ports, inherited)


def current() -> dict[str, str]:
    """Read the environment of this process, once, at start."""
    return dict(os.environ)
