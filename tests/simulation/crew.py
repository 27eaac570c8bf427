"""Sessions in the simulation: the product's session core, processes made of timers, the outbox.

A process is an entry of the effect log. What it does is in the job's spec (`sim`): how long it
takes, and how its first, second, ... run ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from actors.dispatching.facts import Answered, Fact, Gone, Seen, Unanswered
from actors.sessions.core import SessionCore
from actors.sessions.effects import Effect, Ending, Spawn, Stop, Why
from engine.failures import Cause, Failure
from engine.jobs import Result
from engine.messages import Order, Report
from engine.moments import us
from engine.outcomes import Done, Failed, NeedsOwner, NeedsSignal, Outcome
from engine.pools import at_a_time
from engine.settings import Settings
from tests.checks import Execution
from tests.checks.results import TOKEN
from tests.simulation.office import Crew, Life, Office
from tests.simulation.world import World

_ANSWER_S = 4.0
_BACK_OFF_S = (0.1, 0.5, 2.0)
Key = tuple[str, int]


@dataclass(slots=True)
class Host:
    """One incarnation of a session."""

    name: str
    core: SessionCore
    ready: bool = False
    dead: bool = False
    processes: dict[Key, str] = field(default_factory=dict)
    sending: int = 0  # the number of the report call under way
    failures: int = 0
    tick: float | None = None


class Sessions(Crew):
    """All sessions, their processes, and the log of effects."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.hosts: dict[str, Host] = {}
        self.zombies: list[Host] = []
        self.effects: dict[str, Execution] = {}
        self.runs: dict[str, int] = {}
        self.crashes = 0
        self.office: Office
        self._numbers = count(1)

    # -- what the dispatcher wishes -----------------------------------------------------------
    def send(self, life: Life, session: str, orders: Sequence[Order]) -> None:
        """Hand orders to a session; silence becomes a fact as well."""
        claims = frozenset((order.job, order.epoch) for order in orders)
        call = self._call(life, Unanswered(session, claims))
        self.world.send(self._start, call, session, orders)

    def stop(self, session: str, job: str, epoch: int, why: str) -> None:
        """Ask a session to end an order."""
        self.world.send(self._stop, session, job, epoch, why)

    def throttle(self, session: str, job: str, epoch: int, until: int) -> None:
        """Tell a session that no model answers this order before a time (wall clock)."""
        closed = Failure(cause=Cause.RATE_LIMIT, message="Closed.", retry_at=until)
        self.world.send(self._throttle, session, job, epoch, closed)

    def probe(self, life: Life, session: str, number: int) -> None:
        """Ask a session what it has."""
        self.world.send(self._status, self._call(life, None), session, number)

    def retire(self, session: str) -> None:
        """End a session for good."""
        self.world.send(self._retire, session)

    def _call(self, life: Life, silence: Fact | None) -> _Call:
        call = _Call(self, life)
        self.world.after(_ANSWER_S, call.end, silence)
        return call

    # -- at the session -----------------------------------------------------------------------
    def _start(self, call: _Call, session: str, orders: Sequence[Order]) -> None:
        host = self.hosts.get(session) or self._bear(session)
        if not call.reaches(host):
            return
        if not host.ready:
            call.refused = True
            refused = {(order.job, order.epoch): "starting" for order in orders}
            self.world.send(call.end, Answered(session, frozenset(), refused))
            return
        answer, effects = host.core.start(orders, self.world.now, self.world.mono)
        self.apply(host, effects)
        call.refused = bool(answer.refused)
        refused = {(r.job, r.epoch): r.reason for r in answer.refused}
        self.world.send(call.end, Answered(session, frozenset(answer.accepted), refused))

    def _stop(self, session: str, job: str, epoch: int, why: str) -> None:
        host = self.hosts.get(session)
        if host is not None and host.ready:
            self.apply(host, host.core.stop(job, epoch, Why(why), self.world.now))

    def _throttle(self, session: str, job: str, epoch: int, closed: Failure) -> None:
        host = self.hosts.get(session)
        if host is not None and host.ready:
            self.apply(host, host.core.throttle(job, epoch, closed, self.world.now))

    def _status(self, call: _Call, session: str, number: int) -> None:
        host = self.hosts.get(session)
        if host is None:
            self.world.send(call.end, Gone(session, number))
        elif host.ready:
            status = host.core.status()
            working = _claims(status["running"]) | _claims(status["queued"])
            unreported = _claims(status["unreported"])
            self.world.send(call.end, Seen(session, number, working, unreported))

    def _retire(self, session: str) -> None:
        if session in self.hosts:
            self._end(self.hosts.pop(session))

    def _bear(self, session: str) -> Host:
        number = next(self._numbers)
        core = SessionCore(
            f"life-{number}",
            prefetch=self.settings.sessions.prefetch,
            capacity=at_a_time(session, self.settings),
        )
        host = Host(session, core)
        self.hosts[session] = host
        if self.world.chance(0.1):
            self.world.after(self.world.rng.uniform(0.1, 3), self._open, host)
        else:
            host.ready = True
        return host

    @staticmethod
    def _open(host: Host) -> None:
        host.ready = True

    # -- death --------------------------------------------------------------------------------
    def crash(self, session: str, how: str) -> None:
        """End an incarnation: it restarts, is gone, or lives on unseen as a zombie."""
        host = self.hosts.pop(session, None)
        if host is None:
            return
        self.crashes += 1
        self.world.tell("%s dies (%s)", session, how)
        if how == "zombie":
            self.zombies.append(host)
        else:
            self._end(host)
        if how != "gone":
            self.world.after(self.world.rng.uniform(0, 1), self._reborn, session)

    def _reborn(self, session: str) -> None:
        if session not in self.hosts:
            self._bear(session)

    def _end(self, host: Host) -> None:
        host.dead = True
        for token in host.processes.values():
            self._over(token)
        host.processes.clear()

    def _over(self, token: str) -> None:
        self.effects[token] = replace(self.effects[token], alive=False)

    # -- effects of the core ------------------------------------------------------------------
    def apply(self, host: Host, effects: Iterable[Effect]) -> None:
        """Carry out what a session's core wants."""
        for effect in effects:
            match effect:
                case Spawn(order):
                    self._spawn(host, order)
                case Stop(job, epoch, _):
                    delay_s = self.world.rng.random() * 1.5
                    self.world.after(delay_s, self._killed, host, (job, epoch))
                case _:
                    pass
        self._watch(host)
        self._report(host)

    def _spawn(self, host: Host, order: Order) -> None:
        run = self.runs[order.job] = self.runs.get(order.job, 0) + 1
        token = f"{TOKEN}{order.job}:{order.epoch}:{run}"
        self.effects[token] = Execution(
            job=order.job,
            epoch=order.epoch,
            token=token,
            session=host.name,
            resume=order.resume,
            began_at=self.world.now,
            alive=True,
        )
        host.processes[order.job, order.epoch] = token
        self.world.tell("%s runs %s", host.name, token)
        plan = order.payload.get("sim") or {}
        key = (order.job, order.epoch)
        if plan.get("s", 1.0) > 1:
            self.world.after(self.world.rng.random() * 0.05, self._started, host, key)
        if not (ends := plan.get("ends")) or ends[min(run, len(ends)) - 1] != "stuck":
            end = ends[min(run, len(ends)) - 1] if ends else "done"
            self.world.after(plan.get("s", 1.0), self._ended, host, order, token, end)

    def _started(self, host: Host, key: Key) -> None:
        if not host.dead and key in host.processes:
            self.apply(host, host.core.started(*key, 1, self.world.now))

    def _ended(self, host: Host, order: Order, token: str, end: str) -> None:
        key = (order.job, order.epoch)
        if host.dead or host.processes.get(key) != token:
            return
        if end == "poison":
            self._poisoned(host)
            return
        del host.processes[key]
        self._over(token)
        turns = _turns(token) if order.payload.get("conversation") else ()
        ending = Ending(_outcome(end, token, order, self.world.moment().wall), turns=turns)
        self.apply(host, host.core.ended(*key, ending, self.world.now, self.world.mono))

    def _poisoned(self, host: Host) -> None:
        if self.hosts.get(host.name) is host:
            self.crash(host.name, "restart")
        else:
            self._end(host)

    def _killed(self, host: Host, key: Key) -> None:
        token = host.processes.pop(key, None)
        if host.dead or token is None:
            return
        self._over(token)
        outcome = Failed(Failure(cause=Cause.LOST, message="It was killed."))
        ending = Ending(outcome, by_itself=False)
        self.apply(host, host.core.ended(*key, ending, self.world.now, self.world.mono))

    def _watch(self, host: Host) -> None:
        """Look at the session's clocks when one is due."""
        due = host.core.next_tick()
        if due is not None and (host.tick is None or due < host.tick):
            host.tick = due
            self.world.after(max(0.0, due - self.world.mono) + 0.001, self._tick, host)

    def _tick(self, host: Host) -> None:
        host.tick = None
        if not host.dead:
            self.apply(host, host.core.tick(self.world.now, self.world.mono))

    # -- the outbox ---------------------------------------------------------------------------
    def _report(self, host: Host) -> None:
        if host.dead or host.sending or not (batch := host.core.pending()):
            return
        host.sending = next(self._numbers)
        self.world.send(self._arrive, host, host.sending, batch)
        self.world.after(_ANSWER_S, self._unheard, host, host.sending)

    def _arrive(self, host: Host, number: int, batch: list[Report]) -> None:
        self.office.put_reports(
            batch, lambda: self.world.send(self._acked, host, number, len(batch))
        )

    def _acked(self, host: Host, number: int, size: int) -> None:
        if host.sending == number:
            host.sending = host.failures = 0
            host.core.reports_acked(size)
            self._report(host)

    def _unheard(self, host: Host, number: int) -> None:
        if host.sending == number:
            host.sending = 0
            delay_s = _BACK_OFF_S[min(host.failures, len(_BACK_OFF_S) - 1)]
            host.failures += 1
            self.world.after(delay_s, self._report, host)


