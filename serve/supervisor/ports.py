"""The ports of the house: chosen before the start, written down, kept over restarts of the head.

A port that the owner named must be free; one that nobody named is replaced by a free one when
somebody else has it, so that a second home beside the first just works.
"""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from engine.errors import PortBusy
from engine.settings import Section, Settings
from serve.supervisor.homestead import write_private
from store.home import Home

EVERYWHERE = "0.0.0.0"  # noqa: S104  Ray binds so; a port must be free where it will be bound
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port that the house names itself; Ray draws the rest at random."""

    http: int
    gcs: int
    dashboard: int
    client: int
    metrics: int
    agent: int
    autoscaler_metrics: int
    dashboard_metrics: int


def choose(settings: Settings) -> Ports:
    """Choose every port of the house.

    Raises:
        PortBusy: a port that the settings name is taken.
    """
    with contextlib.ExitStack() as held:  # hold each until all are chosen, so that they differ

        def free(host: str) -> int:
            return _take(held, host, 0)

        def wanted(host: str, section: Section, name: str, key: str) -> int:
            port = int(getattr(section, name))
            try:
                return _take(held, host, port)
            except OSError as refused:
                if name in section.model_fields_set and port != 0:
                    raise _busy(host, port, key) from refused
                return free(host)

        return Ports(
            http=wanted(settings.serve.host, settings.serve, "port", "serve.port"),
            gcs=wanted(EVERYWHERE, settings.ray, "port", "ray.port"),
            dashboard=wanted(LOOPBACK, settings.ray, "dashboard_port", "ray.dashboard_port"),
            client=free(EVERYWHERE),
            metrics=free(EVERYWHERE),
            agent=free(EVERYWHERE),
            autoscaler_metrics=free(EVERYWHERE),
            dashboard_metrics=free(EVERYWHERE),
        )


def _take(held: contextlib.ExitStack, host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = held.enter_context(socket.socket(family, socket.SOCK_STREAM))
    # Without this a port whose last connection closed a moment ago would count as taken.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1)
    return int(listener.getsockname()[1])


def _busy(host: str, port: int, key: str) -> PortBusy:
    holder = _holder(port)
    return PortBusy(
        f"Port {port} on {host} is taken{f' by {holder}' if holder else ''}.",
        remedy=f"Stop that program, or set {key} to another port; 0 picks a free one.",
        port=port,
    )


def _holder(port: int) -> str:
    """Name who listens there, as far as this user may know."""
    try:
        for one in psutil.net_connections(kind="tcp"):
            listens_there = one.status == psutil.CONN_LISTEN and tuple(one.laddr)[1:] == (port,)
            if listens_there and one.pid:
                return f"{psutil.Process(one.pid).name()} (pid {one.pid})"
    except psutil.Error:
        pass
    return ""


def record(home: Home, chosen: Ports, settings: Settings, **more: Any) -> dict[str, Any]:
    """Write ports.json, which tells the CLI and the next start where the house is."""
    host = settings.serve.host
    address = f"[{host}]" if ":" in host else host
    told = {
        "api": f"http://{address}:{chosen.http}",
        "dashboard": f"http://{LOOPBACK}:{chosen.dashboard}",
        "host": host,
        "ports": asdict(chosen),
    } | more
    write_private(home.ports, json.dumps(told, indent=2) + "\n")
    return told
