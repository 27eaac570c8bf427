"""`helio decision ...`: what waits for the owner's word."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from engine.errors import BadInput
from engine.ids import ULID_LENGTH
from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.views import DECISIONS, ago, short

app = typer.Typer(no_args_is_help=True, help="Decisions: questions to you, each answered once.")
_LOOKED_AT = 500


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
    asked: dict[str, Any] = {"limit": limit, "state": "all" if every else "open"}
    asked |= {"cursor": cursor} if cursor else {}
    with reach.client() as client:
        answer = client.ask("decision.list", asked)
    voice.emit_list(answer, DECISIONS, as_json=as_json)


@app.command(epilog=examples("helio decision show 7tw3m0qa"))
def show(decision: options.DecisionId, as_json: options.AsJson = False) -> None:
    """Show one question and its options."""
    with reach.client() as client:
        view = client.ask("decision.show", {"id": _whole(client, decision)})
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
    body: dict[str, Any] = {"option": option, "by": "cli"}
    body |= {"version": version} if version else {}
    with reach.client() as client:
        view = client.ask("decision.answer", body | {"id": _whole(client, decision)})
    if as_json:
        voice.emit_json(view)
    else:
        voice.say(f"Decision {short(view['id'])}: {view.get('answer')}.")


def _whole(client: Client, ending: str) -> str:
    """Give the id that ends so; open questions go before settled ones.

    Raises:
        BadInput: several end so.
    """
    if len(ending) >= ULID_LENGTH:
        return ending
    for state in ("open", "all"):
        items = client.ask("decision.list", {"state": state, "limit": _LOOKED_AT})["items"]
        found = [str(item["id"]) for item in items if str(item["id"]).endswith(ending)]
        if len(found) > 1:
            raise BadInput(
                f"{len(found)} decisions end with {ending}.",
                remedy="Give more of its last characters.",
            )
        if found:
            return found[0]
    return ending