class _Call:
    """A call that a life made: it ends once, with an answer or with silence."""

    def __init__(self, sessions: Sessions, life: Life) -> None:
        self._sessions = sessions
        self._life = life
        self._over = False
        self._host: Host | None = None
        self.refused = False

    def reaches(self, host: Host) -> bool:
        """Whether this copy of the message goes where the first one went, and was taken there.

        A connection may repeat what it carried, but neither to another process than before nor
        after it was refused: Ray carries a call at most once, so this is worse than the truth.
        """
        self._host = self._host or host
        return self._host is host and not self.refused

    def end(self, fact: Fact | None) -> None:
        """Give the caller what came of it."""
        if not self._over:
            self._over = True
            if fact is not None:
                self._sessions.office.put_fact(self._life, fact)


def _turns(token: str) -> tuple[Mapping[str, Any], ...]:
    """What was asked and answered, as a model's backend tells it."""
    words = [{"type": "text", "text": token}]
    return tuple({"role": role, "blocks": words} for role in ("user", "assistant"))


def _outcome(end: str, token: str, order: Order, wall: int) -> Outcome:
    """What a process gives in the end; whoever was given an answer does not ask again."""
    asks: Mapping[str, Outcome] = {
        "ask": NeedsOwner("Which way?", ("left", "right")),
        "ask_soon": NeedsOwner("Which way?", ("left", "right"), "left", wall + us(20)),
        "signal": NeedsSignal("go"),
    }
    fails: Mapping[str, Failure] = {
        "rate": Failure(cause=Cause.RATE_LIMIT, message="Slow down.", retry_at=wall + us(9)),
        "busy": Failure(cause=Cause.RATE_LIMIT, message="Slow down."),
        "tool": Failure(cause=Cause.TOOL, message="It failed."),
        "malformed": Failure(cause=Cause.MALFORMED, message="It failed."),
        "dependency": Failure(cause=Cause.DEPENDENCY, message="It failed."),
    }
    if end in asks and order.resume is None:
        return asks[end]
    if end in fails:
        return Failed(fails[end], Result(text=token))
    return Done(Result(text=token, data=[1, 2, 3], exit_code=0), cost_usd=0.25)


def _claims(pairs: Sequence[Sequence[Any]]) -> frozenset[Key]:
    return frozenset((str(pair[0]), int(pair[1])) for pair in pairs)
