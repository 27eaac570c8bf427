"""`helio model ...`: which language models there are, how they stand, and opening and closing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from engine.durations import seconds
from engine.errors import BadInput, Conflict, HelioError
from interfaces import model_views as sight
from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.model_draft import draft
from interfaces.model_files import missing_keys, zone_of
from routing.catalogue import read_catalogue
from routing.presets import presets
from store.durable import make_private_directory, write_durably

app = typer.Typer(no_args_is_help=True, help="Models: what can be called, and how it stands.")


def _names(incomplete: str) -> list[str]:
    return sorted(set(reach.names("model.list", "model", incomplete)))


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A model, a provider, PROVIDER/KEY or PROVIDER/KEY/ID.",
        autocompletion=_names,
    ),
]


@app.command("list", epilog=examples("helio model list", "helio model list --json"))
def list_(as_json: options.AsJson = False) -> None:
    """List models with each key of each provider: tier, price, today's calls, state."""
    zone, now = zone_of(reach.home()), voice.now_us()
    with reach.client() as client:
        answer = client.ask("model.list")
        spent = {} if as_json else _today(client, sight.day(now, zone))
    if as_json:
        voice.emit_json(answer)
        return
    voice.emit_table(sight.models(now, zone, spent), answer["items"])
    _warn(answer)


@app.command(epilog=examples("helio model show claude-opus-5-5", "helio model show anthropic"))
def show(name: Name, as_json: options.AsJson = False) -> None:
    """Show everything about a model, a provider or a key: limits, speed, state."""
    with reach.client() as client:
        answer = client.ask("model.show", {"name": name})
    if as_json:
        voice.emit_json(answer)
        return
    zone, now = zone_of(reach.home()), voice.now_us()
    for place, candidate in enumerate(answer["candidates"]):
        if place:
            voice.emit("\n")
        voice.emit_fields(sight.details(candidate, now, zone))


@app.command(
    "test", epilog=examples("helio model test claude-haiku-5-5", "helio model test anthropic")
)
def try_out(name: Name, as_json: options.AsJson = False) -> None:
    """Make one short real call to each. Ends with 1 when one of them does not answer."""
    with reach.client() as client:
        answer = client.ask("model.test", {"name": name})
    if as_json:
        voice.emit_json(answer)
    else:
        voice.emit_table(sight.TRIES, answer["tries"])
        for remedy in dict.fromkeys(filter(None, map(sight.remedy_of, answer["tries"]))):
            voice.labelled("remedy", remedy, "bold")
    if not all(tried.get("ok") for tried in answer["tries"]):
        raise typer.Exit(1)


@app.command(
    epilog=examples("helio model trip gpt-6-astra --for 10m", "helio model trip openai --for 2h")
)
def trip(
    name: Name,
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long: 90s, 10m, 2h, 1d.")
    ] = "1h",
    as_json: options.AsJson = False,
) -> None:
    """Close by hand: nothing is asked there for a while."""
    with reach.client() as client:
        answer = client.ask("model.trip", {"name": name, "for_s": seconds(duration)})
    if as_json:
        voice.emit_json(answer)
        return
    until = sight.clock(int(answer["until"]), voice.now_us(), zone_of(reach.home()))
    voice.say(f"Closed until {until}: {_matched(answer)}. Open: helio model reset {name}")


@app.command(epilog=examples("helio model reset openai"))
def reset(name: Name, as_json: options.AsJson = False) -> None:
    """Open again: forget rate limits, failures and closing by hand."""
    with reach.client() as client:
        answer = client.ask("model.reset", {"name": name})
    if as_json:
        voice.emit_json(answer)
    else:
        voice.say(f"Open: {_matched(answer)}. What waited for it goes on.")


@app.command(epilog=examples("helio model reload"))
def reload(as_json: options.AsJson = False) -> None:
    """Take models.toml over now. A running house also notices a change by itself."""
    read_catalogue(_text())  # what is wrong is said here, where the file is
    with reach.client() as client:
        answer = client.ask("model.reload")
    if as_json:
        voice.emit_json(answer)
    elif not _warn(answer):
        said = "is in force now" if answer.get("changed") else "was in force already"
        voice.say(f"models.toml {said}.")


@app.command(
    epilog=examples("helio model init anthropic openai", "helio model init ollama --force")
)
def init(
    preset: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PRESET]...", help=f"Any of: {', '.join(presets())}."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that is there.")] = False,
) -> None:
    """Write a first models.toml: the named presets in force, all others as comments."""
    chosen = preset or []
    for name in chosen:
        if name not in presets():
            raise BadInput(
                f"There is no preset {name!r}.", remedy=f"There are: {', '.join(presets())}"
            )
    home = reach.home()
    if home.models.exists() and not force:
        raise Conflict(f"{home.models} is there already.", remedy="Edit it, or say --force.")
    make_private_directory(home.root)
    text = draft(chosen)
    write_durably(home.models, text.encode())
    voice.say(f"Written: {home.models}")
    for source in missing_keys(home, read_catalogue(text)):
        voice.say(f"Next: helio secret set {source.partition(':')[2]}")
    if not chosen:
        voice.say("Next: uncover a provider in it, or say one here: helio model init anthropic")


def _matched(answer: Mapping[str, Any]) -> str:
    """Name what a name meant, as the other commands take it."""
    return ", ".join(name.rpartition(":")[2] for name in answer["matched"])


def _text() -> str:
    """Read models.toml; where there is none, there are no models."""
    path = reach.home().models
    return path.read_text() if path.exists() else ""


def _today(client: Client, day: str) -> Mapping[str, Any]:
    """Give today's sums by model; a list without them is better than none."""
    try:
        sums = client.ask("cost.sum", {"by": "model", "since": day})
    except HelioError:
        return {}
    return {str(one["key"]): one for one in sums["items"]}


def _warn(answer: Mapping[str, Any]) -> bool:
    """Tell what keeps models.toml as it stands from being in force."""
    if problem := answer.get("problem"):
        said = f"{problem['detail']} The last good one stays in force."
        voice.labelled("warning", said, "bold yellow")
    if answer.get("halted"):
        voice.labelled("warning", "Halted: nothing is called. Lift it: helio resume", "bold yellow")
    return bool(problem)
