"""The home: where every file of one Heliograph lives. Paths only; it opens nothing.

home/
  config.toml      settings, 0600
  models.toml      providers and models: docs/models.md
  token            the API's bearer token, 0600
  ray_token        Ray's token, 0600
  lock             flock of the supervisor
  ports.json       ports and addresses chosen at start
  kin.json         processes below the supervisor, for the next start
  halted           an order to halt that no dispatcher has taken yet
  control.sock     the supervisor's control socket (moved to the short run dir if too long)
  store.db         SQLite; store.lock is the dispatcher's kernel-held witness
  secrets/NAME     registered secrets, 0600
  jobs/ID/EPOCH.log  output of one attempt
  tasks/ID/        fresh directory of a job that named none
  artefacts/ab/abcd...  content-addressed files
  sessions/        leases and transcripts of sessions
  logs/            logs of the house itself
  router.db        the router's ledger: what is closed, reserved, spent, bound
  gateway.json     where the gateway of the models listens
  gateway.sock     its unix socket
  tally.json       the hub's counters up to an event; rebuilt when it is gone
  empty/           the directory from which everything that touches Ray is started
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """One home directory and the names inside it."""

    root: Path

    @classmethod
    def at(cls, root: str | Path) -> Home:
        """Make the canonical Home of a directory, existing or not."""
        return cls(Path(os.path.realpath(Path(root).expanduser())))

    @property
    def config(self) -> Path:
        """Settings file."""
        return self.root / "config.toml"

    @property
    def models(self) -> Path:
        """The catalogue of providers and models."""
        return self.root / "models.toml"

    @property
    def token(self) -> Path:
        """The API's bearer token."""
        return self.root / "token"

    @property
    def ray_token(self) -> Path:
        """Ray's authentication token."""
        return self.root / "ray_token"

    @property
    def lock(self) -> Path:
        """The supervisor's lock."""
        return self.root / "lock"

    @property
    def ports(self) -> Path:
        """Ports and pids of the running house."""
        return self.root / "ports.json"

    @property
    def control(self) -> Path:
        """The supervisor's control socket; `interfaces.control.socket_path` knows exceptions."""
        return self.root / "control.sock"

    @property
    def kin(self) -> Path:
        """The processes below the supervisor, for a start after it was killed."""
        return self.root / "kin.json"

    @property
    def halted(self) -> Path:
        """An order to halt that no dispatcher has taken yet; the store says what is in force."""
        return self.root / "halted"

    @property
    def store(self) -> Path:
        """The SQLite file."""
        return self.root / "store.db"

    @property
    def store_lock(self) -> Path:
        """The dispatcher's witness."""
        return self.root / "store.lock"

    @property
    def secrets(self) -> Path:
        """Registered secrets, one file each."""
        return self.root / "secrets"

    @property
    def tasks(self) -> Path:
        """Fresh directories of jobs that named none."""
        return self.root / "tasks"

    @property
    def artefacts(self) -> Path:
        """Content-addressed files."""
        return self.root / "artefacts"

    @property
    def sessions(self) -> Path:
        """Leases and transcripts."""
        return self.root / "sessions"

    @property
    def logs(self) -> Path:
        """Logs of the house."""
        return self.root / "logs"

    @property
    def empty(self) -> Path:
        """The neutral directory to start from."""
        return self.root / "empty"

    @property
    def tally(self) -> Path:
        """The hub's counters up to an event."""
        return self.root / "tally.json"

    @property
    def router_ledger(self) -> Path:
        """The router's own ledger; nobody else opens it."""
        return self.root / "router.db"

    @property
    def gateway(self) -> Path:
        """Where the gateway listens: {"url", "socket"}; kept over restarts of the router."""
        return self.root / "gateway.json"

    @property
    def gateway_socket(self) -> Path:
        """The gateway's unix socket, where the path is not too long for one."""
        return self.root / "gateway.sock"

    def log_of(self, job: str, epoch: int) -> Path:
        """Output file of one attempt."""
        return self.root / "jobs" / job / f"{epoch}.log"
