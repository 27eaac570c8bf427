"""The router's ledger: what it was told is there after a restart, once, and cheaply."""

from __future__ import annotations

import asyncio
import sqlite3
import stat

import pytest

from engine.errors import DamagedLedger, HouseFault, NewerSchema, Unavailable
from engine.moments import US_PER_S
from routing.ledger import Keeping, Ledger
from routing.ports import Entry, EntryKind, Restored

NOON = 1_795_348_800_000_000
DAY_US = 86_400 * US_PER_S


class MovedClock:
    def __init__(self):
        self.at = NOON

    def now(self):
        return self.at

    def monotonic(self):
        return self.at / US_PER_S


def sums_of(call):
    return (f"day:{call['at'] // DAY_US}", f"job:{call['job']}")


def call(grant, usd=0.5, at=NOON, **more):
    skips = [{"slot": "p/k/m", "reason": "rate_limited", "until": 0, "detail": ""}]
    return Entry(
        EntryKind.CALL,
        grant,
        {"id": grant, "job": "j", "at": at, "usd": usd, "skips": skips} | more,
    )


def state(key, **data):
    return Entry(EntryKind.STATE, key, data)


def reserved(grant):
    return Entry(EntryKind.RESERVED, grant, {"usd": 1.0})


@pytest.fixture
def clock():
    return MovedClock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "router.db"


@pytest.fixture
def opener(path, clock):
    """Open the ledger; all that were opened are closed at the end."""
    opened = []

    def open_one(keeping=None):
        opened.append(Ledger(path, clock, sums_of, keeping))
        return opened[-1]

    yield open_one
    for ledger in opened:
        ledger.close()


async def after_restart(opener, *entries):
    ledger = opener()
    await ledger.append(entries)
    ledger.close()
    return opener().restore()


async def test_a_new_ledger_remembers_nothing(opener):
    assert opener().restore() == Restored()


async def test_facts_of_every_kind_are_there_after_a_restart(opener):
    found = await after_restart(
        opener,
        state("p/k/m", until=7),
        Entry(EntryKind.TRIPPED, "p", {"until": 8}),
        reserved("r:1"),
        Entry(EntryKind.BINDING, "abc", {"job": "j"}),
        Entry(EntryKind.FENCE, "job:j", {"epoch": 2}),
        Entry(EntryKind.HOUSE, "halted", {"at": 9}),
    )
    assert found.states == {"p/k/m": {"until": 7}}
    assert found.tripped == {"p": {"until": 8}}
    assert found.reserved == {"r:1": {"usd": 1.0}}
    assert found.bindings == {"abc": {"job": "j"}}
    assert found.fences == {"job:j": {"epoch": 2}}
    assert found.house == {"halted": {"at": 9}}


async def test_a_later_fact_replaces_an_earlier_one_and_empty_data_takes_it_back(opener):
    found = await after_restart(
        opener,
        state("a", until=1),
        state("a", until=2),
        Entry(EntryKind.TRIPPED, "p", {"until": 8}),
        Entry(EntryKind.TRIPPED, "p"),
        Entry(EntryKind.BINDING, "abc", {"job": "j"}),
        Entry(EntryKind.UNBOUND, "abc"),
    )
    assert (found.states, found.tripped, found.bindings) == ({"a": {"until": 2}}, {}, {})


async def test_a_finished_call_ends_its_reservation_and_counts_in_every_sum(opener):
    found = await after_restart(opener, reserved("r:1"), reserved("r:2"), call("r:1"), call("r:3"))
    assert found.reserved == {"r:2": {"usd": 1.0}}
    assert found.spent == {f"day:{NOON // DAY_US}": 1.0, "job:j": 1.0}
    assert [one["id"] for one in found.calls] == ["r:1", "r:3"]
    assert "skips" not in found.calls[0]


async def test_a_call_that_is_appended_twice_counts_and_ships_once(opener):
    ledger = opener()
    await ledger.append([call("r:1")])
    await ledger.append([call("r:1"), call("r:1")])
    assert ledger.restore().spent["job:j"] == 0.5
    assert len(await ledger.unshipped(10)) == 1


async def test_the_outbox_holds_calls_and_notices_in_order_until_they_are_shipped(opener):
    ledger = opener()
    notice = Entry(EntryKind.NOTICE, "", {"kind": "closed", "slot": "p/k/m"})
    await ledger.append([call("r:1"), state("a", until=1), notice, call("r:2")])
    facts = await ledger.unshipped(10)
    assert [(seq, fact["kind"]) for seq, fact in facts] == [(1, "call"), (2, "closed"), (3, "call")]
    assert facts[0][1]["skips"]
    assert len(await ledger.unshipped(2)) == 2
    await ledger.shipped(2)
    assert [seq for seq, _ in await ledger.unshipped(10)] == [3]


