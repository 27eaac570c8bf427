"""Draw the pages that come from tables: `python docs/draw.py` writes, `--check` only looks.

The state machine, the event catalogue, the settings and the command line are data in the source;
their pages are never edited.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from engine.events import MEANING
from engine.jobs import TERMINAL, JobState, Reason
from engine.transitions import TABLE, diagram
from interfaces.cli.manual import markdown as command_line
from store.config_page import markdown as configuration

HERE = Path(__file__).parent
DRAWN = "<!-- Drawn by docs/draw.py from the engine's tables. Do not edit. -->\n\n"

STANDS_FOR: Mapping[JobState, str] = {
    JobState.BLOCKED: "waits for a parent, for members, or for a busy directory or pool",
    JobState.DELAYED: "waits for a known time: backoff, a rate limit, a schedule",
    JobState.READY: "may run as soon as a slot is free and its lane's turn comes",
    JobState.RUNNING: "a session has the order; each claim raises the epoch",
    JobState.REVIEWING: "the gate looks at the deliverable; the maker holds no slot",
    JobState.WAITING: "waits for a signal or the owner; no slot, no process",
    JobState.SUCCEEDED: "its result was accepted, once",
    JobState.FAILED: "it failed for good; the error names cause and remedy",
    JobState.CANCELLED: "it was cancelled and its process tree is gone",
    JobState.SKIPPED: "it will never run: a parent failed, or its condition was false",
}


def state_machine() -> str:
    """Write the page of the state machine."""
    rows = [
        f"| `{state}` | {STANDS_FOR[state]} | {'yes' if state in TERMINAL else ''} |"
        for state in JobState
    ]
    arrows = [
        f"| `{state}` | {trigger} | `{after}` |"
        for state, row in TABLE.items()
        for trigger, after in row.items()
    ]
    reasons = ", ".join(f"`{reason}`" for reason in Reason if reason)
    return "\n".join(
        [
            f"{DRAWN}# The state machine of a promise\n",
            "One table in `engine/transitions.py`, one function that moves along it. A write says",
            "from which state and epoch it comes; a late answer finds the row elsewhere and is",
            "dropped. Terminal states absorb.\n",
            f"```mermaid\n{diagram()}```\n",
            "| state | the promise | terminal |\n|---|---|---|",
            *rows,
            f"\nWhy it stands there is the row's `reason`: {reasons}.\n",
            "| from | trigger | to |\n|---|---|---|",
            *arrows,
            "",
        ]
    )


def events() -> str:
    """Write the page of the event catalogue."""
    rows = [f"| `{kind}` | {meaning} |" for kind, meaning in MEANING.items()]
    return "\n".join(
        [
            f"{DRAWN}# Events\n",
            "Each is one typed fact, stored in the transaction of the change it tells, numbered",
            "without gaps within a shard. The data of a `job.*` event are the columns that",
            "changed, all of them for `job.submitted`; `engine.projections.replay` rebuilds the",
            "job table from the log alone. Read them with `helio event tail`, or by cursor at",
            "`/v1/events`.\n",
            "| kind | what it tells |\n|---|---|",
            *rows,
            "",
        ]
    )


PAGES = {
    "state-machine.md": state_machine,
    "events.md": events,
    "configuration.md": configuration,
    "cli.md": command_line,
}


def stale() -> list[str]:
    """Name the pages that are not what the tables say."""
    return [
        name
        for name, page in PAGES.items()
        if not (HERE / name).is_file() or (HERE / name).read_text() != page()
    ]


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check say which are stale."""
    if arguments == ["--check"]:
        for name in stale():
            sys.stderr.write(f"docs/{name} is stale: run python docs/draw.py\n")
        return 1 if stale() else 0
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
