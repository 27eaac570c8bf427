"""The home on disk, made ready before anything is started in it: directories, tokens, the lock.

It knows permissions and files; it does not know what runs in the house.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from engine.errors import HouseFault
from store.home import Home

_TOKEN_BYTES = 32
_PRIVATE_DIR = 0o700
_RUN_PREFIX = "helio-"
# Ray puts unix sockets 70 bytes deeper, and the kernel takes 107 in all.
_LONGEST_PARENT_BYTES = 20


def settle_in(home: Home) -> None:
    """Make every directory and token of a home that is not there yet, for the owner alone.

    Raises:
        HouseFault: the home cannot be written.
    """
    try:
        for directory in (home.root, home.secrets, home.logs, home.sessions, home.empty):
            directory.mkdir(mode=_PRIVATE_DIR, parents=True, exist_ok=True)
            directory.chmod(_PRIVATE_DIR)
        for token in (home.token, home.ray_token):
            _make_token(token)
    except OSError as refused:
        raise HouseFault(
            f"The home {home.root} cannot be used: {refused.strerror or refused}.",
            remedy="Make it writable for you, or name another one with HELIOGRAPH_HOME.",
        ) from refused


def _make_token(path: Path) -> None:
    """Write 256 random bits, once; an existing token only gets its permissions back."""
    if path.exists() and path.stat().st_size > 0:
        path.chmod(0o600)
        return
    write_private(path, secrets.token_hex(_TOKEN_BYTES))


def write_private(path: Path, text: str, *, sync: bool = True) -> None:
    """Replace a file in one step; at no moment is it readable by others or half written.

    Without `sync` a power cut may lose it: for what means nothing after one.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
        out.flush()
        if sync:
            os.fsync(out.fileno())
    draft.replace(path)


def lock(home: Home) -> int | None:
    """Take the home's lock for the life of this process; None when another holds it.

    The kernel drops it at death, whatever the cause. The descriptor is not inherited.
    """
    held = os.open(home.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held


def make_run_dir() -> Path:
    """Make a short, private directory for Ray's sockets and sessions.

    It stays locked for the life of this process: the cleaners of temporary directories leave
    what is locked alone, however old it is.
    """
    made = Path(tempfile.mkdtemp(prefix=_RUN_PREFIX, dir=_run_parent()))
    fcntl.flock(os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), fcntl.LOCK_EX)
    return made


def _run_parent() -> Path:
    usual = Path(tempfile.gettempdir())
    return usual if len(os.fsencode(usual)) <= _LONGEST_PARENT_BYTES else Path("/tmp")  # noqa: S108


def clear_run_dir(path: str | Path) -> None:
    """Remove a run directory; anything that is not one of ours stays untouched."""
    run_dir = Path(path)
    if not run_dir.name.startswith(_RUN_PREFIX) or run_dir.parent != _run_parent():
        return
    if run_dir.is_dir() and not run_dir.is_symlink() and run_dir.stat().st_uid == os.getuid():
        shutil.rmtree(run_dir, ignore_errors=True)
