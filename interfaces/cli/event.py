"""`helio event tail`: the facts as they happen, or from any point on."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.sse import Frame
from interfaces.views import COLOURS, View, clean, short

app = typer.Typer(no_args_is_help=True, help="Events: every change, in order.")
_PAGE = 500


@app.command(
    epilog=examples(
        "helio event tail",
        "helio event tail --filter job. --filter decision. --jsonl",
        "helio event tail --after 0 --no-follow",
        "helio event tail --job 4kq8w2mz",
    )
)
def tail(
    *,
    only: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="PREFIX", help="Only these kinds; repeatable."),
    ] = None,
    job: Annotated[str, typer.Option(metavar="JOB", help="Only of this job.")] = "",
    after: Annotated[
        int | None, typer.Option(min=0, metavar="SEQ", help="Start behind this one. None: now.")
    ] = None,
    follow: Annotated[bool, typer.Option(help="Go on with what happens.")] = True,
    as_lines: options.AsJsonLines = False,
) -> None:
    """Print events, one a line, until you stop it."""
    with reach.client() as client:
        subject = client.ask("job.show", {"id": job})["id"] if job else ""
        start = int(client.ask("house.status")["last_seq"]) if after is None else after
        if follow:
            for frame in client.events(start, only or (), subject):
                _show(frame.data, frame, as_lines=as_lines)
        else:
            _replay(client, start, only or [], subject, as_lines=as_lines)


def _replay(
    client: Client, start: int, prefixes: list[str], subject: str, *, as_lines: bool
) -> None:
    """Print what is stored, page by page."""
    cursor = start
    while True:
        asked = {"after": cursor, "limit": _PAGE, "prefixes": prefixes, "subject": subject}
        page = client.ask("event.list", {key: value for key, value in asked.items() if value != ""})
        for event in page["items"]:
            _show(event, None, as_lines=as_lines)
        if not page["items"]:
            return
        cursor = int(page["cursor"])


def _show(event: View, frame: Frame | None, *, as_lines: bool) -> None:
    if as_lines:
        voice.emit_json(event, line=True)
        return
    kind = str(event.get("kind") or (frame.kind if frame else ""))
    colour = COLOURS.get(kind.rpartition(".")[2], "")
    line = Text(f"{event.get('seq') or '-':>7}  ", style="bright_black")
    line.append(f"{kind:<20}", style=colour).append(f"  {clean(short(event.get('subject')))}  ")
    voice.out().print(line.append(clean(_gist(event)), style="bright_black"))


def _gist(event: View) -> str:
    """Say the one or two values of an event that a reader looks for."""
    data = event.get("data") or {}
    wanted = ("name", "reason", "epoch", "question", "answer", "detail", "text")
    return " ".join(f"{key}={data[key]}" for key in wanted if data.get(key))[:160]
