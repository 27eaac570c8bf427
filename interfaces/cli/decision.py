"""`helio decision ...`: what waits for the owner's word."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.views import DECISIONS, ago, short

app = typer.Typer(no_args_is_help=True, help="Decisions: questions to you, each answered once.")


@app.command(
    "list", epilog=examples("helio decision list", "helio decision list --all --limit 50 --json")
)
def list_(
    every: Annotated[bool, typer.Option("--all", help="Answered and expired ones too.")] = False,
    limit: options.Limit = 20,
    cursor: options.Cursor = "",
    as_json: options.AsJson = False,
) -> None:
    """List what waits for you."""
    asked: dict[str, Any] = {"limit": limit}
    asked |= {} if every else {"state": "open"}
    asked |= {"cursor": cursor} if cursor else {}
    with reach.client() as client:
        answer = client.ask("decision.list", asked)
    voice.emit_list(answer, DECISIONS, as_json=as_json)


@app.command(epilog=examples("helio decision show 7tw3m0qa"))
def show(decision: options.DecisionId, as_json: options.AsJson = False) -> None:
    """Show one question and its options."""
    with reach.client() as client:
        view = client.ask("decision.show", {"id": decision})
    if as_json:
        voice.emit_json(view)
        return
    now = voice.now_us()
    voice.emit_fields(
        {
            "id": view["id"],
            "question": view.get("question"),
            "options": " | ".join(view.get("options") or []),
            "state": view.get("state"),
            "answer": view.get("answer"),
            "by": view.get("answered_by"),
            "risk": view.get("risk"),
            "job": short(view.get("job")),
            "asked": ago(view.get("created_at") or 0, now),
            "deadline": ago(view.get("deadline_at") or 0, now),
            "default": view.get("default"),
        }
    )


@app.command(epilog=examples("helio decision answer 7tw3m0qa yes"))
def answer(
    decision: options.DecisionId,
    option: Annotated[str, typer.Argument(metavar="OPTION", help="One of its options.")],
    version: Annotated[
        int | None, typer.Option(metavar="N", help="Refuse if it changed since this version.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Answer a question, once. A second answer is told so and ends with 6."""
    body: dict[str, Any] = {"id": decision, "option": option, "by": "cli"}
    with reach.client() as client:
        view = client.ask("decision.answer", body | ({"version": version} if version else {}))
    if as_json:
        voice.emit_json(view)
    else:
        voice.say(f"Decision {short(view['id'])}: {view.get('answer')}.")
