"""Who runs what, as far as the dispatcher knows: the judge of whether a claim was lost.

The store says which jobs run at which epoch in which session. What it cannot know is whether the
order arrived and whether the session still lives. Each claim is PENDING (start not answered),
HELD (accepted) or DOUBTFUL (start failed). A claim that the roster has never heard of was made
by an earlier dispatcher: the session is asked, and adopted if it has it.

A claim is lost when its session says, in answer to a question asked after the acceptance, that
it does not have it, or when that question finds no session. Nothing else counts: not time, not
silence, and not that a session is missing while the order that makes it is on its way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from actors.dispatching.facts import Answered, Claimed, Fact, Gone, Seen, Unanswered
from engine.jobs import Job, JobState


class Standing(StrEnum):
    """What is known of one claim."""

    PENDING = "pending"
    HELD = "held"
    DOUBTFUL = "doubtful"


@dataclass(frozen=True, slots=True)
class Entry:
    """A claim's standing and the number of the question after which it got there."""

    standing: Standing
    since: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A claim that no session has. `counts`: its worker died under it, so it is a crash.

    `refused` is the session's reason for not taking the order, which then never ran.
    """

    job: str
    epoch: int
    counts: bool
    refused: str = ""


class Roster:
    """The dispatcher's memory of sessions; rebuilt by asking after a restart."""

    def __init__(self) -> None:
        self._entries: dict[Claimed, Entry] = {}
        self._asked = 0

    def sent(self, claims: Iterable[Claimed]) -> None:
        """Note orders that are on their way."""
        for claim in claims:
            self._entries[claim] = Entry(Standing.PENDING, self._asked)

    def ask(self) -> int:
        """Give the number of a new question."""
        self._asked += 1
        return self._asked

    def learn(self, fact: Fact) -> None:
        """Note what an answer says about claims' standing."""
        match fact:
            case Answered(_, accepted, _):
                self._mark(accepted, Standing.HELD)
            case Unanswered(_, orders):
                self._mark(orders, Standing.DOUBTFUL)
            case Seen(_, _, working, unreported):
                self._mark(working | unreported, Standing.HELD)
            case Gone():
                pass

    def forget(self, running: Iterable[Job]) -> None:
        """Drop the claims that are over."""
        living = {(job.id, job.epoch) for job in running}
        self._entries = {claim: e for claim, e in self._entries.items() if claim in living}

    def missing(self, fact: Fact, running: Iterable[Job]) -> list[Missing]:
        """Give the running claims that this fact proves lost."""
        mine = [
            job for job in running if job.owner == fact.session and job.state is JobState.RUNNING
        ]
        match fact:
            case Gone(_, asked):
                return [self._lost(job) for job in mine if self._settled_before(job, asked)]
            case Answered(_, _, refused):
                return [
                    Missing(job.id, job.epoch, counts=False, refused=refused[job.id, job.epoch])
                    for job in mine
                    if (job.id, job.epoch) in refused
                ]
            case Seen(_, asked, working, unreported):
                has = working | unreported
                return [
                    self._lost(job)
                    for job in mine
                    if (job.id, job.epoch) not in has and self._settled_before(job, asked)
                ]
            case Unanswered():
                return []

    @staticmethod
    def strangers(fact: Seen, running: Iterable[Job]) -> list[Claimed]:
        """Give the claims that a session works on although the store says otherwise."""
        rightful = {(job.id, job.epoch) for job in running if job.owner == fact.session}
        return sorted(fact.working - rightful)

    def doubtful(self) -> bool:
        """Whether some claim's standing is not known."""
        return any(e.standing is Standing.DOUBTFUL for e in self._entries.values())

    def _mark(self, claims: Iterable[Claimed], standing: Standing) -> None:
        for claim in claims:
            self._entries[claim] = Entry(standing, self._asked)

    def _settled_before(self, job: Job, asked: int) -> bool:
        """Whether the claim's standing was clear when the question was asked."""
        entry = self._entries.get((job.id, job.epoch))
        if entry is None:
            return True
        return entry.standing is not Standing.PENDING and entry.since < asked

    def _lost(self, job: Job) -> Missing:
        entry = self._entries.get((job.id, job.epoch))
        held = entry is not None and entry.standing is Standing.HELD
        return Missing(job.id, job.epoch, counts=held)
