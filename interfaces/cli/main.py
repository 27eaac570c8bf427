"""`helio`: the commands put together, and what every error becomes.

Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 house unreachable, 5 denied, 6 conflict or
already decided, 124 wait timed out, 130 interrupted.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from engine.errors import BadInput, HelioError
from interfaces.cli import (
    ask,
    check,
    cost,
    council,
    decision,
    doctor,
    event,
    house,
    job,
    model,
    pipeline,
    project,
    reach,
    secret,
    voice,
    worker,
)
from interfaces.cli.teach import examples

_INTERRUPTED = 130
_USAGE = 2

app = typer.Typer(
    name="helio",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Heliograph: one person commands a crew of AI agents.",
    epilog=examples(
        "helio up",
        "helio pipeline run welcome --input path=. --watch",
        "helio job submit --wait -- echo hello",
        "helio status",
    ),
)
house.register(app)
ask.register(app)
doctor.register(app)
check.register(app)
cost.register(app)
for noun in (job, pipeline, council, worker, project, model, decision, secret, event):
    app.add_typer(noun.app, name=noun.__name__.rpartition(".")[2])


@app.callback()
def root(
    home: Annotated[
        str,
        typer.Option(
            "--home",
            metavar="DIR",
            help="The house's directory; else $HELIOGRAPH_HOME or ~/.heliograph.",
        ),
    ] = "",
) -> None:
    """Choose the house."""
    reach.choose(home)


def main(argv: Sequence[str]) -> int:
    """Run one command and give its exit code; every refusal becomes a sentence on stderr."""
    as_json = _wants_json(argv)
    try:
        code = app(args=list(argv), prog_name="helio", standalone_mode=False)
    except HelioError as refusal:
        voice.complain(refusal, as_json=as_json)
        return refusal.exit_code
    except TyperException as usage:
        return _misused(usage, as_json=as_json)
    except (Abort, KeyboardInterrupt):
        voice.say("Interrupted.")
        return _INTERRUPTED
    except OSError as fault:
        return _unwritten(fault)
    return code if isinstance(code, int) else 0


def run() -> None:
    """Start from the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal's encoding lacks is escaped
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))


def _wants_json(argv: Sequence[str]) -> bool:
    own = list(argv)[: list(argv).index("--")] if "--" in argv else argv
    return "--json" in own or "--jsonl" in own


def _unwritten(fault: OSError) -> int:
    """Tell that the output could not go where it was sent; what could, is there."""
    sys.stdout = io.StringIO()  # the interpreter would try the rest again at its end
    voice.complain(
        HelioError(f"The output cannot be written: {fault.strerror}.", remedy="Send it elsewhere."),
        as_json=False,
    )
    return HelioError.exit_code


def _misused(usage: TyperException, *, as_json: bool) -> int:
    """Tell a wrong command line; naming no command shows the help instead."""
    context = getattr(usage, "ctx", None)
    path = context.command_path if context else "helio"
    said = usage.format_message()
    if said.startswith("Usage: ") and not as_json:
        voice.say(said)
    elif said:
        voice.complain(BadInput(said, remedy=f"See: {path} --help"), as_json=as_json)
    return _USAGE


if __name__ == "__main__":
    run()
