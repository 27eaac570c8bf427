"""A private house in a temporary home: started for real, hurt for real, and gone at the end.

    with House(tmp_home) as house:      # `python -P -m serve --home ...`, waits for ready
        house.kill("dispatcher")
        house.await_ready()
                                        # leaving asserts that no process is left

`House.pids()` sorts every process below the supervisor into kinds by its command line.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Self, TypeVar

import httpx
import psutil

from engine.errors import HelioError
from interfaces import control
from store.home import Home

T = TypeVar("T")

# The first that fits names the kind; Ray writes the running method behind an actor's name.
KINDS: tuple[tuple[str, str], ...] = (
    ("cradle", "supervisor/cradle.py"),
    ("warden", "serve.warden"),
    ("head", "ray.scripts.scripts"),
    ("gcs", "gcs_server"),
    ("raylet", "raylet/raylet"),
    ("dispatcher", "ray::Dispatcher"),
    ("hub", "ray::Hub"),
    ("router", "ray::Router"),
    ("council", "ray::Council"),
    ("session", "ray::Session"),
    ("replica", "ray::ServeReplica:api"),
    ("proxy", "ray::Proxy"),
    ("controller", "ray::ServeController"),
    ("keeper", "actors/keeper.py"),
)


def eventually(look: Callable[[], T], deadline_s: float, what: str) -> T:
    """Look again and again until something true is seen; fails when the deadline has passed."""
    until = monotonic() + deadline_s
    pause = threading.Event()
    while True:
        if seen := look():
            return seen
        if monotonic() > until:
            raise AssertionError(f"not within {deadline_s:g} s: {what}")
        pause.wait(0.05)


class House:
    """One supervisor and everything below it."""

    def __init__(
        self,
        root: Path,
        *,
        settings: str = "",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.home = Home.at(root)
        self._settings = settings
        self._cwd = cwd or root.parent
        self._env = dict(env or {})
        self._seen: dict[int, psutil.Process] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
            self.await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.down()
        finally:
            self.end_by_force()
        self.assert_nothing_left()

    # -- life ---------------------------------------------------------------------------------
    def furnish(self) -> None:
        """Make the home and write its settings."""
        self.home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._settings:
            self.home.config.write_text(self._settings)
            self.home.config.chmod(0o600)
        self.home.logs.mkdir(mode=0o700, exist_ok=True)

    def start(self, without: Sequence[str] = ()) -> None:
        """Start a supervisor and return at once; `without` names variables to leave out."""
        self.furnish()
        kept = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
        kept |= {"HELIOGRAPH_SERVE__PORT": "0"} | self._env
        for name in ("PYTHONDONTWRITEBYTECODE", *without):
            kept.pop(name, None)
        with (self.home.root / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "serve", "--home", str(self.home.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._cwd,
                env=kept,
                start_new_session=True,
            )
        self._seen[self.process.pid] = psutil.Process(self.process.pid)

    def await_ready(self, deadline_s: float = 120.0) -> float:
        """Wait until the house says that it is whole; gives how many seconds that took."""
        began = monotonic()
        eventually(self._is_ready, deadline_s, f"ready; it said {self.said()!r}")
        self.look()
        return monotonic() - began

    def _is_ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise AssertionError(f"the supervisor ended: {self.said()}")
        with contextlib.suppress(HelioError):
            return self.ask({"do": "status"})["phase"] == "ready"
        return False

    def down(self, sign: signal.Signals = signal.SIGTERM, deadline_s: float = 60.0) -> int:
        """Ask the supervisor to end and wait until it has; gives its exit code."""
        if self.process is None:
            return 0
        self.look()
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(deadline_s)

    def end_by_force(self) -> None:
        """Kill whatever still lives of this house, so that a failed test leaves nothing."""
        for one in self.alive():
            with contextlib.suppress(psutil.Error):
                one.kill()

    # -- looking ------------------------------------------------------------------------------
    def ask(self, request: Mapping[str, Any], timeout_s: float = 10.0) -> dict[str, Any]:
        """Ask the control socket."""
        return control.ask(self.home, request, timeout_s)

    def submit(self, *argv: str, **request: Any) -> str:
        """Submit one job through the API; gives its id."""
        answer = self.call("POST", "/v1/jobs", {"jobs": [{"run": list(argv), **request}]})
        return str(answer["ids"][0])

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API with the owner's token."""
        api = self.ask({"do": "status"})["api"]
        token = {"Authorization": f"Bearer {self.home.token.read_text().strip()}"}
        answer = httpx.request(method, api + path, json=body, headers=token, timeout=30)
        return answer.raise_for_status().json()

    def await_job(self, job: str, *states: str, deadline_s: float = 30.0) -> dict[str, Any]:
        """Wait until a job is in one of these states; gives its view."""

        def look() -> dict[str, Any] | None:
            view = self.call("GET", f"/v1/jobs/{job}")
            return view if view["state"] in states else None

        return eventually(look, deadline_s, f"job {job} is {' or '.join(states)}") or {}

    def said(self) -> str:
        """What the supervisor printed."""
        log = self.home.root / "up.log"
        return log.read_text()[-2000:] if log.exists() else ""

    def look(self) -> list[psutil.Process]:
        """Find every process below the supervisor, and remember it."""
        assert self.process is not None
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.Error:
            return []
        self._seen.update({one.pid: one for one in below})
        return below

    def pids(self) -> dict[str, list[int]]:
        """Sort the processes of the house by kind."""
        found: dict[str, list[int]] = {kind: [] for kind, _ in KINDS}
        for one in self.look():
            with contextlib.suppress(psutil.Error):
                line = " ".join(one.cmdline())
                kind = next((kind for kind, mark in KINDS if mark in line), "other")
                found.setdefault(kind, []).append(one.pid)
        return found

    def pid(self, kind: str, deadline_s: float = 30.0) -> int:
        """Give the one process of a kind."""
        return eventually(lambda: self.pids()[kind], deadline_s, f"a {kind} process")[0]

    def kill(self, kind: str) -> int:
        """Kill the one process of a kind, and wait until it is gone; gives its pid."""
        if kind == "supervisor":
            assert self.process is not None
            self.look()
            self.process.kill()
            self.process.wait(10)
            return self.process.pid
        pid = self.pid(kind)
        doomed = psutil.Process(pid)
        doomed.kill()
        eventually(lambda: not _lives(doomed), 10, f"{kind} {pid} dies")
        return pid

    def await_another(self, kind: str, than: int, deadline_s: float) -> float:
        """Wait for a process of that kind that is not the old one; gives the seconds."""
        began = monotonic()
        eventually(
            lambda: [pid for pid in self.pids()[kind] if pid != than],
            deadline_s,
            f"a new {kind}",
        )
        return monotonic() - began

    # -- the end ------------------------------------------------------------------------------
    def alive(self) -> list[psutil.Process]:
        """Everything of this house that lives: seen below it once, or marked with its home."""
        left = {pid: one for pid, one in self._seen.items() if _lives(one)}
        left.update({one.pid: one for one in _marked(str(self.home.root))})
        return list(left.values())

    def assert_nothing_left(self, deadline_s: float = 5.0) -> None:
        """Assert that every process of this house is gone."""
        with contextlib.suppress(AssertionError):
            eventually(lambda: not self.alive(), deadline_s, "no process left")
        left = [f"{one.pid} {' '.join(one.cmdline())[:120]}" for one in self.alive()]
        assert not left, left


@contextlib.contextmanager
def short_dir() -> Iterator[Path]:
    """Give a directory with a path short enough for unix sockets, and remove it."""
    made = Path(tempfile.mkdtemp(prefix="hf-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _lives(one: psutil.Process) -> bool:
    try:
        return one.is_running() and one.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _marked(home: str) -> Iterator[psutil.Process]:
    """Find processes that name the home in their environment or command line."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.pid == os.getpid() or not _lives(one):
                continue
            if one.environ().get("HELIOGRAPH_HOME") == home or home in one.cmdline():
                yield one
