"""DBOS on SQLite, a queue without a limit. As it comes it polls each second; tuned, each 10 ms."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from dbos import DBOS, DBOSClient

from benchmarks.peers.play import Runs, play

_TUNED = {"polling_interval_sec": 0.01}


class DbosPeer:
    """One executor, one queue and one workflow that does nothing."""

    def __init__(self, directory: Path, variant: str, runs: Runs) -> None:
        logging.disable(logging.CRITICAL)
        os.environ["DBOS__VMID"] = "bench"
        url = f"sqlite:///{directory / 'dbos.sqlite'}"
        self._options = _TUNED if variant == "tuned" else {}
        DBOS(
            config={
                "name": "bench",
                "system_database_url": url,
                "run_admin_server": False,
                "application_version": "bench",
            }
        )

        @DBOS.workflow(name="noop")
        def noop() -> None:
            runs.ran()

        DBOS.launch()
        self._client = DBOSClient(system_database_url=url)

    def submit(self) -> None:
        """Enqueue the workflow."""
        self._client.enqueue({"queue_name": "bench", "workflow_name": "noop"})

    def begin(self) -> None:
        """Register the queue: from then on it is polled."""
        DBOS.register_queue("bench", **self._options)


if __name__ == "__main__":
    play(DbosPeer)
