"""The client of the supervisor's control socket: one JSON line out, JSON lines back.

Standard library only, so that it starts fast and works when everything else is broken. It knows
where the socket is and what a request looks like; what the supervisor does with it, it does not.

    ask(home, {"do": "status"})       one question, one answer
    phases(home)                      progress of a start, until it is ready or has failed

An answer is ``{"ok": {...}}`` or ``{"problem": {...}}``; a phase is ``{"phase", "detail", "at"}``.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.errors import Unavailable, from_problem
from store.home import Home

LAST_PHASES = frozenset({"ready", "failed", "stopped"})
# Linux keeps 108 bytes for a unix socket's path, one of them the closing zero.
LONGEST_PATH_BYTES = 107


def socket_path(home: Home) -> Path:
    """Give the control socket of a home: inside it, or where ports.json says if too long."""
    inside = home.root / "control.sock"
    if len(str(inside).encode()) <= LONGEST_PATH_BYTES:
        return inside
    return Path(str(ports(home).get("control", inside)))


def ports(home: Home) -> dict[str, Any]:
    """Read the ports and addresses that the running house chose; {} when there are none."""
    try:
        read = json.loads(home.ports.read_text())
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def ask(home: Home, request: Mapping[str, Any], timeout_s: float = 10.0) -> dict[str, Any]:
    """Send one request to the supervisor and give its answer.

    Raises:
        Unavailable: nobody listens, or no answer came in time.
        HelioError: the supervisor's typed refusal.
    """
    for answer in _converse(home, request, timeout_s):
        if "problem" in answer:
            raise from_problem(answer["problem"])
        return dict(answer.get("ok", {}))
    raise _unreachable("It closed the connection without an answer.")


def phases(home: Home, timeout_s: float = 180.0) -> Iterator[dict[str, Any]]:
    """Follow the start: what has happened so far, then each new phase, up to the last one.

    `timeout_s` is the longest silence between two phases.

    Raises:
        Unavailable: nobody listens, or nothing was heard in time.
    """
    for phase in _converse(home, {"do": "phases"}, timeout_s):
        yield phase
        if phase.get("phase") in LAST_PHASES:
            return


def _converse(home: Home, request: Mapping[str, Any], timeout_s: float) -> Iterator[dict[str, Any]]:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as wire:
            wire.settimeout(timeout_s)
            wire.connect(str(socket_path(home)))
            wire.sendall(json.dumps(dict(request)).encode() + b"\n")
            with wire.makefile("rb") as lines:
                for line in lines:
                    yield json.loads(line)
    except TimeoutError as late:
        raise _unreachable(f"It did not answer within {timeout_s:g} s.") from late
    except (OSError, ValueError) as gone:
        raise _unreachable(f"Its control socket gave: {gone}.") from gone


def _unreachable(detail: str) -> Unavailable:
    return Unavailable(
        f"The supervisor of this home cannot be reached. {detail}",
        remedy="Run `helio up` to start Heliograph, or `helio doctor` to see what is wrong.",
    )
