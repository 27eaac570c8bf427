"""`helio ask`: a question to a model as a job, with its answer as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import BadInput
from interfaces.cli import job_request, model_request, options, patience, reach, voice
from interfaces.cli.job_request import content_of
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.views import View, age, cost

_LOOK_S = 2.0
BY_LANE = "auto"  # what is asked for where no model and no tier is named


def ask(
    *,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to ask; - is stdin.")],
    model: model_request.Model = "",
    tier: model_request.Tier = "",
    conversation: model_request.Conversation = "",
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", metavar="FILE", help="Show it a file; repeatable."),
    ] = None,
    system: model_request.System = "",
    schema: model_request.Schema = "",
    max_tokens: model_request.MaxTokens = 0,
    budget: model_request.Budget = 0,
    lane: job_request.LaneName = "P1",
    project: job_request.Project = "",
    timeout: options.Timeout = 0,
    as_json: options.AsJson = False,
) -> None:
    """Ask a model. The answer is stdout; who gave it, and what it cost, stands on stderr."""
    words = content_of("-") if question == "-" else question
    if not words.strip():
        raise BadInput("The question is empty.", remedy='helio ask "What is it?"')
    wanted: dict[str, Any] = {"prompt": words, "model": model, "tier": tier, "system": system}
    wanted |= {"conversation": conversation, "max_tokens": max_tokens, "budget_usd": budget}
    wanted |= {"schema": model_request.schema_of(schema) if schema else {}}
    request = {name: value for name, value in wanted.items() if value}
    request |= model_request.attached(file) if file else {}
    request |= {"backend": "llm", "lane": lane, "source": "cli"}
    request["project"] = project or project_here()  # also where its files lie elsewhere
    with reach.client() as client:
        job = client.ask("job.submit", {"jobs": [request]})["ids"][0]
        with patience.interruptible(job):
            live = not (as_json or schema)
            view = _live(client, job, timeout) if live else patience.wait_for(client, job, timeout)
    _end(view, as_json=as_json, shown=live)


def register(app: typer.Typer) -> None:
    """Put the command beside the nouns."""
    app.command(
        epilog=examples(
            'helio ask "What is a heliograph?"',
            'helio ask "Shorter." --conversation mirrors',
            'helio ask "What is wrong here?" --file trace.txt --file screen.png --tier ultra',
            'helio ask "Name it and count it." --schema shape.json',
        )
    )(ask)


def _live(client: Client, job: str, timeout_s: float) -> View:
    """Show the answer as it comes, and why it does not come."""
    tell = patience.Teller()
    if timeout_s:  # a stream has no end of its own to wait for
        view = patience.wait_for(client, job, timeout_s)
        voice.emit_text(str((view.get("result") or {}).get("text") or ""))
        return view

    def idle() -> None:
        tell(client.ask("job.show", {"id": job}))

    pieces = patience.output(client, job, follow=True, look_s=_LOOK_S, idle=idle)
    voice.emit_output(_with_last_line(pieces))
    return patience.wait_for(client, job)


def _with_last_line(pieces: Iterator[str]) -> Iterator[str]:
    """End the last line of what is shown, if anything is."""
    last = "\n"
    for last in pieces:
        yield last
    if not last.endswith("\n"):
        yield "\n"


def project_here() -> str:
    """Name the project that one stands in, as the house would: by the nearest git root."""
    here = Path.cwd()
    roots = (place for place in (here, *here.parents) if (place / ".git").exists())
    return next((root.name for root in roots if root.name), "default")


def _end(view: View, *, as_json: bool, shown: bool) -> None:
    """Say who answered; end with 1 where nobody did."""
    result = view.get("result") or {}
    if as_json:
        voice.emit_json(view)
    elif view["state"] == "succeeded":
        if not shown:
            voice.emit_text(str(result.get("text") or ""))
        voice.say(_signature(view), "bright_black")
    else:
        voice.say_end("Job", view)
    if view["state"] != "succeeded":
        raise typer.Exit(1)


def _signature(view: View) -> str:
    """Name the model, its provider, the cost and the time; and what was asked for instead."""
    result = view.get("result") or {}
    served = result.get("served") or {}
    who = str(served.get("model") or "A model")
    if provider := served.get("provider"):
        who += f" at {provider}"
    asked = str(served.get("asked") or BY_LANE)
    if served.get("substituted") and asked != BY_LANE:
        who += f" instead of {asked}"
    parts = [who, cost(view), age(view, voice.now_us())]
    if result.get("truncated"):
        parts.append("cut at its longest; raise --max-tokens")
    return ", ".join(part for part in parts if part)
