"""A pipeline's run as it goes: one line a step with state, age and last output.

On a terminal the lines stay and change; elsewhere each change is a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.live import Live
from rich.table import Table
from rich.text import Text

from engine.errors import HelioError
from interfaces.cli import patience, voice
from interfaces.client import Client
from interfaces.views import COLOURS, TERMINAL, View, age, clean, label, short, standing

_LINE_CHARS = 60
_STEPS = 500
_FRAMES_PER_S = 8
_LOOK_S = 0.25
_MARKS: Mapping[str, str] = {"succeeded": "✓", "failed": "✗", "cancelled": "■", "skipped": "-"}


def follow(client: Client, run: str, timeout_s: float = 0) -> View:
    """Show a run until it is at rest; gives its last view."""
    voice.say(f"Run {short(run)}", "bold")
    seen, last = _Seen(client, run), {}
    with _display() as show:
        for view in patience.watch(client, run, timeout_s, look_s=_LOOK_S):
            last = dict(view)
            seen.look()
            show(seen)
    return last


@contextmanager
def _display() -> Iterator[Callable[[_Seen], None]]:
    """Give what shows the steps: lines that change on a terminal, new lines elsewhere."""
    console = voice.err()
    if not console.is_terminal:
        yield lambda seen: voice.say_lines(seen.news())
        return
    with Live(console=console, refresh_per_second=_FRAMES_PER_S) as live:
        yield lambda seen: live.update(seen.drawn())


def last_steps(pipeline: View) -> list[str]:
    """Name the steps that no other step needs or holds: their results are the run's."""
    steps: Mapping[str, Any] = pipeline.get("steps") or {}
    used = {name for step in steps.values() for name in _names_in(step)}
    return [name for name in steps if name not in used]


def work_of(job: View) -> str:
    """Say in a few words what a compiled step does."""
    spec = job.get("spec") or {}
    if "map" in spec:
        return f"map over {spec['map']['over']}"[:_LINE_CHARS]
    if job.get("members"):
        return f"{job['mode']} of {', '.join(job['members'])}"[:_LINE_CHARS]
    if wait := spec.get("wait"):
        return f"wait for {wait.get('signal') or wait.get('ask')}"[:_LINE_CHARS]
    return label({"spec": spec})


def _names_in(step: Any) -> Iterator[str]:
    if not isinstance(step, Mapping):
        return
    needs = step.get("needs") or []
    for need in [needs] if isinstance(needs, str) else needs:
        yield need if isinstance(need, str) else need.get("step", "")
    for word in ("all", "race", "any", "all_settled"):
        for member in step.get(word) or []:
            if isinstance(member, str):
                yield member


@dataclass(slots=True)
class _Seen:
    """What was shown of each step so far."""

    client: Client
    run: str
    steps: list[View] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def news(self) -> list[str]:
        """Give a line for each step whose state changed since the last call."""
        changed = [step for step in self.steps if self._changed(step)]
        changed.sort(key=lambda step: step.get("finished_at") or step.get("started_at") or 0)
        return [self._line(step) for step in changed]

    def drawn(self) -> Table:
        """Draw every step as it stands."""
        drawn = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for step in self.steps:
            state = str(step["state"])
            style = COLOURS.get(state, "")
            drawn.add_row(
                Text(_MARKS.get(state, "·"), style=style),
                Text(clean(step.get("step") or label(step))),
                Text(standing(step), style=style),
                Text(age(step, voice.now_us()) if step.get("started_at") else ""),
                Text(self._last(step), style="bright_black", overflow="ellipsis", no_wrap=True),
            )
        return drawn

    def look(self) -> None:
        """Ask how the steps stand, and listen to those that run."""
        asked = {"root": self.run, "limit": _STEPS, "newest": False}
        try:
            items = self.client.ask("job.list", asked)["items"]
        except HelioError:
            return  # the house may be restarting; the wait decides how long that is borne
        self.steps = [item for item in items if item["id"] != self.run]
        for step in self.steps:
            if step["state"] == "running":
                self._listen(step["id"])

    def _listen(self, job: str) -> None:
        try:
            piece = self.client.log(job, offset=self.offsets.get(job, 0))
        except HelioError:
            return
        self.offsets[job] = int(piece["next_offset"])
        if lines := str(piece["text"]).strip().splitlines():
            self.said[job] = lines[-1]

    def _changed(self, step: View) -> bool:
        now = standing(step)
        before = self.told.get(step["id"])
        self.told[step["id"]] = now
        return now != before and step["state"] in TERMINAL | {"running", "waiting"}

    def _line(self, step: View) -> str:
        took = age(step, voice.now_us()) if step.get("started_at") else ""
        name = clean(step.get("step") or label(step))
        return f"{name:<14}{standing(step):<22}{took:<8}{self._last(step)}".rstrip()

    def _last(self, step: View) -> str:
        """Give the last line of a step's result, or of what it has written so far."""
        text = str((step.get("result") or {}).get("text") or "").strip()
        if error := step.get("error"):
            text = str(error.get("message") or text)
        lines = text.splitlines() or [self.said.get(step["id"], "")]
        return clean(lines[-1])[:_LINE_CHARS]
