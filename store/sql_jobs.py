"""The job table's verbs, one SQL statement each. The states stand in the SQL as literals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import is_not
from typing import Any

from engine.errors import StaleWrite
from engine.ids import ULID_LENGTH
from engine.jobs import TERMINAL, Job, JobState, Lane
from engine.ports import JobFilter
from store.codec import JOB
from store.driver import Driver, in_lists
from store.schema import (
    AT_REST,
    DEADLINE,
    DUE,
    HOLDING,
    QUEUED,
    READY,
    READY_KEYED,
    UNVERIFIED,
)

_COLUMNS = ",".join(JOB.names)
_SELECT = f"SELECT {_COLUMNS} FROM job WHERE "
_INSERT = f"INSERT INTO job ({_COLUMNS}) VALUES ({','.join('?' * len(JOB.names))})"
_INDEXES = range(len(JOB.names))
_GUARD = "id = ? AND state = ? AND epoch = ?"
_ID, _STATE, _EPOCH = (JOB.names.index(name) for name in ("id", "state", "epoch"))

_READY = f"{_SELECT} {READY} AND lane = ? ORDER BY ready_seq LIMIT ?"
_HEADS = " UNION ALL ".join(
    f"SELECT * FROM ({_SELECT} {READY} AND lane = {lane:d} ORDER BY ready_seq LIMIT ?)"
    f" AS of_lane_{lane:d}"
    for lane in Lane
)
_QUEUED = f"{_SELECT} {QUEUED} AND worker_key = ? AND lane = ? ORDER BY ready_seq LIMIT ?"
_READY_ON_KEY = (
    f"SELECT count(*) FROM (SELECT 1 FROM job WHERE {READY_KEYED} AND worker_key = ?"
    " AND lane = ? LIMIT ?) AS counted"
)
_HOLDING = f"{_SELECT} {HOLDING} ORDER BY id"
_DUE = f"{_SELECT} {DUE} AND run_at <= ? ORDER BY run_at, id LIMIT ?"
_EXPIRED = f"{_SELECT} {DEADLINE} AND run_at <= ? ORDER BY run_at, id LIMIT ?"
_NEXT_DUE = (
    f"SELECT min(run_at) FROM job WHERE {DUE}",
    f"SELECT min(run_at) FROM job WHERE {DEADLINE}",
)
_COUNTS = "SELECT state, lane, count(*) FROM job GROUP BY state, lane"
_UNVERIFIED = f"SELECT lane, count(*) FROM job WHERE {UNVERIFIED} GROUP BY lane"
_ENDING = "SELECT id FROM job WHERE id LIKE ? ESCAPE '!' ORDER BY id DESC"
_AT_REST_STATES = ",".join(f"'{state.value}'" for state in sorted(TERMINAL))
_PRUNABLE = (
    f"SELECT id FROM job WHERE {AT_REST} AND state = '{{state}}' AND finished_at < ?"
    " AND NOT EXISTS (SELECT 1 FROM edge JOIN job AS child ON child.id = edge.child"
    f" WHERE edge.parent = job.id AND child.state NOT IN ({_AT_REST_STATES}))"
    " ORDER BY finished_at, id LIMIT ?"
)
_WITH_A_JOB = ("attempt", "signal", "decision", "artefact", "call", "review")


def _like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


class JobTable:
    """The verbs of `engine.ports.Tables` that concern jobs."""

    _driver: Driver

    def jobs(self, ids: Iterable[str]) -> list[Job]:
        """The jobs of these ids, in no order."""
        found: list[Job] = []
        for marks, values in in_lists(list(ids)):
            found += self._select(f"{_SELECT} id IN ({marks})", values)
        return found

    def jobs_ending_with(self, ending: str, limit: int) -> list[str]:
        """Ids that end with `ending`, newest first. Less than a whole id walks the index."""
        if len(ending) >= ULID_LENGTH:
            return [job.id for job in self.jobs([ending])][:limit]
        rows = self._driver.rows(_ENDING, ("%" + _like(ending),))
        return [row[0] for row in rows if row[0].endswith(ending)][:limit]

    def insert_jobs(self, jobs: Sequence[Job]) -> None:
        """Add new rows."""
        if jobs:
            self._driver.many(_INSERT, [JOB.encode(job) for job in jobs])

    def update_jobs(self, writes: Sequence[tuple[Job, Job]]) -> None:
        """Write (before, after), changed columns only, if state and epoch are still before's.

        Raises:
            StaleWrite: a row was not there; the transaction must roll back.
        """
        for batch in _distinct(writes):
            by_columns: dict[tuple[int, ...], list[Sequence[Any]]] = defaultdict(list)
            for before, after in batch:
                columns, values = _difference(before, after)
                by_columns[columns].append(values)
            hits = [self._update(columns, rows) for columns, rows in by_columns.items()]
            if sum(hits) != len(batch):
                raise self._stale(batch)

    def _update(self, columns: tuple[int, ...], rows: Sequence[Sequence[Any]]) -> int:
        changes = ",".join(f"{JOB.names[index]} = ?" for index in columns) or "epoch = epoch"
        return self._driver.many(f"UPDATE job SET {changes} WHERE {_GUARD}", rows)

    def _stale(self, batch: Sequence[tuple[Job, Job]]) -> StaleWrite:
        """Find the row that missed: neither as it was expected nor as the batch just made it."""
        stored = {job.id: job for job in self.jobs(before.id for before, _ in batch)}
        missed = [
            (before, now)
            for before, after in batch
            if not _stands_as(now := stored.get(before.id), before) and not _stands_as(now, after)
        ]
        return stale(*(missed or [(batch[0][0], stored.get(batch[0][0].id))])[0])

    def ready(self, lane: Lane, limit: int) -> list[Job]:
        """READY jobs of a lane by ready_seq."""
        return self._select(_READY, (int(lane), limit))

    def heads(self, limit: int) -> list[Job]:
        """READY jobs of every lane, at most `limit` of each, by lane and ready_seq."""
        return self._select(_HEADS, (limit,) * len(Lane))

    def queued(self, worker_key: str, lane: Lane, limit: int) -> list[Job]:
        """Jobs BLOCKED by DIRECTORY or POOL on this key in this lane, by ready_seq."""
        return self._select(_QUEUED, (worker_key, int(lane), limit))

    def ready_on_key(self, worker_key: str, lane: Lane, limit: int) -> int:
        """How many jobs of this key and lane are READY, counted up to `limit`."""
        return int(self._driver.rows(_READY_ON_KEY, (worker_key, int(lane), limit))[0][0])

    def holding(self) -> list[Job]:
        """Jobs that occupy their worker_key now, by id."""
        return self._select(_HOLDING, ())

    def due(self, now: int, limit: int) -> list[Job]:
        """DELAYED jobs with run_at <= now, by run_at."""
        return self._select(_DUE, (now, limit))

    def expired(self, now: int, limit: int) -> list[Job]:
        """WAITING jobs with 0 < run_at <= now, by run_at."""
        return self._select(_EXPIRED, (now, limit))

    def next_due(self) -> int | None:
        """The smallest run_at of DELAYED jobs and of WAITING jobs that have one."""
        firsts = (self._driver.rows(sql)[0][0] for sql in _NEXT_DUE)
        return min((first for first in firsts if first is not None), default=None)

    def list_jobs(self, where: JobFilter, after: str, limit: int, newest: bool) -> list[Job]:
        """Jobs that match, by id, starting behind id `after`."""
        terms, values = _conditions(where)
        if after:
            terms.append("id < ?" if newest else "id > ?")
            values.append(after)
        order = "DESC" if newest else "ASC"
        sql = f"{_SELECT} {' AND '.join(terms) or '1 = 1'} ORDER BY id {order} LIMIT ?"
        return self._select(sql, (*values, limit))

    def count_jobs(self) -> dict[tuple[JobState, Lane], int]:
        """How many jobs there are of each state and lane."""
        return {
            (JobState(state), Lane(lane)): count
            for state, lane, count in self._driver.rows(_COUNTS)
        }

    def count_unverified(self) -> dict[Lane, int]:
        """How many jobs of each lane succeeded by their own word alone."""
        return {Lane(lane): count for lane, count in self._driver.rows(_UNVERIFIED)}

    def prunable(self, state: JobState, before: int, limit: int) -> list[str]:
        """Ids of jobs at rest since before `before` that no living child or group needs."""
        sql = _PRUNABLE.format(state=state.value)
        return [row[0] for row in self._driver.rows(sql, (before, limit))]

    def delete_jobs(self, ids: Sequence[str]) -> None:
        """Remove rows with their edges and the records that name them as their job."""
        for marks, values in in_lists(ids):
            for table in _WITH_A_JOB:
                self._driver.run(f"DELETE FROM {table} WHERE job IN ({marks})", values)
            for end in ("child", "parent"):
                self._driver.run(f"DELETE FROM edge WHERE {end} IN ({marks})", values)
            self._driver.run(f"DELETE FROM job WHERE id IN ({marks})", values)

    def _select(self, sql: str, values: Sequence[Any]) -> list[Job]:
        decode = JOB.decode
        return [decode(row) for row in self._driver.rows(sql, values)]


def _stands_as(now: Job | None, job: Job) -> bool:
    return now is not None and now.state is job.state and now.epoch == job.epoch


def stale(before: Job, now: Job | None) -> StaleWrite:
    """Give the error for a write whose row has moved on."""
    found = "it is gone" if now is None else f"it is {now.state} at epoch {now.epoch}"
    return StaleWrite(
        f"Job {before.id} was expected {before.state} at epoch {before.epoch}, but {found}.",
        remedy="Nothing of this transaction was written; it is planned again from what is stored.",
        job=before.id,
    )


def _difference(before: Job, after: Job) -> tuple[tuple[int, ...], list[Any]]:
    """Which columns differ, and the values to bind: the new ones, then the guard's."""
    old, new = JOB.values(before), JOB.values(after)
    replaced = compress(_INDEXES, map(is_not, old, new))  # few: a copy shares what it keeps
    columns = tuple(index for index in replaced if old[index] != new[index])
    values = [JOB.encode_one(index, new[index]) for index in columns]
    return columns, [*values, old[_ID], old[_STATE].value, old[_EPOCH]]


def _distinct(writes: Sequence[tuple[Job, Job]]) -> Iterator[Sequence[tuple[Job, Job]]]:
    """Cut writes so that no piece holds one job twice: pieces are regrouped, so order is lost."""
    if len({before.id for before, _ in writes}) == len(writes):
        yield writes
        return
    for write in writes:
        yield [write]


def _conditions(where: JobFilter) -> tuple[list[str], list[Any]]:
    terms: list[str] = []
    values: list[Any] = []
    for column, wanted in (
        ("state", [state.value for state in where.states]),
        ("lane", [int(lane) for lane in where.lanes]),
        ("kind", [str(kind) for kind in where.kinds]),
    ):
        if wanted:
            terms.append(f"{column} IN ({','.join('?' * len(wanted))})")
            values += wanted
    for column in ("project", "backend", "root", "cwd"):
        if value := getattr(where, column):
            terms.append(f"{column} = ?" + (" AND root <> ''" if column == "root" else ""))
            values.append(value)
    if where.text:
        terms.append("lower(name) LIKE lower(?) ESCAPE '!'")
        values.append(f"%{_like(where.text)}%")
    return terms, values
