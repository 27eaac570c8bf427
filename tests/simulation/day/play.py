"""Plays a day: jobs in slots, calls through the real routing core, ends through `engine.settle`.

The router is killed every few hours and rebuilt from its entries. `naive` is the same core without
memory, admission and deferral, under the rule of the system that the rates come from: three
retries after 2, 10 and 30 minutes, then the job is lost.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random
from zoneinfo import ZoneInfo

from engine.failures import LADDER_S, Cause, Failure
from engine.jobs import JobState, Lane, Reason, Result
from engine.moments import Moment
from engine.outcomes import Done, Failed, Outcome
from engine.rows import replace
from engine.settings import Settings
from engine.settle import settle
from engine.transitions import Trigger, fire
from routing.budget import sums_of
from routing.requests import Grant, Refusal, Spent, Wanted, Who
from routing.router import RouterCore
from routing.view import Policy
from tests.simulation.day.plan import HOUR, RATES, START, Work, catalogue, upstreams, works
from tests.simulation.remembered import Remembered
from tests.simulation.upstream import S

NAIVE = Policy(remembers=False, admits=False, defers=False)
ANSWER, REJECTION, BETWEEN, SILENCE = 4 * S, S // 10, 5 * S, 900 * S
RETRIES = 2  # of a naive client at one provider


class Day:
    """The world of one day."""

    def __init__(self, seed: int, *, naive: bool = False) -> None:
        self._rng = Random(seed)
        self._naive = naive
        self._seed = seed
        self._settings = Settings()
        self._ledger = Remembered(sums_of(ZoneInfo("UTC")))
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._serial = self._life = 0
        self._ready: list[tuple[Lane, int, Work]] = []
        self._running: Counter[bool] = Counter()  # by: is it background work
        self._closed: dict[str, int] = {}  # until when a provider said that it is
        self.upstreams = upstreams()
        self.works = works(self._rng)
        self.now = START
        self.core = self._new_core()
        self.to_closed = 0
        self.ended_at = 0

    def run(self) -> Day:
        """Let all of it happen, until every job is at rest."""
        for work in self.works:
            self._at(work.job.created_at, lambda work=work: self._enter(work))
        every = RATES["day"]["kill_router_every_h"] * HOUR
        kills = () if self._naive else range(START + every, START + 24 * HOUR, every)
        for when in kills:
            self._at(when, self._kill)
        while self._heap:
            self.now, _, act = heapq.heappop(self._heap)
            act()
        return self

    def ended(self, state: JobState) -> list[Work]:
        """Give the jobs that came to rest so."""
        return [work for work in self.works if work.job.state is state]

    # -- slots ------------------------------------------------------------------------------------
    def _enter(self, work: Work) -> None:
        heapq.heappush(self._ready, (work.job.lane, work.job.ready_seq, work))
        self._claim()

    def _claim(self) -> None:
        """Fill the free slots, background work only up to its share."""
        slots, held = RATES["jobs"]["slots"], []
        room = int(slots * self._settings.lanes.background_share)
        while self._ready and self._running.total() < slots:
            lane, seq, work = heapq.heappop(self._ready)
            behind = lane >= Lane.P3
            if behind and self._running[True] >= room:
                held.append((lane, seq, work))
                continue
            self._running[behind] += 1
            job = work.job
            work.job = replace(job, state=fire(job.state, Trigger.CLAIM), epoch=job.epoch + 1)
            self._at(self.now + BETWEEN, lambda work=work: self._step(work))
        for one in held:
            heapq.heappush(self._ready, one)

    def _end(self, work: Work, outcome: Outcome) -> None:
        """The attempt is over: what becomes of the job is the engine's own rule."""
        self._running[work.job.lane >= Lane.P3] -= 1
        work.tried, work.tries, work.here = frozenset(), 0, 0
        moment = Moment(self.now, self.now)
        work.job = settle(work.job, outcome, moment, self._rng, self._settings.retry).job
        if work.job.state is JobState.DELAYED:
            self._at(max(work.job.run_at, self.now + 1), lambda: self._again(work))
        else:
            self.ended_at = self.now
        self._claim()

    def _again(self, work: Work) -> None:
        freed = fire(work.job.state, Trigger.FREE)
        work.job = replace(work.job, state=freed, reason=Reason.NONE)
        self._enter(work)

    # -- one job ----------------------------------------------------------------------------------
    def _step(self, work: Work) -> None:
        """Go on with a running job: a blow, a call, a review, or its end."""
        if work.blow and work.blow is not Cause.OPTIMISTIC and work.done == work.blow_at:
            self._strike(work, work.blow)
        elif work.done < work.calls or (work.reviewed and work.verified is None):
            self._ask(work)
        else:
            self._end(work, Done(Result(verified=work.verified)))

    def _strike(self, work: Work, cause: Cause) -> None:
        work.blow = None
        if cause is Cause.STUCK:
            stuck = Failed(Failure(cause=cause, message="no progress"))
            self._at(self.now + SILENCE, lambda: self._end(work, stuck))
        else:
            self._end(work, Failed(Failure(cause=cause, message="struck")))

    def _ask(self, work: Work) -> None:
        work.tries += 1
        work.asked += work.tries == 1
        review = work.done >= work.calls
        wanted = Wanted(
            id=f"{work.job.id}.{work.asked}.{self._life}",
            asked="mid",
            who=Who(
                job=work.job.id,
                epoch=work.job.epoch,
                lane=work.job.lane,
                avoid=(work.family,) if review else (),
            ),
            input_tokens=1000,
            max_tokens=500,
            attempt=work.tries,
            tried=work.tried,
        )
        decided = self.core.decide(wanted, self.now)
        self._keep()
        if isinstance(decided, Refusal):
            self._refused(work, decided)
        else:
            self._call(work, decided)

    def _refused(self, work: Work, refusal: Refusal) -> None:
        work.limited += 1
        until: int | None = refusal.until or None
        if self._naive:
            if work.limited > len(LADDER_S):
                work.lost_to = "limits"  # no rule of ours loses a job so: a cause without retry
                self._end(work, Failed(Failure(cause=Cause.DEPENDENCY, message="limits")))
                return
            until = self.now + LADDER_S[work.limited - 1] * S
        cause = Cause.RATE_LIMIT if until else Cause.OTHER
        self._end(work, Failed(Failure(cause=cause, message=refusal.message, retry_at=until)))

    def _call(self, work: Work, grant: Grant) -> None:
        name, life = grant.candidate.slot.provider, self._life
        self.to_closed += self.now < self._closed.get(name, 0)
        fits, headers = self.upstreams[name].ask(self.now)
        took = ANSWER if fits else REJECTION
        if not fits and "retry-after" in headers:
            until = self.now + took + int(float(headers["retry-after"]) * S)
            self._at(self.now + took, lambda: self._closed.__setitem__(name, until))
        self._at(self.now + took, lambda: self._told(work, grant, headers, life, fits=fits))

    def _told(
        self, work: Work, grant: Grant, headers: dict[str, str], life: int, *, fits: bool
    ) -> None:
        if life != self._life:  # the core that made the call is dead: the client asks again
            work.tried, work.tries, work.here = frozenset(), 0, 0
            self._ask(work)
            return
        taken = {"usage_known": True, "input": 1000, "output": 200, "first_byte_us": S}
        spent = (
            Spent(ok=True, headers=headers, took_us=ANSWER, **taken)
            if fits
            else Spent(ok=False, fault="rate_limit", status=429, headers=headers, took_us=REJECTION)
        )
        self.core.settle(grant, spent, self.now)
        self._keep()
        if fits:
            self._answered(work, grant)
        else:
            self._rejected(work, grant)

    def _answered(self, work: Work, grant: Grant) -> None:
        work.tried, work.tries, work.here = frozenset(), 0, 0
        if work.done < work.calls:
            work.done += 1
            work.family = grant.candidate.deployment.family
        elif work.blow is Cause.OPTIMISTIC and work.rounds < RATES["day"]["reviews"]:
            work.rounds += 1  # the reviewer says no: back to the maker, for two calls more
            work.calls += 2
            work.blow = None if self._rng.random() < 0.8 else work.blow
        else:
            work.verified = work.blow is not Cause.OPTIMISTIC
        self._at(self.now + BETWEEN, lambda: self._step(work))

    def _rejected(self, work: Work, grant: Grant) -> None:
        work.here += 1
        if self._naive and work.here <= RETRIES:
            self._at(self.now + S * 2**work.here, lambda: self._ask(work))
            return
        work.here = 0
        work.tried |= {grant.candidate.slot}
        self._ask(work)

    # -- the world --------------------------------------------------------------------------------
    def _kill(self) -> None:
        self._life += 1
        self.core = self._new_core()
        self._keep()

    def _keep(self) -> None:
        entries = self.core.take_entries()
        if not self._naive:  # it is not killed, so nothing is read back
            self._ledger.append(entries)

    def _new_core(self) -> RouterCore:
        return RouterCore(
            catalogue(),
            self._settings,
            Random(self._seed * 1000 + self._life),
            self._ledger.restored(),
            self.now,
            NAIVE if self._naive else Policy(),
        )

    def _at(self, when: int, act: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (when, self._serial, act))
