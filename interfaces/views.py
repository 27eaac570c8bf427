"""What a person is shown of a job, worker, decision: pure functions from JSON views to text.

They take the time as an argument, know no terminal and no colours but by name, and never trust
what they print: control characters in names and output of others are made visible.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import category

View = Mapping[str, Any]
SHORT = 8
_US = 1_000_000
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
_KIB = 1024
_SMALL_USD = 0.1  # a model call costs fractions of a cent

COLOURS: Mapping[str, str] = {
    "running": "cyan",
    "reviewing": "cyan",
    "ready": "blue",
    "waiting": "yellow",
    "delayed": "yellow",
    "blocked": "bright_black",
    "succeeded": "green",
    "unverified": "yellow",
    "failed": "red",
    "cancelled": "magenta",
    "skipped": "bright_black",
    "open": "yellow",
    "answered": "green",
    "expired": "magenta",
    "idle": "green",
    "dead": "red",
    "retired": "bright_black",
}
UNVERIFIED = "unverified"
HELD_UP = frozenset({"delayed", "blocked", "waiting"})
TERMINAL = frozenset({"succeeded", "failed", "cancelled", "skipped"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its head and how a row's cell is made."""

    head: str
    cell: Callable[[View, int], str]
    firm: bool = False  # never cut short, however narrow the terminal: what commands are given


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of list: its columns, and what to say when there is nothing in it."""

    columns: Sequence[Column]
    empty: str

    def rows(self, items: Sequence[View], now_us: int) -> list[list[str]]:
        """Give the cells of every item."""
        return [[clean(column.cell(item, now_us)) for column in self.columns] for item in items]

    def filled(self, rows: Sequence[Sequence[str]]) -> list[int]:
        """Say which columns have something in any row; the others need no room."""
        return [place for place in range(len(self.columns)) if any(row[place] for row in rows)]


def short(identity: object) -> str:
    """Give the last characters of an id, which is what lists show and every command takes."""
    return str(identity or "")[-SHORT:]


def clean(text: object) -> str:
    """Make control characters visible, so that no name can move the cursor."""
    return "".join(char if _is_harmless(char) else _escaped(char) for char in str(text))


def clean_lines(text: object) -> str:
    """Make control characters visible, but for line ends and tabs."""
    return "".join(
        char if char in "\n\t" or _is_harmless(char) else _escaped(char) for char in str(text)
    )


def _is_harmless(char: str) -> bool:
    return char.isprintable() or category(char) == "Zs"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def duration(seconds: float) -> str:
    """Say a length of time in at most two units: 0.4s, 12s, 3m 20s, 2h 5m, 4d 1h."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f}s"
    whole = int(seconds)
    for place, (size, unit) in enumerate(_UNITS):
        if whole >= size:
            below, below_unit = _UNITS[place + 1] if place + 1 < len(_UNITS) else (1, "s")
            rest = whole % size // below
            return f"{whole // size}{unit}" + (f" {rest}{below_unit}" if rest else "")
    return f"{whole}s"


def ago(at_us: int, now_us: int) -> str:
    """Say when something was or will be, relative to now; nothing for no time."""
    if not at_us:
        return ""
    away = (now_us - at_us) / _US
    return f"{duration(away)} ago" if away >= 0 else f"in {duration(-away)}"


