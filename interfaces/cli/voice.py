"""How the CLI speaks: data on stdout, messages on stderr, colours and live lines on a TTY only.

The consoles are made at each use, so that a test or a pipe which replaced the streams is heard.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from engine.errors import HelioError
from interfaces.screen import Screen
from interfaces.views import (
    COLOURS,
    Column,
    Table,
    View,
    clean_lines,
    remedy,
    short,
    standing,
    why,
)

_ENDLESS = 100_000  # columns off a TTY: a pipe must get whole values
_US_PER_NS = 1_000
_GAP = "  "
_NARROWEST = 4  # columns of a terminal that a cell keeps, however little room there is
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


def say_end(what: str, view: View) -> None:
    """Tell that a job did not succeed, why, and what to do about it."""
    ended, said = f"{what} {short(view['id'])} {standing(view)}", why(view)
    if said:
        labelled(ended, said, "bold red")
    else:
        say(f"{ended}.", "bold red")
    if said := remedy(view):
        labelled("remedy", said, "bold")


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
    rows = kind.rows(items, now_us())
    places = kind.filled(rows)
    columns = [kind.columns[place] for place in places]
    cells = [[row[place] for place in places] for row in rows]
    console = out()
    widths = _widths(columns, cells, console.width if console.is_terminal else _ENDLESS)
    console.print(_line([column.head for column in columns], widths, lambda head: (head, "bold")))
    for row in cells:
        console.print(_line(row, widths, _coloured))


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Share the room: firm columns stay whole, of the others the widest gives way first."""
    widths = [
        max(cell_len(text) for text in (column.head, *(row[place] for row in rows)))
        for place, column in enumerate(columns)
    ]
    soft = [place for place, column in enumerate(columns) if not column.firm]
    excess = sum(widths) + len(_GAP) * (len(widths) - 1) - room
    while excess > 0 and any(widths[place] > _NARROWEST for place in soft):
        widths[max(soft, key=lambda place: widths[place])] -= 1
        excess -= 1
    return widths


def _line(
    cells: Sequence[str], widths: Sequence[int], style: Callable[[str], Text | tuple[str, str]]
) -> Text:
    """Lay out one row, with no blanks behind it."""
    line = Text()
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        cut = set_cell_size(cell, width - 1) + "…" if cell_len(cell) > width else cell
        line.append(_GAP if place else "")
        line.append_text(Text.assemble(style(cut)))
        line.append(" " * (width - cell_len(cut)))
    line.rstrip()
    return line


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
        out().print(Text.assemble((f"{name:<{width}}  ", "bold"), _coloured(clean_lines(value))))


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
