"""The ring keeps order, knows holes, and tells a reader who is too late."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from actors.hubs.ring import NOW, Batch, Behind, Bounds, Ring, Sieve

ROOMY = Bounds(events=100, size_bytes=10**6, passing=10, page=50)
ALL = Sieve()


def stored(seq: int, kind: str = "job.ready", subject: str = "a", **data: Any) -> dict[str, Any]:
    return {"seq": seq, "at": seq, "kind": kind, "subject": subject, "project": "", "data": data}


def passing(text: str, subject: str = "a") -> dict[str, Any]:
    return stored(0, "job.output", subject, text=text)


def seqs(found: Batch | Behind) -> list[int]:
    assert isinstance(found, Batch)
    return [event["seq"] for event in found.events]


def test_events_come_back_in_order_behind_the_cursor():
    ring = Ring(ROOMY)
    taken, missing = ring.publish([stored(1), stored(2), stored(3)])
    assert ([event["seq"] for event in taken], missing) == ([1, 2, 3], False)
    found = ring.after(1, NOW, ALL)
    assert seqs(found) == [2, 3]
    assert found == Batch([stored(2), stored(3)], 3, NOW)


def test_an_event_that_comes_twice_is_taken_once():
    ring = Ring(ROOMY)
    ring.publish([stored(1), stored(2)])
    taken, missing = ring.publish([stored(1), stored(2), stored(3)])
    assert ([event["seq"] for event in taken], missing) == ([3], False)
    assert seqs(ring.after(0, NOW, ALL)) == [1, 2, 3]


def test_what_stands_behind_a_hole_waits_for_the_refill():
    ring = Ring(ROOMY)
    ring.publish([stored(1)])
    assert ring.publish([stored(3)]) == ([], True)
    assert seqs(ring.after(0, NOW, ALL)) == [1]
    ring.refill([stored(2), stored(3)])
    assert seqs(ring.after(0, NOW, ALL)) == [1, 2, 3]


def test_a_jump_in_a_refill_is_what_was_pruned_and_makes_older_cursors_late():
    ring = Ring(ROOMY)
    ring.publish([stored(1), stored(2)])
    ring.refill([stored(90), stored(91)])
    assert ring.after(2, NOW, ALL) == Behind(90)
    assert seqs(ring.after(89, NOW, ALL)) == [90, 91]


def test_a_cursor_older_than_the_ring_is_told_what_the_oldest_is():
    ring = Ring(Bounds(events=8, size_bytes=10**6, passing=1, page=50))
    ring.publish([stored(seq) for seq in range(1, 21)])
    late = ring.after(0, NOW, ALL)
    assert isinstance(late, Behind)
    assert seqs(ring.after(late.oldest - 1, NOW, ALL)) == list(range(late.oldest, 21))
    assert 1 <= 21 - late.oldest <= 8


def test_large_events_push_out_old_ones_before_the_count_is_reached():
    ring = Ring(Bounds(events=1000, size_bytes=10_000, passing=1, page=50))
    ring.publish([stored(seq, text="x" * 3000) for seq in range(1, 11)])
    assert 7 <= ring.oldest <= 10
    assert seqs(ring.after(9, NOW, ALL)) == [10]


def test_a_filtered_reader_moves_past_what_it_does_not_want():
    ring = Ring(ROOMY)
    ring.publish([stored(1), stored(2, "worker.born", "w"), stored(3)])
    assert ring.after(0, NOW, Sieve(("worker.",))) == Batch([stored(2, "worker.born", "w")], 3, NOW)
    assert ring.after(0, NOW, Sieve(subject="nobody")) == Batch([], 3, NOW)


def test_a_full_page_ends_where_the_next_one_begins():
    ring = Ring(Bounds(events=100, size_bytes=10**6, passing=1, page=3))
    ring.publish([stored(seq) for seq in range(1, 8)])
    first = ring.after(0, NOW, ALL)
    assert isinstance(first, Batch)
    assert (seqs(first), first.cursor) == ([1, 2, 3], 3)
    assert seqs(ring.after(3, NOW, ALL)) == [4, 5, 6]


def test_passing_events_come_only_to_those_who_ask_and_in_order_of_arrival():
    ring = Ring(ROOMY)
    start = ring.after(NOW, NOW, ALL)
    assert isinstance(start, Batch)
    ring.publish([stored(1), passing("one"), stored(2), passing("two", "b")])
    assert seqs(ring.after(0, NOW, ALL)) == [1, 2]
    found = ring.after(0, start.tick, ALL)
    assert isinstance(found, Batch)
    assert [event["seq"] for event in found.events] == [1, 0, 2, 0]
    again = ring.after(found.cursor, found.tick, ALL)
    assert again == Batch([], 2, found.tick)


def test_a_tick_from_before_a_restart_gives_all_that_is_held():
    ring = Ring(ROOMY)
    ring.publish([passing("one")])
    found = ring.after(0, 4711, ALL)
    assert isinstance(found, Batch)
    assert (list(found.events), found.tick) == ([passing("one")], 1)


def test_passing_events_are_bounded():
    ring = Ring(ROOMY)
    ring.publish([passing(str(n)) for n in range(1000)])
    found = ring.after(0, 0, ALL)
    assert isinstance(found, Batch)
    assert len(found.events) <= ROOMY.passing
    assert found.events[-1] == passing("999")


@given(
    st.lists(st.integers(1, 30), max_size=60),
    st.integers(1, 30),
    st.integers(1, 5),
)
def test_a_reader_sees_every_event_once_whatever_is_lost_on_the_way(arrivals, capacity, page):
    """`arrivals` says up to where each publish reaches; it starts anywhere, as if lost before."""
    bounds = Bounds(events=capacity, size_bytes=10**6, passing=1, page=page)
    ring, store, seen, cursor = Ring(bounds), [stored(seq) for seq in range(1, 32)], [], 0
    for reach in arrivals:
        _, missing = ring.publish(store[max(0, reach - 2) : reach])
        if missing:
            ring.refill(store[ring.last : reach])
        found = ring.after(cursor, NOW, ALL)
        if isinstance(found, Behind):
            seen += [event["seq"] for event in store[cursor : found.oldest - 1]]
            cursor = found.oldest - 1
            found = ring.after(cursor, NOW, ALL)
        seen += seqs(found)
        cursor = found.cursor
    assert seen == list(range(1, cursor + 1))
    assert cursor <= max(arrivals, default=0)
