"""`helio check`: what is wrong with the settings and models.toml, all at once, with its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from interfaces.cli import options, reach, voice
from interfaces.cli.teach import examples
from interfaces.model_files import judged, missing_keys
from interfaces.views import Column, Table
from routing.cataloguing.findings import Flaw
from store.config import Loaded, flat, read_settings
from store.config_sentences import Verdict
from store.home import Home

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
    """Check the settings and the models. Ends with 2 when something is wrong."""
    home = reach.home()
    loaded = read_settings(home)
    flaws = _models(home)
    if as_json:
        voice.emit_json(_as_json(loaded, flaws, show=show))
    else:
        if show and loaded.settings:
            voice.emit_table(SETTINGS, _rows(loaded))
        _tell(loaded, flaws)
    if loaded.settings is None or _broken(flaws):
        raise typer.Exit(_BROKEN)


def register(app: typer.Typer) -> None:
    """Put the command at the top level."""
    app.command(epilog=examples("helio check", "helio check --show", "helio check --json"))(check)


def _models(home: Home) -> list[Flaw]:
    """Judge models.toml, and look whether the keys that it names are there."""
    found = judged(home)
    flaws = list(found.flaws)
    for source in missing_keys(home, found.catalogue) if found.catalogue else ():
        kind, _, name = source.partition(":")
        remedy = (
            f"helio secret set {name}" if kind == "secret" else f"export {name} before helio up"
        )
        said = f"models.toml names {source}, which is not set. Remedy: {remedy}"
        flaws.append(Flaw(said, fatal=False))
    return flaws


def _broken(flaws: Sequence[Flaw]) -> bool:
    return any(flaw.fatal for flaw in flaws)


def _wrong(loaded: Loaded, flaws: Sequence[Flaw]) -> list[Verdict | Flaw]:
    return [*loaded.problems, *flaws]


def _tell(loaded: Loaded, flaws: Sequence[Flaw]) -> None:
    for problem in _wrong(loaded, flaws):
        head, style = ("error", "bold red") if problem.fatal else ("warning", "bold yellow")
        voice.labelled(head, problem.sentence, style)
    if loaded.settings is not None:
        voice.say("The settings can be used.", "green")
    if not _broken(flaws):
        voice.say("The models can be used.", "green")


def _rows(loaded: Loaded) -> list[dict[str, object]]:
    if loaded.settings is None:
        return []
    return [
        {"name": name, "value": _plain(value), "source": loaded.sources.get(name, "default")}
        for name, value in flat(loaded.settings)
    ]


def _as_json(loaded: Loaded, flaws: Sequence[Flaw], *, show: bool) -> dict[str, object]:
    wrong = _wrong(loaded, flaws)
    problems = [{"detail": one.sentence, "fatal": one.fatal} for one in wrong]
    good = loaded.settings is not None and not _broken(flaws)
    told: dict[str, object] = {"ok": good, "problems": problems}
    return told | ({"settings": _rows(loaded)} if show else {})


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
