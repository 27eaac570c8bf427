"""`helio cost`: what model calls cost, by project, model, day, worker or provider."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from engine.durations import seconds
from engine.errors import BadInput
from interfaces import model_views as sight
from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.model_files import zone_of


class By(StrEnum):
    """What sums can be told by."""

    PROJECT = "project"
    MODEL = "model"
    DAY = "day"
    WORKER = "worker"
    PROVIDER = "provider"


_WHEN = "A day (2026-11-01), or a time back from now (7d)."


def cost(
    by: Annotated[By, typer.Option(metavar="WHAT", help=f"One of: {', '.join(By)}.")] = By.DAY,
    since: Annotated[str, typer.Option(metavar="DAY", help=f"{_WHEN} It counts.")] = "7d",
    until: Annotated[str, typer.Option(metavar="DAY", help="A day; it counts too.")] = "",
    project: Annotated[str, typer.Option(metavar="PROJECT", help="Only of this project.")] = "",
    as_json: options.AsJson = False,
) -> None:
    """Add up what model calls cost. Days are those of your time zone."""
    asked = {"by": str(by), "since": _day(since), "until": _day(until), "project": project}
    with reach.client() as client:
        answer = client.ask("cost.sum", {name: value for name, value in asked.items() if value})
    if as_json:
        voice.emit_json(answer)
        return
    voice.emit_table(sight.costs(by), answer["items"])
    if said := sight.total(answer["items"], answer["total"]):
        voice.say(f"Together: {said}", "bold")


def register(app: typer.Typer) -> None:
    """Put the command at the top level."""
    app.command(
        epilog=examples(
            "helio cost",
            "helio cost --by model --since 30d",
            "helio cost --by worker --project site --since 2026-11-01 --until 2026-11-07",
        )
    )(cost)


def _day(said: str) -> str:
    """Give an ISO day.

    Raises:
        BadInput: it is neither a day nor a length of time.
    """
    if not said or sight.is_day(said):
        return said
    try:
        back_s = seconds(said)
    except BadInput:
        raise BadInput(f"{said!r} is no day.", remedy="Write 2026-11-01, or 7d.") from None
    return sight.day_before(voice.now_us(), back_s, zone_of(reach.home()))
