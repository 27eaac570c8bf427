"""`helio council ask`: one question to several models, and an answer that says who gave it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.errors import BadInput
from interfaces.cli import job_request, options, patience, reach, voice
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.views import View, cost

app = typer.Typer(no_args_is_help=True, help="The council: several models, one answer.")


@app.callback()
def root() -> None:
    """The council: several models of different families, one answer."""


@app.command(
    epilog=examples(
        'helio council ask "Shall we shard by project or by time?"',
        'helio council ask "Is this proof right?" --member opus --member gpt-5 --quorum 2',
        'helio council ask "..." --json',
    )
)
def ask(
    *,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What they are asked.")],
    member: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Who sits in it; repeatable. None: one a family."),
    ] = None,
    quorum: Annotated[int, typer.Option(min=0, metavar="N", help="Answers that must come.")] = 0,
    system: Annotated[str, typer.Option(metavar="TEXT", help="What each is told first.")] = "",
    within: Annotated[
        float, typer.Option("--within", min=0, metavar="SECONDS", help="For the whole call.")
    ] = 0,
    budget: Annotated[
        float, typer.Option("--budget", min=0, metavar="USD", help="What it may cost.")
    ] = 0,
    lane: job_request.LaneName = "P1",
    project: job_request.Project = "",
    detach: Annotated[bool, typer.Option("--detach", help="Print the job's id and go.")] = False,
    timeout: options.Timeout = 0,
    as_json: options.AsJson = False,
) -> None:
    """Ask several models at once, and have their answers weighed. It is a job like any other."""
    if not question.strip():
        raise BadInput("The question is empty.", remedy='helio council ask "Is it so?"')
    wanted: dict[str, Any] = {"prompt": question, "system": system, "members": member or []}
    wanted |= {"quorum": quorum, "timeout_s": within, "budget_usd": budget, "project": project}
    request = {name: value for name, value in wanted.items() if value}
    request |= {"backend": "council", "lane": lane, "source": "cli"}
    with reach.client() as client:
        made = client.ask("job.submit", {"jobs": [request]})
        if detach:
            voice.emit(made["ids"][0])
        else:
            _attend(client, made["ids"][0], timeout_s=timeout, as_json=as_json)


def _attend(client: Client, job: str, *, timeout_s: float, as_json: bool) -> None:
    with patience.interruptible(job):
        view = patience.wait_for(client, job, timeout_s)
    if as_json:
        voice.emit_json(view)
    elif view["state"] == "succeeded":
        _tell(view)
    if view["state"] != "succeeded":
        if not as_json:
            voice.say_end("The council", view)
        raise typer.Exit(1)


def _tell(view: View) -> None:
    """The answer is data; who gave it, who disagrees and what it cost stands on stderr."""
    result = view.get("result") or {}
    said = result.get("data") or {}
    voice.emit_text(str(result.get("text") or ""))
    weighed = f", weighed by {said['synthesis']}" if said.get("synthesis") else ""
    price = f", {cost(view)}" if cost(view) else ""
    voice.say(f"{said.get('label', '')}{weighed}{price}", "bright_black")
    for vote in said.get("votes") or []:
        if vote.get("why"):
            voice.say(f"{vote['model']} is missing: {vote['why']}", "yellow")
    for one in said.get("dissent") or []:
        voice.say(f"{one['model']} disagrees: {one['says']}", "yellow")
