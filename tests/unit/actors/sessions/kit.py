"""What the tests of a session have in common: ports in memory, and waiting with a deadline."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from actors.clock import SystemClock
from actors.session import Outside, Session
from engine.errors import NotFound, Unavailable
from engine.messages import Order, Report, ReportKind
from engine.outcomes import Outcome, from_wire
from engine.prompts import WORDS
from store.home import Home

PATIENCE_S = 20.0


async def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Give the condition's value as soon as it is true."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not (value := condition()):
                await asyncio.sleep(0.003)
            return value
    except TimeoutError:
        raise AssertionError(f"{what} did not come true") from None


class MovedClock:
    """Real time plus what the test moved it by."""

    def __init__(self) -> None:
        self._real = SystemClock()
        self.moved_s = 0.0

    def now(self) -> int:
        return self._real.now() + int(self.moved_s * 1_000_000)

    def monotonic(self) -> float:
        return self._real.monotonic() + self.moved_s


class Desk:
    """A report desk that keeps what it took, and can be away or deaf."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.failures = 0  # so many calls fail first
        self.calls = 0
        self.answers: dict[str, Any] = {}  # to queries, by their name
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def report(
        self, session: str, incarnation: str, reports: Sequence[Mapping[str, Any]]
    ) -> bool:
        self.calls += 1
        if self.failures:
            self.failures -= 1
            if self.failures % 2:
                return False
            raise Unavailable("The dispatcher is away.")
        self.reports += [Report.from_wire(body) for body in reports]
        return True

    async def query(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((name, dict(body)))
        if name not in self.answers:
            raise NotFound(f"Nothing was scripted for {name}.")
        return dict(self.answers[name])

    def turns(self, job: str) -> list[dict[str, Any]]:
        mine = [r for r in self.reports if r.job == job and r.kind is ReportKind.OUTCOME]
        return list(mine[0].data.get("turns", ()))

    def outcomes(self, job: str) -> list[Outcome]:
        return [
            from_wire({key: value for key, value in r.data.items() if key != "turns"})
            for r in self.reports
            if r.job == job and r.kind is ReportKind.OUTCOME
        ]

    async def outcome(self, job: str) -> Outcome:
        return (await until(lambda: self.outcomes(job), f"an outcome of {job}"))[0]

    async def started(self, job: str) -> int:
        def pids() -> list[int]:
            mine = [r for r in self.reports if r.job == job and r.kind is ReportKind.STARTED]
            return [r.data["pid"] for r in mine]

        return (await until(pids, f"the start of {job}"))[0]


class Hub:
    """A hub that keeps what was published."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> None:
        self.events += [dict(event) for event in events]

    async def after(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        raise NotImplementedError

    async def metrics(self) -> str:
        raise NotImplementedError

    def text(self, job: str) -> str:
        return "".join(e["data"]["text"] for e in self.events if e["subject"] == job)


class OpenBook:
    """Secrets in memory, and a redactor that redacts nothing."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})

    def read(self, name: str) -> str:
        if name not in self.values:
            raise NotFound(f"No secret {name} is set.", remedy=f"helio secret set {name}")
        return self.values[name]

    def redactor(self) -> OpenBook:
        return self

    def feed(self, text: str) -> str:
        return text

    def flush(self) -> str:
        return ""


class House:
    """A home with a desk, a hub and a clock, in which sessions can live."""

    def __init__(self, root: Path, settings: str = "") -> None:
        self.home = Home.at(root)
        self.home.root.mkdir(parents=True, exist_ok=True)
        self.home.config.write_text(settings)
        self.home.config.chmod(0o600)
        self.desk, self.hub, self.clock = Desk(), Hub(), MovedClock()
        self.book: Any = OpenBook()
        self.router: Any = None

    def session(self, name: str = "session/test-0123456789", directory: str = "") -> Session:
        outside = Outside(
            clock=self.clock,
            find_desk=lambda: self.desk,
            find_hub=lambda: self.hub,
            find_router=lambda: self.router,
            open_secrecy=lambda _: self.book,
        )
        return Session(name, str(self.home.root), directory, outside)

    def log(self, job: str, epoch: int = 1) -> str:
        return self.home.log_of(job, epoch).read_text()


def order(job: str = "j1", epoch: int = 1, **fields: Any) -> dict[str, Any]:
    """Make an order; `run` and `sh` go into its payload."""
    payload = {key: fields.pop(key) for key in tuple(fields) if key in PAYLOAD}
    return Order(job=job, epoch=epoch, payload=payload, **fields).to_wire()


PAYLOAD = {"run", "sh", "env", "env_files", "stdin", *WORDS, "prompt"}


def marked(mark: str) -> list[int]:
    """List living processes whose arguments or environment hold this text."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark.encode() in about and state != "Z" and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found