def size(count: float) -> str:
    """Say a number of bytes."""
    for unit in _BYTES:
        if count < _KIB or unit == _BYTES[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= _KIB
    raise AssertionError("the last unit takes any number")


def label(job: View) -> str:
    """Name a job the way a person would: its name, its step, or what it runs."""
    if name := job.get("name") or job.get("step"):
        return str(name)
    spec = job.get("spec") or {}
    if run := spec.get("run"):
        return " ".join(map(str, run))[:60]
    wait = spec.get("wait") or {}
    awaits = f"wait for {wait['signal']}" if wait.get("signal") else wait.get("ask")
    work = spec.get("sh") or spec.get("prompt") or awaits
    said = str(work or job.get("mode") or job.get("kind") or "")
    return (said.splitlines() or [""])[0][:60]


def standing(job: View) -> str:
    """Say the state, with its reason or a pending cancel where there is one."""
    state = str(job.get("state", ""))
    if job.get("cancel_requested_at") and state not in TERMINAL:
        return f"{state} (cancelling)"
    reason = job.get("reason")
    if reason == UNVERIFIED:
        return UNVERIFIED  # a claim that nobody confirmed is not shown as done
    return f"{state} ({reason})" if reason else state


def age(job: View, now_us: int) -> str:
    """Say how long a job ran or has run, or how long it has been there."""
    started, finished = int(job.get("started_at") or 0), int(job.get("finished_at") or 0)
    since = started or int(job.get("created_at") or 0)
    return duration(((finished or now_us) - since) / _US) if since else ""


def cost(job: View) -> str:
    """Say what it cost, nothing for nothing."""
    spent = float(job.get("cost_usd") or 0)
    if 0 < spent < _SMALL_USD:
        return f"${spent:.4f}"
    return f"${spent:.2f}" if spent else ""


def place(directory: object) -> str:
    """Shorten a directory to its last two parts."""
    parts = str(directory or "").rstrip("/").split("/")
    return "/".join(parts[-2:]) if len(parts) > 3 else "/".join(parts)


def why(job: View) -> str:
    """Say in one sentence why a job ended as it did."""
    if said := str((job.get("error") or {}).get("message") or "").strip():
        return said if said.endswith((".", "!", "?")) else f"{said}."
    if unsure := [one["why"] for one in job.get("reviews") or [] if one.get("why")]:
        return str(unsure[-1])
    code = (job.get("result") or {}).get("exit_code")
    return f"It exited with {code}." if code else ""


def verified(job: View) -> str:
    """Say what the gate says of a deliverable; nothing of any other job."""
    if not (job.get("spec") or {}).get("requirements") or job.get("state") not in TERMINAL:
        return ""
    agrees = (job.get("result") or {}).get("verified")
    if agrees is None:
        return "no verdict that counts" if job.get("reason") == UNVERIFIED else ""
    by = (job.get("reviews") or [{}])[-1].get("families") or ()
    return ("yes" if agrees else "no") + (f", by {', '.join(map(str, by))}" if by else "")


def remedy(job: View) -> str:
    """Say what to do about a job that failed, where there is anything to do."""
    return str((job.get("error") or {}).get("remedy") or "")


def awaited(job: View) -> str:
    """Say what a waiting job waits for, as the command that gives it."""
    if job.get("state") != "waiting":
        return ""
    if name := (job.get("awaits") or {}).get("signal"):
        return f"helio job signal {short(job.get('id'))} {shlex.quote(str(name))}"
    asked = [one for one in job.get("decisions") or [] if one.get("state") == "open"]
    return "".join(
        f"helio decision answer {short(one['id'])} {'|'.join(map(str, one.get('options') or ()))}"
        for one in asked[:1]
    )


def held_up(job: View, now_us: int) -> str:
    """Say why a job does not go on, and when or by what it will; else nothing."""
    if job.get("state") not in HELD_UP:
        return ""
    parts = [f"Job {short(job.get('id'))} is {standing(job)}."]
    if job.get("state") == "delayed":
        parts += [why(job), f"It goes on {ago(at, now_us)}." if (at := _due(job)) else ""]
    if gives := awaited(job):
        parts.append(f"It waits for: {gives}")
    return " ".join(filter(None, parts))


def _due(job: View) -> int:
    return int(job.get("run_at") or 0)


def _plain(key: str) -> Callable[[View, int], str]:
    return lambda item, _now: str(item.get(key) or "")


def _when(key: str) -> Callable[[View, int], str]:
    return lambda item, now: ago(int(item.get(key) or 0), now)


ID = Column("ID", lambda item, _: short(item.get("id")), firm=True)
STATE = Column("STATE", lambda item, _: standing(item), firm=True)

JOBS = Table(
    (
        ID,
        Column("P", _plain("lane"), firm=True),
        STATE,
        Column("AGE", age, firm=True),
        Column("BACKEND", lambda job, _: str(job.get("mode") or job.get("backend") or "")),
        Column("WHERE", lambda job, _: place(job.get("cwd"))),
        Column("NAME", lambda job, _: label(job)),
    ),
    "No jobs yet. Try: helio job submit -- echo hello",
)
STEPS = Table(
    (Column("STEP", lambda job, _: label(job), firm=True), ID, STATE, Column("AGE", age)),
    "It has no steps.",
)
ATTEMPTS = Table(
    (
        Column("EPOCH", _plain("epoch"), firm=True),
        Column("OUTCOME", lambda one, _: str(one.get("outcome") or "running")),
        Column("STARTED", _when("started_at"), firm=True),
        Column("SESSION", _plain("session")),
    ),
    "It was not tried yet.",
)
REVIEWS = Table(
    (
        Column("ROUND", _plain("round"), firm=True),
        Column(
            "VERDICT", lambda one, _: str(one.get("verdict") or one.get("outcome") or "under way")
        ),
        Column("BY", lambda one, _: ", ".join(map(str, one.get("families") or ()))),
        Column("JOB", lambda one, _: short(one.get("review")), firm=True),
        Column("REASONS", lambda one, _: "; ".join(map(str, one.get("reasons") or ()))),
    ),
    "Nobody has reviewed it.",
)


def _asked(call: View) -> str:
    """Say what was asked for where another model answered; "auto" asks for none by name."""
    asked = str(call.get("asked") or "")
    return asked if call.get("substituted") and asked != "auto" else ""


CALLS = Table(
    (
        Column("WHEN", _when("at"), firm=True),
        Column("MODEL", _plain("model")),
        Column("ASKED", lambda one, _: _asked(one)),
        Column("PROVIDER", _plain("provider")),
        Column("END", lambda one, _: "ok" if one.get("ok") else str(one.get("fault") or "failed")),
        Column("TOKENS", lambda one, _: f"{one.get('input', 0)} + {one.get('output', 0)}"),
        Column("COST", lambda one, _: f"${float(one.get('usd') or 0):.4f}", firm=True),
    ),
    "It called no model.",
)
WORKERS = Table(
    (
        Column("NAME", _plain("name"), firm=True),
        STATE,
        Column("BACKEND", _plain("backend")),
        Column("JOBS", _plain("jobs"), firm=True),
        Column("USED", _when("used_at"), firm=True),
        Column("DIRECTORY", _plain("directory")),
    ),
    "No workers yet. The first job makes one: helio job submit -- echo hello",
)
PROJECTS = Table(
    (
        Column("ID", _plain("id"), firm=True),
        Column("NAME", _plain("name")),
        Column("BACKEND", _plain("backend")),
        Column("LANE", lambda item, _: "" if item.get("lane") is None else str(item["lane"])),
        Column("ROOTS", lambda item, _: ", ".join(map(str, item.get("roots") or ()))),
    ),
    "No projects yet. Try: helio project add site --root ~/work/site",
)
ARTEFACTS = Table(
    (
        Column("NAME", _plain("name"), firm=True),
        Column("SIZE", lambda item, _: size(int(item.get("size_bytes") or 0))),
        Column("TYPE", _plain("media_type")),
        Column("WRITTEN", _when("created_at"), firm=True),
    ),
    "It left no files. What it wrote: helio job logs JOB",
)
DECISIONS = Table(
    (
        ID,
        STATE,
        Column("ASKED", _when("created_at"), firm=True),
        Column("DEADLINE", _when("deadline_at"), firm=True),
        Column("OPTIONS", lambda item, _: " | ".join(map(str, item.get("options") or ()))),
        Column("QUESTION", lambda one, _: " ".join(str(one.get("question") or "").split())),
    ),
    "Nothing waits for you.",
)
