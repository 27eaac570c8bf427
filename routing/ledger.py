"""The router's own durable file: what is closed, reserved, spent, bound, and not yet shipped.

One thread writes. It takes whatever waits for it into one transaction, so that a burst of appends
costs one sync of the disk, and answers when that sync is done. Sums of what was spent are kept up
with every call, so that a restart reads a few rows and not a history. It knows entries
(`routing.ports`) and time; what a budget or a closed slot means, it does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar
from uuid import uuid4

from engine.errors import HelioError, HouseFault
from engine.moments import US_PER_S
from engine.ports import Clock
from routing.ledger_file import ends_writing, explain, open_ledger_file
from routing.ports import Entry, EntryKind, Restored

T = TypeVar("T")
Act = Callable[[sqlite3.Connection], Any]
Keys = Callable[[Mapping[str, Any]], Sequence[str]]

_DAY_US = 86_400 * US_PER_S
_MOST_CALLS = 5_000  # that `restore` gives
_PRUNE_EVERY_US = 600 * US_PER_S
_PRUNE_ROWS = 500  # of a table in one round: a round must not delay a call
_REPLACING = {
    EntryKind.STATE: "state",
    EntryKind.TRIPPED: "tripped",
    EntryKind.RESERVED: "reserved",
    EntryKind.BINDING: "binding",
    EntryKind.UNBOUND: "binding",
    EntryKind.FENCE: "fence",
    EntryKind.HOUSE: "house",
}
_PUT = "INSERT OR REPLACE INTO {} (key, data, at) VALUES (?, ?, ?)"
_DROP = "DELETE FROM {} WHERE key = ?"
_SHIP = "INSERT INTO outbox (fact) VALUES (?)"
_ADD = (
    "INSERT INTO spent (key, usd, at) VALUES (?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET usd = usd + excluded.usd, at = excluded.at"
)


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long the ledger remembers what nothing needs any more."""

    calls_us: int = _DAY_US
    days_us: int = 3 * _DAY_US  # sums of a day: a day is over at another time in each zone
    rest_us: int = 30 * _DAY_US  # sums of a job, bindings, fences


@dataclass(slots=True)
class _Waiting:
    """One act for the writer, and the future of whoever waits for it."""

    act: Act
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


