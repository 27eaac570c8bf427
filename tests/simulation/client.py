"""The owner in the simulation: asks, repeats what was not answered, and keeps a history.

Each operation is written down as it ended for the client: ok, fail, or info (nobody answered).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from actors.dispatching.facts import Act
from engine.drafts import Batch, Draft
from engine.errors import Conflict, HelioError, StoreFull
from engine.jobs import JobState
from engine.ports import JobFilter, Tables
from engine.records import Decision, Shard, Worker
from store.verbs import control, waits
from store.verbs.cancel import cancel
from store.verbs.decisions import answer
from store.verbs.retry import retry
from store.verbs.submit import submit
from store.work import Work
from tests.checks import Op
from tests.simulation.office import Office
from tests.simulation.workload import Workload
from tests.simulation.world import World

_PATIENCE_S = 5.0
_TRIES = 12
NEVER = "never to be seen"


@dataclass(slots=True)
class Request:
    """One operation under way."""

    name: str
    body: Mapping[str, Any]
    act: Act
    key: str = ""
    tries: int = 0
    over: bool = False


class Client:
    """Sends requests through the network and notes what came of them."""

    def __init__(self, world: World, office: Office, workload: Workload) -> None:
        self.world = world
        self.office = office
        self.workload = workload
        self.history: list[Op] = []
        self.ids: list[str] = []
        self._batches: list[Batch] = []

    # -- operations ---------------------------------------------------------------------------
    def submit(self, batch: Batch) -> None:
        """Submit a batch; it is repeated under its key until somebody answers."""
        self._batches.append(batch)

        def act(work: Work) -> dict[str, Any]:
            accepted = submit(work, batch)
            return {"ids": [accepted.ids[draft.key] for draft in batch.drafts]}

        self._ask(Request("submit", {}, act, key=batch.idem_key))

    def submit_again(self) -> None:
        """Send an old batch once more, long after."""
        if self._batches:
            batch = self.world.rng.choice(self._batches)
            self._batches.remove(batch)
            self.submit(batch)

    def change_mind(self) -> None:
        """Ask for something that writes and is then refused: nothing of it may stay."""

        def act(work: Work) -> dict[str, Any]:
            submit(work, Batch(drafts=(Draft(key="never", name=NEVER),)))
            raise Conflict("It was not meant.")

        self._ask(Request("change_mind", {}, act))

    def retire(self) -> None:
        """Retire some worker, idle or not."""
        workers = self.office.store.read(lambda tables: tables.find(Worker))
        if workers:
            name = self.world.rng.choice(workers).name
            told = Request(
                "worker.retire",
                {"name": name},
                lambda work: {"name": control.retire_worker(work, name).name},
            )
            self._ask(told)

    def cancel(self) -> None:
        """Cancel any job, group or pipeline."""
        if self.ids:
            job_id = self.world.rng.choice(self.ids)
            self._ask(Request("cancel", {"id": job_id}, lambda work: _shown(cancel(work, job_id))))

    def retry(self) -> None:
        """Run something again that ended."""
        if self.ids:
            job_id = self.world.rng.choice(self.ids)
            again = Request("retry", {"id": job_id}, lambda work: {"ids": [retry(work, job_id).id]})
            self._ask(again)

    def signal(self, job_id: str = "") -> None:
        """Signal a job, waiting or not."""
        chosen = job_id or (self.world.rng.choice(self.ids) if self.ids else "")
        if chosen:
            body = {"id": chosen, "name": "go"}
            self._ask(
                Request(
                    "signal",
                    body,
                    lambda work: {"first": waits.signal(work, chosen, "go", {"by": "owner"})},
                )
            )

    def answer(self, *, twice: float = 0.3) -> None:
        """Answer an open decision; sometimes two taps race, with different answers."""
        open_ones = self.office.store.read(lambda tables: tables.find(Decision, state="open"))
        if not open_ones:
            return
        decision = self.world.rng.choice(open_ones)
        for _ in range(2 if self.world.chance(twice) else 1):
            option = self.world.rng.choice(tuple(decision.options) or ("yes",))
            body = {"id": decision.id, "option": option}
            self._ask(Request("answer", body, self._answering(decision.id, option)))

    @staticmethod
    def _answering(decision: str, option: str) -> Act:
        return lambda work: {"state": answer(work, decision, option).state}

    def switch(self, name: str, *, once: bool = False) -> None:
        """Turn one of the house's switches: halt, pause or resume; perhaps without repeating."""
        turn = {"halt": control.halt, "pause": control.pause, "resume": control.resume_house}[name]
        tries = _TRIES - 1 if once else 0
        self._ask(Request(name, {}, lambda work: turn(work) or {}, tries=tries))

    # -- asking -------------------------------------------------------------------------------
    def _ask(self, request: Request) -> None:
        if request.over:
            return
        request.tries += 1
        if request.tries > _TRIES:
            self._note(request, "info", {})
            return
        reply = self._reply(request)
        self.world.send(self.office.put_act, request.act, lambda told: self.world.send(reply, told))
        self.world.after(_PATIENCE_S, self._ask, request)

    def _reply(self, request: Request) -> Callable[[dict[str, Any] | HelioError], None]:
        def reply(told: dict[str, Any] | HelioError) -> None:
            if request.over or isinstance(told, StoreFull):
                return  # a full disk may have room at the next try
            if isinstance(told, HelioError):
                self._note(request, "fail", {"problem": told.slug})
                return
            self._note(request, "ok", told)
            if request.name == "worker.retire":
                self.office.crew.retire(told["name"])
            if request.name in ("submit", "retry"):
                self.ids += told["ids"]
                self.workload.known += told["ids"]

        return reply

    def _note(self, request: Request, how: str, told: Mapping[str, Any]) -> None:
        request.over = True
        self.world.tell("client: %s %s is %s", request.name, dict(request.body), how)
        op = Op(name=request.name, body=request.body, how=how, answer=told, key=request.key)
        self.history.append(op)

    # -- at the end ---------------------------------------------------------------------------
    def settle_up(self) -> bool:
        """Answer and signal whatever still waits; False when nothing does."""
        shard = self.office.store.read(lambda tables: tables.get(Shard, 0))
        if shard is not None and (shard.halted_at or shard.paused_at):
            self.switch("resume")
            return True
        waiting = self.office.store.read(_waiting)
        for job_id, awaits in waiting:
            if "signal" in awaits:
                self.signal(job_id)
            else:
                option = self.office.store.read(lambda t, d=awaits["decision"]: t.get(Decision, d))
                chosen = (tuple(option.options) or ("yes",))[-1]
                body = {"id": option.id, "option": chosen}
                self._ask(Request("answer", body, self._answering(option.id, chosen)))
        return bool(waiting)


def _waiting(tables: Tables) -> list[tuple[str, Mapping[str, Any]]]:
    rows = tables.list_jobs(JobFilter(states=(JobState.WAITING,)), "", 1000, False)
    return [(row.id, row.awaits or {}) for row in rows]


def _shown(job: Any) -> dict[str, Any]:
    return {"state": str(job.state), "asked_at": job.cancel_requested_at}
