"""`helio secret ...`: values go in by standard input or a hidden prompt, and never come out.

Jobs name them: `--env TOKEN=secret:NAME`. The files are the house's; this needs no house.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from engine.errors import BadInput
from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.views import Column, Table, ago
from store.secrets import Secrets

app = typer.Typer(no_args_is_help=True, help="Secrets: handed to jobs, shown to nobody.")

SECRETS = Table(
    (
        Column("NAME", lambda row, _: str(row["name"])),
        Column("CHANGED", lambda row, now: ago(int(row["changed_at"]), now)),
    ),
    "No secrets yet. Try: helio secret set GITHUB_TOKEN",
)


def _known(incomplete: str) -> list[str]:
    return [name for name in _secrets().names() if name.startswith(incomplete)]


Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="Capitals, digits and _.", autocompletion=_known),
]


@app.command(
    "set",
    epilog=examples("helio secret set GITHUB_TOKEN", "helio secret set DEPLOY_KEY < key.pem"),
)
def set_(name: Name) -> None:
    """Register a secret. The value comes from standard input or a hidden prompt."""
    _secrets().set(name, _value(name))
    voice.say(f"Secret {name} is set. Use it: helio job submit --env X=secret:{name} -- CMD")


@app.command(epilog=examples("helio secret rotate GITHUB_TOKEN"))
def rotate(name: Name) -> None:
    """Give a registered secret a new value. The next job that starts gets it."""
    secrets = _secrets()
    secrets.changed_at(name)  # a misspelt name is told before the value is asked for
    secrets.rotate(name, _value(name))
    voice.say(f"Secret {name} has a new value.")


@app.command("list", epilog=examples("helio secret list", "helio secret list --json"))
def list_(as_json: options.AsJson = False) -> None:
    """List names and ages, never values."""
    secrets = _secrets()
    items = [{"name": one, "changed_at": secrets.changed_at(one)} for one in secrets.names()]
    voice.emit_list({"items": items, "next_cursor": None}, SECRETS, as_json=as_json)


@app.command(epilog=examples("helio secret remove GITHUB_TOKEN --yes"))
def remove(name: Name, yes: options.Yes = False) -> None:
    """Forget a secret. Jobs that name it will fail until it is set again."""
    secrets = _secrets()
    secrets.changed_at(name)
    if not yes:
        _confirm(f"Forget {name}?")
    secrets.remove(name)
    voice.say(f"Secret {name} is forgotten.")


def _secrets() -> Secrets:
    return Secrets(reach.home().secrets)


def _value(name: str) -> str:
    """Read the value; one line end behind it, as `echo` and editors leave it, is no part of it."""
    if sys.stdin.isatty():
        return str(typer.prompt(f"Value of {name}", hide_input=True, err=True))
    try:
        return sys.stdin.read().removesuffix("\n")
    except UnicodeDecodeError:
        raise BadInput(
            f"The value of {name} is no UTF-8 text.", remedy="Encode it first: base64 < FILE"
        ) from None


def _confirm(question: str) -> None:
    """Ask a person; where there is none, say which option answers.

    Raises:
        BadInput: nobody is there to ask.
    """
    if not voice.interactive():
        raise BadInput("Nobody is there to ask.", remedy="Say it beforehand: --yes")
    typer.confirm(question, abort=True, err=True)
