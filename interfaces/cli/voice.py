"""How the CLI speaks: data on stdout, messages on stderr, colours and live lines on a TTY only.

The consoles are made at each use, so that a test or a pipe which replaced the streams is heard.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from engine.errors import HelioError
from interfaces.screen import Screen
from interfaces.views import COLOURS, Table, View, clean_lines

_ENDLESS = 100_000  # columns off a TTY: a pipe must get whole values
_US_PER_NS = 1_000
_C1 = re.compile(r"[\x7f-\x9f]")  # JSON leaves these raw, and some terminals obey them


def now_us() -> int:
    """Give the wall time: the edge of the program, where it becomes an argument."""
    return time.time_ns() // _US_PER_NS


def interactive() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def out() -> Console:
    """Give the console for data."""
    return _console(sys.stdout)


def err() -> Console:
    """Give the console for messages."""
    return _console(sys.stderr)


def _console(stream: Any) -> Console:
    width = None if stream.isatty() else _ENDLESS
    return Console(file=stream, width=width, highlight=False, soft_wrap=True)


def say(message: str, style: str = "") -> None:
    """Tell the person something that is no data."""
    err().print(Text(clean_lines(message), style=style))


def say_lines(messages: Sequence[str]) -> None:
    """Tell several things, each on its line."""
    for message in messages:
        say(message)


def emit(text: str) -> None:
    """Put text that is data on stdout, ending with a newline."""
    sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")
    sys.stdout.flush()


def emit_output(pieces: Iterable[str], stream: TextIO | None = None) -> None:
    """Put what a job wrote on stdout as it comes: to a pipe as it is, to a terminal made safe."""
    sink = stream or sys.stdout
    screen = Screen(colours="NO_COLOR" not in os.environ) if sink.isatty() else None
    try:
        for piece in pieces:
            sink.write(screen.take(piece) if screen else piece)
            sink.flush()
    finally:
        sink.write(screen.end() if screen else "")
        sink.flush()


def emit_text(text: str) -> None:
    """Put a job's text on stdout, ending with a newline."""
    emit_output([text if text.endswith("\n") or not text else text + "\n"])


def emit_json(value: object, *, line: bool = False) -> None:
    """Put one JSON value on stdout, on one line for streams."""
    text = json.dumps(value, ensure_ascii=False, indent=None if line else 2, default=str)
    emit(_C1.sub(lambda found: f"\\u{ord(found.group()):04x}", text))


def emit_table(kind: Table, items: Sequence[View]) -> None:
    """Put a table on stdout; with no rows, say on stderr what to do about it."""
    if not items:
        say(kind.empty)
        return
    drawn = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in kind.columns:
        drawn.add_column(column.head, no_wrap=True, overflow="ellipsis")
    for row in kind.rows(items, now_us()):
        drawn.add_row(*(_coloured(cell) for cell in row))
    console = out()
    console.print(drawn, soft_wrap=not console.is_terminal)


def emit_list(answer: Mapping[str, Any], kind: Table, *, as_json: bool) -> None:
    """Put a page of a list on stdout; tell on stderr how to get the next one."""
    if as_json:
        emit_json({"items": answer["items"], "next_cursor": answer.get("next_cursor")})
        return
    emit_table(kind, answer["items"])
    if answer.get("next_cursor"):
        say(f"There is more: --cursor {answer['next_cursor']}", "bright_black")


def emit_fields(fields: Mapping[str, object]) -> None:
    """Put names and values on stdout, one a line; empty values are left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        line = Text(f"{name:<{width}}  ", style="bold")
        out().print(line.append(_coloured(clean_lines(value))))


def complain(error: HelioError, *, as_json: bool) -> None:
    """Tell a refusal on stderr: a sentence and its remedy, or the problem object."""
    if as_json:
        sys.stderr.write(json.dumps(error.as_problem(), ensure_ascii=False, default=str) + "\n")
        return
    labelled("error", error.detail, "bold red")
    if error.remedy:
        labelled("remedy", error.remedy, "bold")


def labelled(head: str, message: str, style: str) -> None:
    """Tell a message on stderr behind a word that says what kind it is."""
    err().print(Text.assemble((f"{head}: ", style), clean_lines(message)))


def _coloured(cell: str) -> Text:
    return Text(cell, style=COLOURS.get(cell.partition(" ")[0], ""))
