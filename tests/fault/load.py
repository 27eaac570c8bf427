"""Clients that never rest, and the history they write as Jepsen does: ok, fail or info.

Each client is a thread with a connection of its own, which submits jobs, groups, pipelines and
waits, answers questions, sends signals, cancels, and repeats requests under their old keys.
An answer that never came is `info`: it may have happened or not, and is asked for again later.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from time import monotonic
from typing import Any, Self

import httpx

from engine.errors import BadInput, Conflict, Denied, HelioError, NotFound
from engine.jobs import TERMINAL
from interfaces.client import Client
from store.home import Home
from tests.checks import Op
from tests.fault.effects import EffectLog

LANES = ("P0", "P1", "P2", "P3", "P4", "P5")
GROUPS = ("all", "race", "any", "all_settled")
_REFUSALS = (BadInput, Conflict, Denied, NotFound)
_ANSWER_S = 5.0
_PAUSE_S = (0.3, 1.0)


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that may be sent more than once."""

    name: str
    word: str
    body: Mapping[str, Any]
    key: str = ""


class Load:
    """Everything that clients do to one house, and what they were told."""

    def __init__(
        self, home: Home, effects: EffectLog, directories: Sequence[str], rng: Random, clients: int
    ) -> None:
        self.ops: list[Op] = []
        self.acked: dict[str, float] = {}  # job id: when the client knew
        self.home = home
        self._effects = effects
        self._directories = directories
        self._rng = rng
        self._numbers = count(1)
        self._unsure: list[Wish] = []
        self._sent: list[Wish] = []
        self._waits: list[str] = []
        self._signalled: set[str] = set()
        self._over = threading.Event()
        self._turns = [threading.Lock() for _ in range(clients)]
        self._threads = [
            threading.Thread(target=self._live, args=(turn,), daemon=True) for turn in self._turns
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Send the clients home."""
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let every client finish its request and wait, so that the history stands still."""
        with contextlib.ExitStack() as stack:
            for turn in self._turns:
                stack.enter_context(turn)
            yield

    # -- one client ---------------------------------------------------------------------------
    def _live(self, turn: threading.Lock) -> None:
        client = connect(self.home)
        actions = (
            (8, self._one), (2, self._group), (2, self._chain), (1, self._pipeline),
            (1, self._wait), (2, self._signal), (2, self._decide), (1, self._cancel),
            (2, self._repeat),
        )  # fmt: skip
        weights = [weight for weight, _ in actions]
        while not self._over.wait(self._rng.uniform(*_PAUSE_S)):
            with turn:
                action: Callable[[Client], None] = self._rng.choices(actions, weights)[0][1]
                action(client)
        client.close()

    def send(self, client: Client, wish: Wish) -> Op:
        """Ask once and write the end into the history."""
        body = dict(wish.body) | ({"idem_key": wish.key} if wish.key else {})
        answer: dict[str, Any] = {}
        try:
            answer = client.ask(wish.word, body)
            how = "ok"
        except _REFUSALS as refusal:
            how, answer = "fail", {"refused": refusal.detail}
        except (HelioError, httpx.HTTPError):
            how = "info"
        if wish.word == "pipeline.run" and how == "ok":
            answer |= {"ids": [answer["id"], *answer["steps"].values()]}
        if how == "ok":
            self.acked |= dict.fromkeys(answer.get("ids", ()), monotonic())
            self._note_waits(wish, answer)
        elif how == "info" and wish.key and wish not in self._unsure:
            self._unsure.append(wish)
        op = Op(name=wish.name, body=wish.body, how=how, answer=answer, key=wish.key)
        self.ops.append(op)
        return op

    def submit(self, client: Client, *jobs: Mapping[str, Any]) -> Op:
        """Submit a batch under a fresh key."""
        wish = Wish("submit", "job.submit", {"jobs": list(jobs)}, f"key-{next(self._numbers)}")
        self._sent.append(wish)
        return self.send(client, wish)

    def _note_waits(self, wish: Wish, answer: Mapping[str, Any]) -> None:
        """Remember who waits for a signal, once for each, however often it was submitted."""
        for request in wish.body.get("jobs", ()):
            if "signal" in request.get("wait", ()):
                job = answer["keys"][request["key"]]
                if job not in self._signalled:
                    self._signalled.add(job)
                    self._waits.append(job)

    # -- what clients want ----------------------------------------------------------------------
    def effect(self, **more: Any) -> dict[str, Any]:
        """Give the request of one job with an effect."""
        rng = self._rng
        choices: dict[str, Any] = {
            "name": f"unique-{next(self._numbers)}",
            "lane": rng.choice(LANES),
            "max_failures": 50,
            "delays_s": [0.2],
        }
        if rng.random() < 0.6:
            choices["cwd"] = rng.choice(self._directories)
        if rng.random() < 0.15:
            choices["effects"] = "once"
        seconds = rng.uniform(0.05, 0.7)
        return self._effects.job(seconds, straggler=rng.random() < 0.2, **(choices | more))

    def canaries(self) -> list[dict[str, Any]]:
        """Give urgent jobs, one for each shared directory and one without."""
        short = {"lane": "P0", "effects": "many"}
        return [
            self.effect(cwd="", **short),
            *(self.effect(cwd=cwd, **short) for cwd in self._directories),
        ]

    def _one(self, client: Client) -> None:
        self.submit(client, self.effect())

    def _group(self, client: Client) -> None:
        members = [self.effect(key=f"m{n}") for n in range(self._rng.randint(2, 3))]
        keys = [member["key"] for member in members]
        group = {"mode": self._rng.choice(GROUPS), "members": keys}
        name = f"unique-{next(self._numbers)}"
        self.submit(client, *members, {"key": "g", "name": name, "group": group})

    def _chain(self, client: Client) -> None:
        on = self._rng.choice(("success", "settled"))
        last = self.effect(key="b", needs=[{"id": "a", "on": on}], stdin="{{prev_result}}")
        self.submit(client, self.effect(key="a"), last)

    def _pipeline(self, client: Client) -> None:
        steps = {name: self._step() for name in ("left", "right")}
        steps["last"] = self._step() | {"needs": ["left", {"step": "right", "on": "settled"}]}
        name = f"run{next(self._numbers)}"
        body = {"pipeline": {"name": name, "steps": steps}}
        wish = Wish("pipeline", "pipeline.run", body, f"key-{name}")
        self._sent.append(wish)
        self.send(client, wish)

    def _step(self) -> dict[str, Any]:
        request = self.effect()
        return {name: request[name] for name in ("sh", "env", "lane")}

    def _wait(self, client: Client) -> None:
        if self._rng.random() < 0.5:
            what: dict[str, Any] = {"signal": "go"}
        else:
            what = {"ask": "Which way?", "options": ["left", "right"]}
        name = f"unique-{next(self._numbers)}"
        wait = {"key": "w", "name": name, "wait": what}
        self.submit(client, wait, self.effect(needs=["w"]))

    def _signal(self, client: Client) -> None:
        if self._waits:
            job = self._waits.pop(self._rng.randrange(len(self._waits)))
            wish = Wish("signal", "job.signal", {"id": job, "name": "go"})
            if self.send(client, wish).how == "info":
                self._waits.append(job)

    def _decide(self, client: Client) -> None:
        with contextlib.suppress(HelioError, httpx.HTTPError):
            for card in client.ask("decision.list", {"state": "open"})["items"][:2]:
                body = {"id": card["id"], "option": self._rng.choice(card["options"])}
                for _ in range(self._rng.choice((1, 1, 2))):  # a second tap changes nothing
                    self.send(client, Wish("answer", "decision.answer", body))

    def _cancel(self, client: Client) -> None:
        if recent := list(self.acked)[-12:]:
            self.send(client, Wish("cancel", "job.cancel", {"id": self._rng.choice(recent)}))

    def _repeat(self, client: Client) -> None:
        if self._unsure:
            self.send(client, self._unsure.pop(0))
        elif self._sent:
            self.send(client, self._rng.choice(self._sent[-20:]))

    # -- the end ------------------------------------------------------------------------------
    def settle(self, deadline_s: float) -> float:
        """Send what is unsure until it is known, answer all that is asked, wait for rest."""
        began, client = monotonic(), connect(self.home)
        pause = threading.Event()
        while not self._is_settled(client):
            if monotonic() - began > deadline_s:
                return deadline_s
            pause.wait(0.2)
        client.close()
        return monotonic() - began

    def _is_settled(self, client: Client) -> bool:
        for wish in [self._unsure.pop(0) for _ in list(self._unsure)]:
            self.send(client, wish)
        for _ in list(self._waits):
            self._signal(client)
        self._decide(client)
        try:
            counts = client.ask("house.status")["counts"]
        except (HelioError, httpx.HTTPError):
            return False
        left = {state for state, lanes in counts.items() if sum(lanes.values())}
        return not (self._unsure or self._waits) and left <= {str(state) for state in TERMINAL}


def connect(home: Home, answer_s: float = _ANSWER_S) -> Client:
    """Open a client that waits no longer than that for an answer."""
    client = Client.of(home)
    client._http.timeout = httpx.Timeout(answer_s)
    return client
