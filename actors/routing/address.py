"""Where the gateway listens: the same place after a restart, since agents hold its address.

The port of the last time comes first, then the one of the settings, then any free one; a port
that the owner named is taken or refused. It knows files and numbers, and opens no socket.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.settings import ModelSettings
from store.durable import write_durably
from store.home import Home

_LONGEST_PATH_BYTES = 107  # of a unix socket, on Linux


def ports_to_try(settings: ModelSettings, home: Home) -> Sequence[int]:
    """Give the ports in the order in which they are tried; 0 is any free one."""
    named = "port" in settings.model_fields_set and settings.port != 0
    if named:
        return (settings.port,)
    last = urlsplit(str(_read(home.gateway).get("url", ""))).port or settings.port
    return tuple(dict.fromkeys((last, settings.port, 0)))


def socket_path(home: Home) -> Path | None:
    """Say where the unix socket goes: in the home, or beside the control socket if too long."""
    if _fits(home.gateway_socket):
        return home.gateway_socket
    control = _read(home.ports).get("control")
    beside = Path(str(control)).with_name(home.gateway_socket.name) if control else None
    return beside if beside is not None and _fits(beside) else None


def record(home: Home, url: str, socket: Path | None) -> dict[str, Any]:
    """Write down where the gateway listens, for the CLI and for the next router."""
    told = {"url": url, "socket": str(socket or "")}
    write_durably(home.gateway, json.dumps(told).encode())
    return told


def _fits(path: Path) -> bool:
    return len(str(path).encode()) <= _LONGEST_PATH_BYTES


def _read(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}
