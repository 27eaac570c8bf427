"""The house as a whole: up, down, status, halt, pause, resume, open."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.text import Text

from engine.errors import Unavailable
from engine.tickets import Purpose, issue
from interfaces import control
from interfaces.cli import options, reach, rise, voice
from interfaces.cli.patience import INTERRUPTED
from interfaces.cli.teach import examples
from interfaces.client import Unreachable, token_of
from interfaces.model_files import judged, unready
from interfaces.views import ago, size
from store.config import load_settings
from store.home import Home

_DOWN_S = 120.0
_ORDER_S = 60.0
_TICKET_S = 300
_NONCE_BYTES = 8


def up(as_json: options.AsJson = False) -> None:
    """Start Heliograph and wait until it is ready. Where it runs already, say how it is."""
    home = reach.home()
    load_settings(home)  # a wrong setting is said here, not in a log
    going_on = "It goes on starting without you. Look: helio status"
    with _interruptible(going_on), _progress("Waking up ...", quiet=as_json) as tell:
        rise.ensure(home, tell)
    _show(_status(), as_json=as_json)


def down(
    timeout: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for the end.")
    ] = _DOWN_S,
) -> None:
    """Stop Heliograph and leave no process. Jobs go on at the next start.

    Running jobs get a short while to end (house.drain_s); a second `helio down` gives them none.
    """
    going_on = "It goes on stopping without you. Look: helio status"
    with _interruptible(going_on), _progress("Stopping ...", quiet=False) as tell:
        stopped = rise.stop(reach.home(), timeout, tell)
    voice.say("Heliograph is down." if stopped else "Heliograph was not running.")


def status(as_json: options.AsJson = False) -> None:
    """Show whether it runs and how busy it is. Ends with 4 when it does not run."""
    _show(_status(), as_json=as_json)


def halt(as_json: options.AsJson = False) -> None:
    """Stop all jobs and model calls at once. This holds over restarts, until resume."""
    answer = _order("halt")
    if as_json:
        voice.emit_json(answer)
    else:
        voice.say("Halted: nothing runs and nothing starts. Lift it: helio resume")


def pause(as_json: options.AsJson = False) -> None:
    """Start no new job; what runs goes on."""
    with reach.client() as client:
        answer = client.ask("house.pause", {"by": "cli"})
    if as_json:
        voice.emit_json(answer)
    else:
        voice.say("Paused: no new job starts. Lift it: helio resume")


def resume(as_json: options.AsJson = False) -> None:
    """Lift a halt or a pause."""
    answer = _order("resume")
    if as_json:
        voice.emit_json(answer)
    else:
        voice.say("Jobs start again.")


def open_(
    *,
    ray: Annotated[bool, typer.Option("--ray", help="Ray's own dashboard instead.")] = False,
    show_token: Annotated[
        bool, typer.Option("--show-token", help="Print the token as well: keep it secret.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Print the address of the pages. The link lets one browser in, once, for five minutes."""
    home = reach.home()
    places = control.ports(home)
    if not places:
        raise Unreachable(f"No Heliograph runs for {home.root}.", remedy="Start it: helio up")
    token_file = home.ray_token if ray else home.token
    url = places["dashboard"] if ray else f"{places['api']}/#ticket={_ticket(token_of(home))}"
    told = {"url": url, "token file": str(token_file)}
    if show_token:
        told["token"] = token_file.read_text().strip()
    if as_json:
        voice.emit_json({name.replace(" ", "_"): value for name, value in told.items()})
        return
    voice.emit_fields(told)
    if ray and not show_token:
        voice.say("It asks for the token: add --show-token, or read the file.", "bright_black")


def _ticket(token: str) -> str:
    ends_at = voice.now_us() + _TICKET_S * 1_000_000
    return issue(token, Purpose.LOGIN, ends_at, secrets.token_hex(_NONCE_BYTES))


def register(app: typer.Typer) -> None:
    """Put the house's commands at the top level."""
    app.command(epilog=examples("helio up", "helio --home /srv/helio up"))(up)
    app.command(epilog=examples("helio down", "helio down --timeout 300"))(down)
    app.command(epilog=examples("helio status", "helio status --json"))(status)
    app.command(epilog=examples("helio halt"))(halt)
    app.command(epilog=examples("helio pause"))(pause)
    app.command(epilog=examples("helio resume"))(resume)
    app.command("open", epilog=examples("helio open", "helio open --ray --show-token"))(open_)


