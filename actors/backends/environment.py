"""The environment of a job's processes: an allow-list of the house's own, and what the job asks.

Tokens, RAY_* and everything else that the house lives on never reach a job. Besides
`store.config` this is the only place that reads the process environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from actors.backends.base import SecretSource
from actors.strays import MARK, house_mark
from engine.messages import Order

ALLOWED = frozenset(
    {"PATH", "HOME", "LANG", "TZ", "TERM", "USER", "LOGNAME", "SHELL", "TMPDIR"}
)  # fmt: skip
ALLOWED_PREFIX = "LC_"
SECRET_PREFIX = "secret:"  # noqa: S105  # names one, is none
GIVEN = "HELIO_GIVEN"  # JSON: the answer, signal or verdict with which a job goes on
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PRIVATE, _PRIVATE_FOLDER = 0o600, 0o700


def inherited(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Give the part of the house's environment that jobs may see."""
    known = os.environ if environ is None else environ
    kept = {n: v for n, v in known.items() if n in ALLOWED or n.startswith(ALLOWED_PREFIX)}
    return {"PATH": _DEFAULT_PATH} | kept


def marks(home: str, tag: str, order: Order) -> dict[str, str]:
    """Give the variables by which a process tells whose it is."""
    house, _, digest = house_mark(home).partition("=")
    return {house: digest, MARK: tag, "HELIO_JOB": order.job, "HELIO_EPOCH": str(order.epoch)}


def asked(order: Order, secrets: SecretSource, scratch: Path) -> dict[str, str]:
    """Give the variables that the order asks for, with secrets read and large values in files.

    A value of `env_files` is written to a private file; the variable holds its path.

    Raises:
        NotFound: a secret is not set.
    """
    found = {str(k): str(v) for k, v in (order.payload.get("env") or {}).items()}
    if order.resume:
        found[GIVEN] = json.dumps(order.resume.get("given"))
    for name, value in found.items():
        if value.startswith(SECRET_PREFIX):
            found[name] = secrets.read(value.removeprefix(SECRET_PREFIX))
    for number, (name, value) in enumerate((order.payload.get("env_files") or {}).items()):
        scratch.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        path = scratch / str(number)
        path.touch(mode=_PRIVATE)
        path.write_text(str(value))
        found[name] = str(path)
    return found