class Ledger:
    """Keeps the file `path`; `sums` names the sums that a finished call counts in.

    `commits` tells how many transactions there were.

    Raises:
        DamagedLedger, NewerSchema, Unavailable, StoreFull, HouseFault: see `open_ledger_file`.
    """

    def __init__(
        self, path: Path, clock: Clock, sums: Keys, keeping: Keeping | None = None
    ) -> None:
        self._name = path.name
        self._clock = clock
        self._sums = sums
        self._keeping = keeping or Keeping()
        self._file = open_ledger_file(path)
        self._identity = self._read_identity()
        self._next_prune = 0
        self._broken: HelioError | None = None
        self.commits = 0
        self._closed = False
        self._door = Lock()
        self._inbox: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._writer = Thread(target=self._write, name="ledger", daemon=True)
        self._writer.start()

    @property
    def identity(self) -> str:
        """A name that no other ledger file has: the main store counts `seq` by it."""
        return self._identity

    # -- what it is asked -----------------------------------------------------------------------
    def restore(self) -> Restored:
        """Read everything; called once, before the first append."""
        since = self._clock.now() - _DAY_US
        calls = self._file.execute(
            "SELECT data FROM (SELECT rowid AS place, data, at FROM call WHERE at >= ?"
            " ORDER BY at DESC, place DESC LIMIT ?) ORDER BY at, place",
            (since, _MOST_CALLS),
        )
        return Restored(
            states=self._table("state"),
            tripped=self._table("tripped"),
            reserved=self._table("reserved"),
            calls=tuple(json.loads(row[0]) for row in calls),
            bindings=self._table("binding"),
            fences=self._table("fence"),
            house=self._table("house"),
            spent=dict(self._file.execute("SELECT key, usd FROM spent")),
        )

    async def append(self, entries: Sequence[Entry]) -> None:
        """Make entries durable; returns when a power cut cannot lose them.

        Raises:
            StoreFull: the disk is full; nothing of these entries was written.
            HouseFault: the disk failed. From then on all is refused until it is opened anew.
        """
        if not entries:
            return
        now = self._clock.now()
        acts = [self._act_of(entry, now) for entry in entries]

        def write(file: sqlite3.Connection) -> None:
            for act in acts:
                act(file)

        await self._do(write)

    async def unshipped(self, limit: int) -> list[tuple[int, Mapping[str, Any]]]:
        """Give (seq, fact) of what the main store has not taken yet, oldest first."""
        rows = await self._do(
            lambda file: file.execute(
                "SELECT seq, fact FROM outbox ORDER BY seq LIMIT ?", (limit,)
            ).fetchall()
        )
        return [(seq, json.loads(fact)) for seq, fact in rows]

    async def shipped(self, seq: int) -> None:
        """Forget all up to `seq`: the main store has taken it."""
        await self._do(lambda file: file.execute("DELETE FROM outbox WHERE seq <= ?", (seq,)))

    async def rename(self) -> None:
        """Take a new identity: the main store counts further under the old one than we do."""
        fresh = uuid4().hex
        await self._do(
            lambda file: file.execute(
                "UPDATE about SET value = ? WHERE name = 'identity'", (fresh,)
            )
        )
        self._identity = fresh

    def close(self) -> None:
        """Write what waits, and let go of the file. Doing it twice is harmless."""
        with self._door:
            self._closed = True
            self._inbox.put(None)
        self._writer.join()

    # -- the writer's thread --------------------------------------------------------------------
    async def _do(self, act: Act) -> Any:
        loop = asyncio.get_running_loop()
        waiting = _Waiting(act, loop, loop.create_future())
        with self._door:  # nothing may come in behind the end
            if self._closed:
                raise HouseFault("The router's ledger is closed.", remedy="Try again in a moment.")
            self._inbox.put(waiting)
        return await waiting.done

    def _write(self) -> None:
        """Take what waits into one transaction, for as long as the ledger is open."""
        going = True
        while going:
            batch = [self._inbox.get()]
            while not self._inbox.empty():
                batch.append(self._inbox.get())
            waiting = [one for one in batch if one is not None]
            going = len(waiting) == len(batch)
            if waiting:
                _tell(waiting, *self._commit([one.act for one in waiting]))
            self._prune_if_due()
        with contextlib.suppress(sqlite3.Error):
            self._file.close()

    def _commit(self, acts: Sequence[Act]) -> tuple[list[Any], HelioError | None]:
        if self._broken is not None:
            return [], self._broken
        try:
            self._file.execute("BEGIN IMMEDIATE")
            results = [act(self._file) for act in acts]
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):  # some errors have rolled back already
                self._file.execute("ROLLBACK")
            fault = explain(error, self._name)
            if ends_writing(error):
                self._broken = fault
            return [], fault
        self.commits += 1
        return results, None

    def _prune_if_due(self) -> None:
        now = self._clock.now()
        if now < self._next_prune:
            return
        self._next_prune = now + _PRUNE_EVERY_US
        keep = self._keeping
        before = {
            "call": now - keep.calls_us,
            "binding": now - keep.rest_us,
            "fence": now - keep.rest_us,
        }
        doomed = "DELETE FROM {0} WHERE key IN (SELECT key FROM {0} WHERE at < ?{1} LIMIT ?)"
        acts = [_deletion(doomed.format(table, ""), at) for table, at in before.items()]
        of_jobs = " AND key GLOB 'job:*'"
        of_days = " AND key NOT GLOB 'job:*'"
        acts.append(_deletion(doomed.format("spent", of_jobs), now - keep.rest_us))
        acts.append(_deletion(doomed.format("spent", of_days), now - keep.days_us))
        self._commit(acts)

    # -- rows -----------------------------------------------------------------------------------
    def _act_of(self, entry: Entry, now: int) -> Act:
        """Give what an entry does to the file; whatever can be wrong with it is found here."""
        match entry.kind:
            case EntryKind.CALL:
                return self._call(entry, now)
            case EntryKind.NOTICE:
                fact = _text(entry.data)
                return lambda file: file.execute(_SHIP, (fact,))
            case kind:
                table = _REPLACING[kind]
        if not entry.data:
            return lambda file: file.execute(_DROP.format(table), (entry.key,))
        row = (entry.key, _text(entry.data), now)
        return lambda file: file.execute(_PUT.format(table), row)

    def _call(self, entry: Entry, now: int) -> Act:
        """A finished attempt: it counts once, however often it is appended."""
        data = entry.data
        fact = _text({**data, "kind": "call"})
        slim = _text({name: value for name, value in data.items() if name != "skips"})
        usd = float(data.get("usd") or 0.0)
        sums = [(key, usd, now) for key in self._sums(data)] if usd else []
        row = (entry.key, slim, int(data["at"]))

        def act(file: sqlite3.Connection) -> None:
            file.execute(_DROP.format("reserved"), (entry.key,))
            if file.execute("INSERT OR IGNORE INTO call VALUES (?, ?, ?)", row).rowcount:
                file.execute(_SHIP, (fact,))
                file.executemany(_ADD, sums)

        return act

    def _table(self, name: str) -> dict[str, Mapping[str, Any]]:
        rows = self._file.execute(f"SELECT key, data FROM {name}")  # noqa: S608  our own names
        return {key: json.loads(data) for key, data in rows}

    def _read_identity(self) -> str:
        row = self._file.execute("SELECT value FROM about WHERE name = 'identity'").fetchone()
        return str(row[0])


def _deletion(sql: str, before: int) -> Act:
    return lambda file: file.execute(sql, (before, _PRUNE_ROWS))


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(dict(data), separators=(",", ":"))


def _tell(waiting: Sequence[_Waiting], results: Sequence[Any], fault: HelioError | None) -> None:
    """Answer everybody on their own loop; each loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Callable[[], None]]] = {}
    for place, one in enumerate(waiting):
        said = _answer(one.done, None if fault else results[place], fault)
        by_loop.setdefault(one.loop, []).append(said)
    for loop, answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_run_all, answers)


def _answer(
    done: asyncio.Future[Any], result: object, fault: HelioError | None
) -> Callable[[], None]:
    def answer() -> None:
        if done.done():  # whoever waited went away
            return
        if fault is None:
            done.set_result(result)
        else:
            done.set_exception(fault)

    return answer


def _run_all(answers: Sequence[Callable[[], None]]) -> None:
    for answer in answers:
        answer()