async def test_no_seq_is_given_twice_though_all_was_shipped_before_a_restart(opener):
    ledger = opener()
    await ledger.append([call("r:1"), call("r:2")])
    await ledger.shipped(2)
    ledger.close()
    again = opener()
    await again.append([call("r:3")])
    assert [seq for seq, _ in await again.unshipped(10)] == [3]


async def test_the_identity_is_the_files_own_and_a_new_one_is_taken_for_good(opener):
    ledger = opener()
    first = ledger.identity
    ledger.close()
    ledger = opener()
    assert ledger.identity == first
    await ledger.rename()
    renamed = ledger.identity
    ledger.close()
    assert first != renamed == opener().identity


async def test_many_appends_at_once_share_few_commits(opener):
    ledger = opener()
    await asyncio.gather(*(ledger.append([reserved(f"r:{n}")]) for n in range(500)))
    assert len(ledger.restore().reserved) == 500
    assert ledger.commits <= 20


async def test_an_entry_that_is_no_json_harms_no_neighbour(opener):
    ledger = opener()
    good = asyncio.create_task(ledger.append([state("good", until=1)]))
    with pytest.raises(TypeError):
        await ledger.append([state("bad", until=object())])
    with pytest.raises(KeyError):
        await ledger.append([Entry(EntryKind.CALL, "r:1", {"usd": 1.0, "job": "j"})])
    await good
    assert ledger.restore().states == {"good": {"until": 1}}


async def test_what_nothing_needs_any_more_is_removed(opener, clock):
    keeping = Keeping(calls_us=10, days_us=20, rest_us=30)
    ledger = opener(keeping)
    bound = Entry(EntryKind.BINDING, "abc", {"job": "j"})
    await ledger.append([call("r:1"), bound, state("p/k/m", until=7)])
    ledger.close()
    clock.at += 25
    ledger = opener(keeping)
    await ledger.append([reserved("r:2")])
    await ledger.append([reserved("r:2")])  # the round is behind the batch it came with
    found = ledger.restore()
    assert (found.calls, found.spent) == ((), {"job:j": 0.5})
    assert found.bindings
    ledger.close()
    clock.at += 25
    ledger = opener(keeping)
    await ledger.append([reserved("r:2")])
    await ledger.append([reserved("r:2")])
    found = ledger.restore()
    assert (found.spent, found.bindings) == ({}, {})
    assert found.states == {"p/k/m": {"until": 7}}, "what is closed has an end of its own"
    assert len(await ledger.unshipped(10)) == 1, "what is not shipped is kept whatever its age"


async def test_only_the_owner_can_read_it_also_when_it_was_open_to_all(opener, path):
    path.touch(mode=0o644)
    path.chmod(0o644)
    await opener().append([state("a", until=1)])
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.glob("router.db*")}
    assert modes == {0o600}


async def test_a_file_that_is_no_ledger_is_told_with_a_remedy(opener, path):
    path.write_bytes(b"not a database, but long enough to be one" * 100)
    with pytest.raises(DamagedLedger, match="damaged") as caught:
        opener()
    assert "router.db" in caught.value.remedy
    assert caught.value.lasting


async def test_another_programs_database_is_left_alone(opener, path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (a)")
        other.execute("PRAGMA user_version = 1")
    other.close()
    before = path.read_bytes()
    with pytest.raises(DamagedLedger, match="not a router's ledger"):
        opener()
    assert path.read_bytes() == before


async def test_a_page_that_rotted_is_found_when_the_file_is_opened(opener, path):
    ledger = opener()
    await ledger.append([state(f"key {n}", text="x" * 200) for n in range(200)])
    ledger.close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    with pytest.raises(DamagedLedger):
        opener()


async def test_a_ledger_of_a_newer_program_is_not_touched(opener, path):
    opener().close()
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    before = path.read_bytes()
    with pytest.raises(NewerSchema, match="version 99"):
        opener()
    assert path.read_bytes() == before


async def test_what_comes_behind_the_end_is_refused_and_does_not_hang(opener):
    ledger = opener()
    ledger.close()
    ledger.close()
    with pytest.raises(HouseFault, match="closed"):
        await ledger.append([state("a", until=1)])


async def test_a_failed_write_is_told_to_all_who_shared_it_and_writes_nothing(opener):
    ledger = opener()
    await ledger.append([state("a", until=1)])
    ledger._file.execute("PRAGMA query_only = ON")
    done = await asyncio.gather(
        *(ledger.append([state(f"b{n}", until=1)]) for n in range(5)), return_exceptions=True
    )
    assert {type(one) for one in done} == {HouseFault}
    ledger._file.execute("PRAGMA query_only = OFF")
    await ledger.append([state("c", until=1)])
    assert set(ledger.restore().states) == {"a", "c"}


async def test_a_second_opener_of_the_same_process_is_refused_while_the_first_lives(opener):
    opener()
    with pytest.raises(Unavailable, match="one writer"):
        opener()
