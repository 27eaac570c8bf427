"""`helio check`: what is wrong with the settings, all at once, and where each came from."""

from __future__ import annotations

from typing import Annotated

import typer

from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.views import Column, Table
from store.config import Loaded, flat, read_settings

_BROKEN = 2
SETTINGS = Table(
    (
        Column("SETTING", lambda row, _: str(row["name"])),
        Column("VALUE", lambda row, _: str(row["value"])),
        Column("FROM", lambda row, _: str(row["source"])),
    ),
    "There are no settings.",
)


def check(
    show: Annotated[bool, typer.Option("--show", help="Every setting and its source.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """Check the settings. Ends with 2 when something is wrong."""
    loaded = read_settings(reach.home())
    if as_json:
        voice.emit_json(_as_json(loaded, show=show))
    else:
        if show and loaded.settings:
            voice.emit_table(SETTINGS, _rows(loaded))
        _tell(loaded)
    if loaded.settings is None:
        raise typer.Exit(_BROKEN)


def register(app: typer.Typer) -> None:
    """Put the command at the top level."""
    app.command(epilog=examples("helio check", "helio check --show", "helio check --json"))(check)


def _tell(loaded: Loaded) -> None:
    for problem in loaded.problems:
        head, style = ("error", "bold red") if problem.fatal else ("warning", "bold yellow")
        voice.labelled(head, problem.sentence, style)
    if loaded.settings is not None:
        voice.say("The settings can be used.", "green")


def _rows(loaded: Loaded) -> list[dict[str, object]]:
    if loaded.settings is None:
        return []
    return [
        {"name": name, "value": _plain(value), "source": loaded.sources.get(name, "default")}
        for name, value in flat(loaded.settings)
    ]


def _as_json(loaded: Loaded, *, show: bool) -> dict[str, object]:
    problems = [{"detail": one.sentence, "fatal": one.fatal} for one in loaded.problems]
    told: dict[str, object] = {"ok": loaded.settings is not None, "problems": problems}
    return told | ({"settings": _rows(loaded)} if show else {})


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
