"""`helio worker ...`: the sessions, one for each working directory."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.views import WORKERS, ago, standing

app = typer.Typer(no_args_is_help=True, help="Workers: one for each directory.")


@app.command(
    "list", epilog=examples("helio worker list", "helio worker list --state running --json")
)
def list_(
    state: Annotated[str, typer.Option(metavar="STATE", help="Only in this state.")] = "",
    as_json: options.AsJson = False,
) -> None:
    """List workers."""
    with reach.client() as client:
        answer = client.ask("worker.list", {"state": state or None})
    voice.emit_list(answer, WORKERS, as_json=as_json)


@app.command(epilog=examples("helio worker show session/site-web-0f3a9b21cc"))
def show(worker: options.WorkerName, as_json: options.AsJson = False) -> None:
    """Show one worker."""
    with reach.client() as client:
        view = client.ask("worker.show", {"name": worker})
    if as_json:
        voice.emit_json(view)
        return
    now = voice.now_us()
    voice.emit_fields(
        {
            "name": view["name"],
            "state": standing(view),
            "directory": view.get("directory"),
            "backend": view.get("backend"),
            "stays": "when idle" if view.get("persistent") else "until idle for a while",
            "jobs": view.get("jobs"),
            "born": ago(view.get("born_at") or 0, now),
            "used": ago(view.get("used_at") or 0, now),
        }
    )


@app.command(epilog=examples("helio worker retire session/site-web-0f3a9b21cc"))
def retire(worker: options.WorkerName, as_json: options.AsJson = False) -> None:
    """Let a worker go when its job is done. The next job there makes a new one."""
    with reach.client() as client:
        view = client.ask("worker.retire", {"name": worker})
    if as_json:
        voice.emit_json(view)
    else:
        voice.say(f"Worker {view['name']} is {standing(view)}.")
