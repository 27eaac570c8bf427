"""Huey on SQLite, ten worker threads. As it comes it syncs nothing; tuned it syncs and polls."""

from __future__ import annotations

import logging
from pathlib import Path

from huey import SqliteHuey

from benchmarks.peers.play import Runs, play

_TUNED = {"initial_delay": 0.01, "backoff": 1.0, "max_delay": 0.01}


class HueyPeer:
    """A queue, its one task and its consumer."""

    def __init__(self, directory: Path, variant: str, runs: Runs) -> None:
        tuned = variant == "tuned"
        self._huey = SqliteHuey("bench", filename=str(directory / "huey.db"), fsync=tuned)
        self._options = _TUNED if tuned else {}

        @self._huey.task(name="noop")
        def noop() -> None:
            runs.ran()

        self.submit = noop

    def begin(self) -> None:
        """Start the consumer's threads."""
        logging.disable(logging.ERROR)
        consumer = self._huey.create_consumer(workers=10, worker_type="thread", **self._options)
        consumer.start()


if __name__ == "__main__":
    play(HueyPeer)
