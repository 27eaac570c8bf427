"""The options of `helio job submit`, and the job request that they make.

What a request may hold is the engine's business; here stands only what is local: paths, standard
input, and the spelling of `--env`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.durations import seconds
from engine.errors import BadInput

Command = Annotated[
    list[str] | None, typer.Argument(metavar="-- CMD", help="The command, as it stands.")
]
Sh = Annotated[
    str, typer.Option("--sh", metavar="TEXT", help="Text for /bin/sh instead of a command.")
]
SignalName = Annotated[
    str, typer.Option("--signal", metavar="NAME", help="No command: wait for this signal.")
]
Ask = Annotated[
    str, typer.Option("--ask", metavar="TEXT", help="No command: ask the owner this, and wait.")
]
Option = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="TEXT", help="An answer that --ask offers; repeatable."),
]
Default = Annotated[
    str,
    typer.Option("--default", metavar="TEXT", help="The answer of --ask at its --deadline."),
]
DeadlineIn = Annotated[
    str,
    typer.Option(
        "--deadline", metavar="TIME", help="How long --signal or --ask waits: 90s, 2h, 3d."
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend", "-b", metavar="NAME", help="What runs it. None: shell, or llm for a --prompt."
    ),
]
Cwd = Annotated[
    str,
    typer.Option(
        "--cwd",
        "-C",
        metavar="DIR",
        help="Its directory, which it has to itself. None: a fresh one.",
    ),
]
LaneName = Annotated[
    str, typer.Option("--lane", "-p", metavar="LANE", help="P0 (urgent) to P5 (background).")
]
Name = Annotated[str, typer.Option("--name", "-n", metavar="TEXT", help="What lists call it.")]
Project = Annotated[
    str, typer.Option("--project", metavar="NAME", help="None: from the directory's git root.")
]
Env = Annotated[
    list[str] | None,
    typer.Option("--env", "-e", metavar="K=V", help="Repeatable. K=secret:NAME for a secret."),
]
Stdin = Annotated[str, typer.Option("--stdin", metavar="FILE", help="Its input; - is yours.")]
After = Annotated[
    list[str] | None, typer.Option("--after", metavar="JOB", help="Start when JOB succeeded.")
]
RunLimit = Annotated[
    float,
    typer.Option(
        "--run-limit",
        min=0,
        metavar="SECONDS",
        help="End one attempt after this.",
    ),
]
Retries = Annotated[
    int | None,
    typer.Option("--retries", min=0, metavar="N", help="Tries after a failure."),
]
Hold = Annotated[bool, typer.Option("--hold", help="Keep the directory while waiting.")]
Once = Annotated[
    bool,
    typer.Option("--once", help="Never repeat it unasked, not even after a crash."),
]
Persistent = Annotated[bool, typer.Option("--persistent", help="Keep its worker when idle.")]
Logs = Annotated[
    bool, typer.Option("--logs", "-l", help="Print its output as it comes, then wait.")
]


def build(given: Mapping[str, Any]) -> dict[str, Any]:
    """Make the job request; what was not given is left to the engine's defaults.

    Raises:
        BadInput: something local is wrong: no command, a file that is not there, a bad --env.
    """
    kinds = [word for word in ("run", "sh", "wait", "prompt") if given.get(word)]
    if len(kinds) != 1:
        raise BadInput(
            "A job is one of these: a command behind --, --sh TEXT, --prompt TEXT, --signal NAME, "
            "--ask TEXT.",
            remedy="For example: helio job submit -- echo hello",
        )
    request = {
        key: value for key, value in given.items() if value not in ("", None, [], {}, False, 0)
    }
    request["backend"] = given["backend"] or ("llm" if "prompt" in request else "shell")
    if "temperature" in given:
        request["temperature"] = given["temperature"]
    if given["max_failures"] == 0:
        request["max_failures"] = 0
    if "wait" in request:
        del request["backend"]
    if "cwd" in request:
        request["cwd"] = absolute(request["cwd"])
    if "env" in request:
        request["env"] = pairs(request["env"], "--env")
    if "stdin" in request:
        request["stdin"] = content_of(request["stdin"])
    return request | {"source": "cli"}


def wait_of(
    signal: str, ask: str, options: Sequence[str], default: str, deadline: str
) -> dict[str, Any]:
    """Make the wait of a job request; {} when it is none.

    Raises:
        BadInput: options that belong to a wait stand without it, or the deadline is no duration.
    """
    if signal and ask:
        raise BadInput("A job waits for a signal or an answer, not both.", remedy="Submit two.")
    if not ask and (options or default):
        raise BadInput("--option and --default belong to --ask.", remedy="Add --ask TEXT")
    if deadline and not (signal or ask):
        raise BadInput("--deadline belongs to --signal or --ask.", remedy="Add one of them")
    wait = {"signal": signal, "ask": ask, "options": list(options), "default": default}
    kept: dict[str, Any] = {key: value for key, value in wait.items() if value}
    return kept | ({"deadline_s": seconds(deadline)} if deadline else {})


def absolute(directory: str) -> str:
    """Give the path that the house, which stands elsewhere, understands."""
    return str(Path(os.path.abspath(Path(directory).expanduser())))  # noqa: PTH100 - no realpath


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Read NAME=VALUE texts.

    Raises:
        BadInput: one has no name or no =.
    """
    read: dict[str, str] = {}
    for text in texts:
        name, divider, value = text.partition("=")
        if not divider or not name:
            raise BadInput(
                f"{option} {text!r} has no form NAME=VALUE.", remedy=f"Write {option} NAME=VALUE"
            )
        read[name] = value
    return read


def content_of(file: str) -> str:
    """Read a text file, or standard input for "-".

    Raises:
        BadInput: it cannot be read as UTF-8 text.
    """
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(f"{file} cannot be read: {fault}.", remedy="Give a text file.") from None
