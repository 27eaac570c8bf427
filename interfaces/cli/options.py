"""Options that several commands share, so that one name means one thing everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli import reach
from interfaces.views import short


def _job_ids(incomplete: str) -> list[str]:
    found = reach.names("job.list", "id", "")
    return [short(one) for one in found if short(one).startswith(incomplete)]


def _decision_ids(incomplete: str) -> list[str]:
    found = reach.names("decision.list", "id", "")
    return [short(one) for one in found if short(one).startswith(incomplete)]


def _workers(incomplete: str) -> list[str]:
    return reach.names("worker.list", "name", incomplete)


AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
AsJsonLines = Annotated[bool, typer.Option("--jsonl", help="One JSON object a line.")]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=500, metavar="N", help="Rows of one page.")
]
Cursor = Annotated[
    str, typer.Option("--cursor", metavar="CURSOR", help="Where the last page ended.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it is at rest.")]
Timeout = Annotated[
    float,
    typer.Option(
        "--timeout",
        min=0,
        metavar="SECONDS",
        help="Seconds to wait; 0 waits for ever. Ends with 124.",
    ),
]
JobId = Annotated[
    str,
    typer.Argument(
        metavar="JOB", help="A job id, or its unambiguous ending.", autocompletion=_job_ids
    ),
]
DecisionId = Annotated[
    str,
    typer.Argument(metavar="DECISION", help="A decision id.", autocompletion=_decision_ids),
]
WorkerName = Annotated[
    str, typer.Argument(metavar="WORKER", help="A worker's name.", autocompletion=_workers)
]
IdemKey = Annotated[
    str,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="The same key again gives the same job, not another.",
    ),
]
