"""The settings as they stand: defaults, then home/config.toml, then the environment.

The only reader of the environment. A setting `store.synchronous` is `[store] synchronous = ...`
in the file and HELIOGRAPH_STORE__SYNCHRONOUS in the environment; lists and tables are JSON there.
Everything wrong is found at once and said in full sentences that name the place. What the
settings mean, this module does not know, but for a few that contradict each other
(`store.config_sentences`).
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from engine.errors import BadInput
from engine.settings import Settings
from store.config_sentences import Verdict, contradictions, sentence_of
from store.home import Home

PREFIX = "HELIOGRAPH_"
HOME_VARIABLE = "HELIOGRAPH_HOME"
DEFAULT_HOME = "~/.heliograph"
_HEADER = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w.-]+)\s*=")


class BadSettings(BadInput):
    """The settings cannot be used as they are; every problem is listed."""

    slug, title = "bad-settings", "The settings cannot be used"

    def __init__(self, problems: tuple[Verdict, ...]) -> None:
        super().__init__(
            " ".join(problem.sentence for problem in problems),
            remedy="Correct them, then look again: helio check",
            problems=[problem.sentence for problem in problems],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings (None when a problem is fatal), where each came from, and what is wrong."""

    settings: Settings | None
    sources: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class _Given:
    """Values somebody set, as a nested dict, with the place of each dotted name."""

    tree: dict[str, Any]
    places: dict[str, str]


def find_home(environ: Mapping[str, str] | None = None) -> Home:
    """Give $HELIOGRAPH_HOME, or ~/.heliograph where that is not set."""
    known = os.environ if environ is None else environ
    return Home.at(known.get(HOME_VARIABLE) or DEFAULT_HOME)


def variable(name: str) -> str | None:
    """Give a variable that the owner named in a file of the home (``env:NAME``)."""
    return os.environ.get(name)


def load_settings(home: Home, environ: Mapping[str, str] | None = None) -> Settings:
    """Give the settings of a home.

    Raises:
        BadSettings: something is wrong; the error lists all of it.
    """
    loaded = read_settings(home, environ)
    if loaded.settings is None:
        raise BadSettings(tuple(problem for problem in loaded.problems if problem.fatal))
    return loaded.settings


def read_settings(home: Home, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read and judge everything; raise nothing."""
    from_file, unreadable = _from_file(home)
    if unreadable:
        return Loaded(settings=None, problems=(Verdict(unreadable),))
    from_environment = _from_environment(os.environ if environ is None else environ)
    tree = _merged(from_file.tree, from_environment.tree)
    places = from_file.places | from_environment.places
    try:
        settings = Settings.model_validate(tree)
    except ValidationError as fault:
        said = (sentence_of(error, places) for error in fault.errors(include_url=False))
        return Loaded(settings=None, sources=places, problems=tuple(map(Verdict, said)))
    problems = list(contradictions(settings))
    problems += _readable_by_others(home)
    broken = any(problem.fatal for problem in problems)
    sources = {name: places.get(name, "default") for name, _ in flat(settings)}
    return Loaded(settings=None if broken else settings, sources=sources, problems=tuple(problems))


def flat(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Give every setting as (dotted name, value), in the order of the tree."""
    yield from _flattened("", settings.model_dump())


def _flattened(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flattened(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _from_file(home: Home) -> tuple[_Given, str]:
    nothing = _Given({}, {})
    try:
        text = home.config.read_text()
        tree = tomllib.loads(text)
    except FileNotFoundError:
        return nothing, ""
    except tomllib.TOMLDecodeError as fault:
        return nothing, f"{home.config} is not valid TOML: {fault}."
    except (OSError, UnicodeDecodeError) as fault:
        return nothing, f"{home.config} cannot be read: {fault}."
    lines = _lines(text)
    return _Given(tree, {name: f"config.toml line {at}" for name, at in lines.items()}), ""


def _lines(text: str) -> dict[str, int]:
    """Find the line of each section and key; TOML values over several lines count once."""
    found: dict[str, int] = {}
    section = ""
    for at, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = header[1]
            found.setdefault(section, at)
        elif key := _KEY.match(line):
            found.setdefault(f"{section}.{key[1]}".lstrip("."), at)
    return found


def _from_environment(environ: Mapping[str, str]) -> _Given:
    """Take HELIOGRAPH_SECTION__NAME; names without `__` are no settings."""
    tree: dict[str, Any] = {}
    places: dict[str, str] = {}
    for variable, text in sorted(environ.items()):
        *sections, name = variable.removeprefix(PREFIX).lower().split("__")
        if variable.startswith(PREFIX) and sections:
            value: Any = {name: _value(text)}
            for section in reversed(sections):
                value = {section: value}
            tree = _merged(tree, value)
            places[".".join((*sections, name))] = variable
    return _Given(tree, places)


def _value(text: str) -> Any:
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        match merged.get(name), value:
            case dict() as beneath, dict():
                merged[name] = _merged(beneath, value)
            case _:
                merged[name] = value
    return merged


def _readable_by_others(home: Home) -> list[Verdict]:
    try:
        mode = home.config.stat().st_mode & 0o777
    except OSError:
        return []
    if not mode & 0o077:
        return []
    said = f"{home.config} has mode {mode:04o}, so others may read it. Remedy: chmod 600 it."
    return [Verdict(said, fatal=False)]
