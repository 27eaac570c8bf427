"""How a session does a job, one module a backend, and the table of them."""

from __future__ import annotations

from collections.abc import Mapping

from actors.backends.base import Backend
from actors.backends.council import CouncilAttempt
from actors.backends.llm import LlmAttempt
from actors.backends.shell import ShellAttempt

BACKENDS: Mapping[str, Backend] = {
    "council": CouncilAttempt,
    "llm": LlmAttempt,
    "shell": ShellAttempt,
}
