"""Logs of the house's own processes: one JSON object a line, rotated, in the home.

They tell what happened to processes. Request bodies, prompts and tokens are no business of a log;
what is passed to it is names, ids, counts and durations.
"""

from __future__ import annotations

import json
import logging
from logging.handlers import RotatingFileHandler
from typing import Any

from store.home import Home

_FILE_BYTES = 2 * 2**20
_KEPT_FILES = 3
_BARE = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object with its extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        told: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "from": record.name,
            "pid": record.process,
            "said": record.getMessage(),
        }
        told |= {name: value for name, value in vars(record).items() if name not in _BARE}
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def open_log(home: Home, name: str, level: str = "info", file: str = "") -> logging.Logger:
    """Make the log ``logs/NAME.log`` (or ``logs/FILE.log``) of a home and give its logger.

    A file belongs to one process: two that rotate the same one would lose lines.
    """
    path = home.logs / f"{file or name}.log"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_KEPT_FILES, delay=True)
    handler.setFormatter(JsonLines())
    log = logging.getLogger(f"heliograph.{name}")
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(level.upper())
    return log
