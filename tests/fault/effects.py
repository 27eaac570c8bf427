"""What jobs did to the world: each run writes one line when it begins and one when it ends.

The file is the witness that no store and no session can talk to: what ran twice stands there
twice. A job keeps its directory's turn by a lock that the kernel drops when the last process of
its tree is gone, so that two jobs in one directory betray themselves.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.checks import Execution

_TEXT = """
token="effect:$HELIO_JOB:$HELIO_EPOCH:$$"
exec 9>>.turn; flock -n 9 || echo "overlap $token" >>"$EFFECTS"
echo "began $token" >>"$EFFECTS"
{straggler}sleep {seconds:.2f}
echo "ended $token" >>"$EFFECTS"
printf %s "$token"
"""
_STRAGGLER = "(setsid sh -c 'trap \"\" TERM; sleep 600 & wait' &)\n"


@dataclass(frozen=True, slots=True)
class EffectLog:
    """The file, how jobs write to it, and what it proves."""

    path: Path

    def job(self, seconds: float, *, straggler: bool = False, **more: Any) -> dict[str, Any]:
        """Give the request of a job that has an effect; its result is its token."""
        text = _TEXT.format(seconds=seconds, straggler=_STRAGGLER if straggler else "")
        return {"sh": text, "env": {"EFFECTS": str(self.path)}} | more

    def executions(self) -> list[Execution]:
        """Give every run that began, and whether something of it lives."""
        living = living_runs()
        return [
            Execution(
                job=job, epoch=epoch, token=token, alive=bool(living.get((job, epoch)))
            )
            for token, job, epoch in self._lines("began")
        ]  # fmt: skip

    def trouble(self) -> list[tuple[str, str]]:
        """Give what no store can tell: an order that ran twice, a directory shared by two."""
        runs = Counter((job, epoch) for _, job, epoch in self._lines("began"))
        told = [
            ("3 once", f"{job} ran {count} times at epoch {epoch}")
            for (job, epoch), count in runs.items()
            if count > 1
        ]
        shared = [f"{token} began while another had it" for token, _, _ in self._lines("overlap")]
        return told + [("9 one lease", one) for one in shared]

    def _lines(self, word: str) -> list[tuple[str, str, int]]:
        text = self.path.read_text() if self.path.exists() else ""
        found = []
        for line in text.splitlines():
            said, _, token = line.partition(" ")
            if said == word:
                _, job, epoch, _ = token.split(":")
                found.append((token, job, int(epoch)))
        return found


def living_runs() -> Mapping[tuple[str, int], list[psutil.Process]]:
    """Find every process that works for a job, by the marks in its environment."""
    found: dict[tuple[str, int], list[psutil.Process]] = {}
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            env = one.environ()
            if (job := env.get("HELIO_JOB")) and one.status() != psutil.STATUS_ZOMBIE:
                found.setdefault((job, int(env["HELIO_EPOCH"])), []).append(one)
    return found