@contextmanager
def _interruptible(going_on: str) -> Iterator[None]:
    """Tell whoever stops watching with Ctrl-C what happens nevertheless."""
    try:
        yield
    except KeyboardInterrupt:
        voice.say(going_on)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _progress(first: str, *, quiet: bool) -> Iterator[Callable[[rise.Phase], None]]:
    """Tell phases: one moving line on a TTY, one plain line each elsewhere."""
    console = voice.err()

    def line(phase: rise.Phase) -> str:
        return str(phase.get("detail") or rise.TITLES.get(phase["phase"], phase["phase"]))

    if quiet or not console.is_terminal:
        yield (lambda _: None) if quiet else (lambda phase: voice.say(line(phase)))
        return
    with console.status(first) as moving:
        yield lambda phase: moving.update(Text(line(phase)))


def _status() -> dict[str, Any]:
    with _supervisor() as home:
        return control.ask(home, {"do": "status", "memory": True}) | control.ports(home)


def _order(word: str) -> dict[str, Any]:
    with _supervisor() as home:
        return control.ask(home, {"do": word, "by": "cli"}, _ORDER_S)


@contextmanager
def _supervisor() -> Iterator[Home]:
    """Speak to the supervisor of this home, or say that there is none."""
    home = reach.home()
    try:
        yield home
    except Unavailable:
        if rise.running(home):
            raise
        raise Unreachable(
            f"No Heliograph runs for the home {home.root}.", remedy="Start it: helio up"
        ) from None


def _show(told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        voice.emit_json(told)
        return
    house = told.get("house") or {}
    now = voice.now_us()
    # while it starts or stops, that the actors do not answer is no problem
    problem = (told.get("house_problem") or {}) if told.get("phase") in rise.STANDING else {}
    voice.emit_fields(
        {
            "Heliograph": f"{told.get('version', '')} {_standing(told, house)}".strip(),
            "since": ago(int(told.get("at") or 0), now),
            "home": told.get("home"),
            "pages": told.get("api"),
            "docs": f"{told['api']}/docs" if told.get("api") else "",
            "models": _models(str(told.get("home") or ""), told.get("models_problem") or {}),
            "slots": f"{house['running']} of {house['slots']} busy" if house else "",
            "jobs": _counts(house.get("counts") or {}),
            "your word": _asked(house),
            "processes": told.get("processes"),
            "memory": size(told["memory_bytes"]) if told.get("memory_bytes") else "",
            "restarts": ", ".join(f"{k} {v}" for k, v in (told.get("restarts") or {}).items() if v),
            "problem": problem.get("detail"),
            "remedy": problem.get("remedy"),
        }
    )


def _standing(told: Mapping[str, Any], house: Mapping[str, Any]) -> str:
    if told.get("halted") or house.get("halted_at"):
        return "halted (helio resume lifts it)"
    if house.get("paused_at"):
        return "paused (helio resume lifts it)"
    return rise.TITLES.get(str(told.get("phase")), str(told.get("phase"))).lower()


def _models(home: str, problem: Mapping[str, Any]) -> str:
    """Say in one line what keeps models from being called, where anything does."""
    if problem:
        return f"{problem.get('detail', '')} {problem.get('remedy', '')}".strip()
    if not home:
        return ""
    found = judged(Home.at(home))
    if found.catalogue is None:
        return "models.toml cannot be used: helio check"
    said = unready(found.catalogue)
    return f"{said[0]}. {said[1]}" if said else ""


def _asked(house: Mapping[str, Any]) -> str:
    open_ones = int(house.get("open_decisions") or 0)
    if not open_ones:
        return ""
    waits = "1 question waits" if open_ones == 1 else f"{open_ones} questions wait"
    return f"{waits} for you: helio decision list"


def _counts(counts: Mapping[str, Any]) -> str:
    """Sum the lanes of each state: `3 running, 12 ready`."""
    sums = {
        state: sum(lanes.values()) if isinstance(lanes, Mapping) else int(lanes)
        for state, lanes in counts.items()
    }
    return ", ".join(f"{count} {state}" for state, count in sums.items() if count)
