"""The command line described from itself: what `docs/cli.md` is drawn from and tests walk over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from interfaces.cli.main import app
from interfaces.cli.teach import lines_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its full name, its help, its parameters and its examples."""

    name: str
    help: str
    parameters: tuple[tuple[str, str], ...]
    examples: tuple[str, ...]
    command: Any


def entries() -> list[Entry]:
    """Give every command in the order of `helio --help`."""
    return list(_walk(typer.main.get_command(app), "helio"))


def markdown() -> str:
    """Draw the reference page."""
    parts = [_HEAD]
    for entry in entries():
        parts.append(f"## {entry.name}\n\n{entry.help}\n")
        parts.append("```console\n" + "\n".join(f"$ {line}" for line in entry.examples) + "\n```\n")
        if entry.parameters:
            rows = "\n".join(f"| `{name}` | {said} |" for name, said in entry.parameters)
            parts.append(f"| | |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


_HEAD = """# The command line

`helio` is a thin client: it speaks to `/v1` and to the supervisor's control socket, and keeps no
state. Data goes to stdout, messages to stderr. `--json` gives one JSON object (a list is
`{"items", "next_cursor"}`), and errors are then RFC 9457 problem objects on stderr. A job may be
named by the last characters of its id, as lists show them.

| ends with | when |
|---|---|
| 0 | it worked |
| 1 | it failed, or the job that was waited for did |
| 2 | the command line, a file or the settings are wrong |
| 3 | nothing of that name or id exists |
| 4 | no house answers |
| 5 | not allowed: no token, or a wrong one |
| 6 | no longer possible, or already decided |
| 124 | the wait timed out; the job goes on |
| 130 | interrupted |

What a job wrote is anybody's text. A pipe or a file gets it byte for byte; on a terminal only text,
tabs, line ends, colours and "erase this line" pass, and every other control character is shown
instead of obeyed. Names and messages hold none at all.

`NO_COLOR` switches colours off. Nothing is asked and nothing moves where there is no terminal.
This page is drawn from the commands themselves by `make docs`.
"""


def _walk(command: Any, path: str) -> Iterator[Entry]:
    inner = getattr(command, "commands", None)
    if inner is not None:
        for name, below in inner.items():
            yield from _walk(below, f"{path} {name}")
        return
    parameters = tuple(_parameter(one) for one in command.params if one.name != "help")
    said = " ".join((command.help or "").split())
    yield Entry(path, said, parameters, tuple(lines_of(command.epilog or "")), command)


def _parameter(parameter: Any) -> tuple[str, str]:
    spelled = ", ".join([*parameter.opts, *parameter.secondary_opts])
    argument = parameter.param_type_name == "argument"
    taken = parameter.metavar or ""
    name = taken if argument else f"{spelled} {taken}".strip()
    said = (getattr(parameter, "help", "") or "").replace("|", "\\|")
    default = parameter.default
    plain = isinstance(default, (int, float, str)) and not isinstance(default, bool)
    return name, said + (f" Default: {default}." if plain and default else "")
