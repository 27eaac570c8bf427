"""The Ray head: one child process that holds the GCS, the raylet and every worker below it.

It knows the command line and when the cluster answers. It never imports Ray: what it starts can
then crash, hang or eat memory without touching the process that starts it again.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.errors import HouseFault
from engine.settings import RaySettings
from serve.supervisor import cradle, environment
from serve.supervisor.ports import Ports
from store.home import Home

_STOP_S = 12.0  # Ray asks its daemons to end, waits, and kills them
_POLL_S = 0.1
_LOG_TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Grounds:
    """Where a head is started: fixed for the life of one supervisor."""

    home: Home
    ports: Ports
    run_dir: Path
    ray: RaySettings
    inherited: dict[str, str]

    @property
    def ray_dir(self) -> Path:
        """Ray's own files, wiped before every head."""
        return self.run_dir / "ray"

    @property
    def log(self) -> Path:
        """What the head prints."""
        return self.home.logs / "head.log"


def command(grounds: Grounds) -> list[str]:
    """Give the command line of the head."""
    ports, ray = grounds.ports, grounds.ray
    line = [
        *(sys.executable, "-P", "-m", "ray.scripts.scripts", "start", "--head", "--block"),
        f"--port={ports.gcs}",
        "--dashboard-host=127.0.0.1",
        f"--dashboard-port={ports.dashboard}",
        f"--dashboard-agent-listen-port={ports.agent}",
        f"--ray-client-server-port={ports.client}",
        f"--metrics-export-port={ports.metrics}",
        f"--temp-dir={grounds.ray_dir}",
        f"--object-store-memory={ray.object_store_bytes}",
        "--disable-usage-stats",
        "--no-monitor",  # the autoscaler: there is one node
        "--include-log-monitor=false",  # it would send every log line to every driver
    ]
    if ray.num_cpus is not None:
        line.append(f"--num-cpus={ray.num_cpus}")
    return line


@dataclass(frozen=True, slots=True)
class Head:
    """A running head, and the pipe that ties its life to ours."""

    process: Process
    lifeline: IO[bytes]


def _lifeline() -> tuple[IO[bytes], IO[bytes]]:
    """Make the pipe; gives our end, which stays open while we live, and the cradle's."""
    reading, writing = os.pipe()
    return os.fdopen(writing, "wb"), os.fdopen(reading, "rb")


async def start(grounds: Grounds) -> tuple[Head, str]:
    """Start a head and wait until its cluster takes connections; gives it and its address.

    Raises:
        HouseFault: it ended or did not come up in time; nothing of it is left.
    """
    shutil.rmtree(grounds.ray_dir, ignore_errors=True)
    ours, theirs = _lifeline()
    with theirs, _fresh_log(grounds.log) as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", cradle.__file__, str(theirs.fileno())),
            *command(grounds),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=grounds.home.empty,
            env=environment.for_head(grounds.home, grounds.ports, grounds.inherited),
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # the terminal's Ctrl-C is for the supervisor alone
        )
    head = Head(process, ours)
    try:
        async with asyncio.timeout(grounds.ray.start_timeout_s):
            return head, await _await_up(process, grounds)
    except BaseException as cause:
        await stop(head)
        if isinstance(cause, TimeoutError):
            late = f"was not up within {grounds.ray.start_timeout_s:g} s"
            raise _failed(late, grounds) from cause
        raise


def _fresh_log(path: Path) -> IO[bytes]:
    """Begin a new log; the one before stays as .1, which tells why the last head died."""
    if path.exists():
        path.replace(path.with_suffix(".log.1"))
    return path.open("wb")


async def _await_up(process: Process, grounds: Grounds) -> str:
    """Wait for the file with the cluster's address, which Ray writes when the node is up."""
    written = grounds.ray_dir / "ray_current_cluster"
    while process.returncode is None:
        if written.exists() and (address := written.read_text().strip()):
            return address
        await asyncio.sleep(_POLL_S)
    raise _failed(f"ended with code {process.returncode} while it started", grounds)


async def stop(head: Head) -> None:
    """Ask the head to end, and insist after a while; gives when nothing of it is left."""
    process = head.process
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                await process.wait()
        except TimeoutError:
            head.lifeline.close()  # the cradle takes it for our death
    await process.wait()
    head.lifeline.close()


def _failed(what: str, grounds: Grounds) -> HouseFault:
    with grounds.log.open("rb") as log:
        log.seek(max(0, grounds.log.stat().st_size - _LOG_TAIL_BYTES))
        last = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    told = [line for line in last if line]
    return HouseFault(
        f"The Ray head {what}. Its last words: {told[-1] if told else 'none'}",
        remedy=f"Read {grounds.log}; a machine under heavy load may need ray.start_timeout_s.",
    )
