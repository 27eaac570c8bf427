"""Give free slots to the ready heads of the lanes, by stride and within the caps.

Only heads are looked at. A head whose directory is busy is parked (once) and does not come back
before its directory is released, so the cost of a claim does not depend on how many jobs wait.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from itertools import count

from engine.errors import HelioError, HouseFault, StoreFull
from engine.events import EventKind
from engine.failures import Cause, Failure
from engine.ids import SessionKey
from engine.jobs import Job, JobState, Lane, Reason
from engine.lanes import StrideState, charge, pick
from engine.messages import Order
from engine.pools import SHARED, at_a_time, capacity, pool_key, pool_session
from engine.records import Attempt, Worker
from engine.rows import replace
from engine.settle import fail
from engine.transitions import Trigger, fire
from store.verbs import queue
from store.verbs.advance import advance
from store.verbs.render import order_for
from store.work import Work


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that now runs, the session that shall run it, and the order it is sent."""

    job: Job
    order: Order


class Claim:
    """One claiming round inside one unit of work."""

    def __init__(self, work: Work, slots: int) -> None:
        self.work = work
        self.slots = slots
        running = [job for job in work.holding() if job.state is JobState.RUNNING]
        self.running = [0] * len(Lane)
        self.owners = Counter(job.owner for job in running)
        for job in running:
            self.running[job.lane] += 1
        self.free = slots - len(running)
        passes = tuple(work.shard.passes) or (0,) * len(Lane)
        self.stride = StrideState(passes, work.shard.virtual_time)
        self.heads: dict[Lane, deque[Job]] = {}
        self.longer: set[Lane] = set()  # lanes with more than the heads that were looked at

    def take(self) -> list[Claimed]:
        """Claim until the slots or the lanes are empty."""
        taken: list[Claimed] = []
        if self.free > 0:
            self._fetch()
        while self.free > 0:
            backlog = tuple(lane for lane, heads in self.heads.items() if heads)
            lanes = self.work.settings.lanes
            lane = pick(self.stride, backlog, self.running, self.slots, lanes)
            if lane is None:
                break
            claimed = self._claim_head(lane)
            if claimed is not None:
                taken.append(claimed)
                self.stride = charge(self.stride, lane, lanes)
                self.running[lane] += 1
                self.free -= 1
            if self.free > 0 and not self.heads[lane] and lane in self.longer:
                self._fetch()
        self.work.shard = replace(
            self.work.shard,
            passes=list(self.stride.passes),
            virtual_time=self.stride.virtual_time,
        )
        return taken

    def _fetch(self) -> None:
        """Look at the heads of all lanes as they stand now."""
        self.work.write_jobs()
        self.heads = {lane: deque() for lane in Lane}
        for job in self.work.seen(self.work.tables.heads(self.free)):
            self.heads[job.lane].append(job)
        self.longer = {lane for lane, heads in self.heads.items() if len(heads) >= self.free}

    def _claim_head(self, lane: Lane) -> Claimed | None:
        """Claim the lane's head, or take it out of the order when it cannot run now."""
        work, job = self.work, self.heads[lane].popleft()
        if job.state is not JobState.READY:
            return None
        room = capacity(job.worker_key, work.settings)
        if room is not None and not job.holding and work.occupied(job.worker_key) >= room:
            if lane <= Lane.P1:
                work.urgent.add(job.worker_key)
            queue.park(work, job)
            return None
        owner = self._session_for(job)
        claimed = replace(
            job,
            state=fire(job.state, Trigger.CLAIM),
            reason=Reason.NONE,
            epoch=job.epoch + 1,
            owner=owner.name,
            holding=True,
            progress_at=work.moment.steady,
            started_at=job.started_at or work.moment.steady,
        )
        try:
            order = order_for(work, claimed)
        except (HouseFault, StoreFull):
            raise
        except HelioError as refusal:
            self._give_up(job, refusal)
            return None
        self._record(work.put(claimed), owner)
        return Claimed(claimed, order)

    def _give_up(self, job: Job, refusal: HelioError) -> None:
        """Fail a job that cannot be rendered; what follows may fill or empty any lane."""
        failure = Failure(cause=Cause.MALFORMED, message=refusal.detail)
        self.work.put(fail(job, failure, self.work.moment))
        advance(self.work)
        self._fetch()

    def _session_for(self, job: Job) -> Worker:
        """The directory's own session; for a job without one, the first with room in its pool."""
        host = self.work.settings.house.host_label
        in_directory = bool(job.cwd) and job.backend not in SHARED
        if in_directory:
            name = SessionKey(host=host, directory=job.cwd).name
        else:
            name = self._pool_session(job.backend)
        self.owners[name] += 1
        known = self.work.record(Worker, name)
        if known is not None and known.state != "retired":
            return known
        return Worker(
            name=name,
            key=job.worker_key if in_directory else pool_key(job.backend),
            host=host,
            directory=job.cwd if in_directory else "",
            backend=job.backend,
            persistent=in_directory,
            state="born",
            born_at=self.work.moment.steady,
        )

    def _pool_session(self, backend: str) -> str:
        """Give the first session of the pool that has room for one more."""
        for place in count():
            name = pool_session(backend, place)
            if self.owners[name] < at_a_time(name, self.work.settings):
                return name
        raise AssertionError("count() does not end")

    def _record(self, job: Job, owner: Worker) -> None:
        work = self.work
        if owner.state == "born":
            work.tell(EventKind.WORKER_BORN, owner.name, job.project, directory=owner.directory)
        work.save(
            replace(owner, state="running", jobs=owner.jobs + 1, used_at=work.moment.steady),
            Attempt(
                id=f"{job.id}:{job.epoch}",
                job=job.id,
                epoch=job.epoch,
                session=owner.name,
                started_at=work.moment.steady,
                log=f"jobs/{job.id}/{job.epoch}.log",
            ),
        )
