"""Admission, the reserve of urgent work, and who waits instead of spilling."""

from __future__ import annotations

import pytest

from engine.jobs import Lane
from routing.requests import Grant, Refusal, RefusalKind
from tests.unit.routing.corekit import (
    HOUR,
    MINUTE,
    NOON,
    Core,
    Limits,
    S,
    catalogue,
    provider,
    provider_of,
    reasons,
    serves,
)


def narrow(first=100, second=10, **more):
    """Two providers of a model, of so many requests a minute."""
    limits = {"a": first, "b": second}
    return catalogue(
        *(serves(name, "worker") for name in limits),
        providers=[
            provider(name, limits=Limits(requests_per_minute=limit, **more))
            for name, limit in limits.items()
        ],
    )


def flood(core, lane, most=500):
    """Ask until somebody refuses; count who answered."""
    told = {}
    for _ in range(most):
        decided = core.ask("worker", lane)
        if isinstance(decided, Refusal):
            return told, decided
        told[provider_of(decided)] = told.get(provider_of(decided), 0) + 1
    return told, None


# -- admission ------------------------------------------------------------------------------------
def test_nine_tenths_of_a_limit_are_used_and_no_more_in_any_minute():
    core = Core(narrow(20, 10), concurrency=1000)
    times = []
    for _ in range(600):
        decided = core.ask("worker", Lane.P4)
        if isinstance(decided, Grant):
            assert provider_of(decided) == "a"
            times.append(core.now)
            core.good(decided)
        core.wait(S // 2)
    for start in times:
        assert sum(start <= at < start + MINUTE for at in times) <= 18
    assert len(times) >= 80


def test_a_request_that_finds_no_room_learns_when_there_will_be():
    core = Core(narrow(10, 10))
    told, refusal = flood(core, Lane.P4)
    assert told == {"a": 9}
    assert NOON + MINUTE <= refusal.until <= NOON + MINUTE + 3 * S
    core.now = refusal.until
    assert isinstance(core.ask("worker", Lane.P4), Grant)


def test_limits_are_learned_from_successes():
    core = Core(catalogue(serves("a", "worker")))
    headers = {
        "anthropic-ratelimit-requests-limit": "5",
        "anthropic-ratelimit-requests-remaining": "4",
        "anthropic-ratelimit-requests-reset": "2026-09-22T12:01:00Z",
    }
    core.good(core.granted("worker"), headers=headers)
    told, _ = flood(core, Lane.P0)
    assert told == {"a": 4}


def test_what_the_provider_says_is_left_is_not_exceeded():
    core = Core(catalogue(serves("a", "worker")))
    headers = {"x-ratelimit-remaining-requests": "2", "x-ratelimit-reset-requests": "30s"}
    core.good(core.granted("worker"), headers=headers)
    told, refusal = flood(core, Lane.P0)
    assert told == {"a": 2}
    assert refusal.until == NOON + 30 * S


def test_tokens_are_limited_as_requests_are_and_corrected_by_what_was_used():
    limits = Limits(tokens_per_minute=1000)
    core = Core(catalogue(serves("a", "worker"), providers=[provider("a", limits=limits)]))
    grants = [core.granted("worker", input_tokens=100, max_tokens=100) for _ in range(4)]
    assert reasons(core.refused("worker")) == {"a/main/worker-id": "admission_full"}
    for grant in grants:
        core.good(grant, input=50, output=10)
    assert isinstance(core.ask("worker"), Grant)


def test_a_prompt_beyond_the_whole_limit_goes_when_nothing_else_is_out():
    limits = Limits(tokens_per_minute=1000)
    core = Core(catalogue(serves("a", "worker"), providers=[provider("a", limits=limits)]))
    assert isinstance(core.ask("worker", input_tokens=5000), Grant)
    assert isinstance(core.ask("worker", input_tokens=5000), Refusal)


def test_calls_under_way_are_counted_by_provider():
    limits = Limits(concurrency=3)
    core = Core(catalogue(serves("a", "worker"), providers=[provider("a", limits=limits)]))
    grants = [core.granted("worker") for _ in range(3)]
    refusal = core.refused("worker")
    assert reasons(refusal) == {"a/main/worker-id": "admission_full"}
    assert core.now < refusal.until <= core.now + 31 * S
    core.good(grants[0])
    assert isinstance(core.ask("worker"), Grant)


def test_second_attempts_at_a_provider_are_a_part_of_its_requests():
    core = Core(
        catalogue(serves("a", "worker"), providers=[provider("a", ("one", "two"))]),
        concurrency=1000,
    )
    for _ in range(50):
        core.good(core.granted("worker"))
    tried = frozenset({core.granted("worker").candidate.slot})
    second = [core.ask("worker", tried=tried, attempt=2) for _ in range(30)]
    assert sum(isinstance(one, Grant) for one in second) == 11  # a fifth of 51, and the one over
    assert reasons(second[-1])[f"a/{_other(tried)}/worker-id"] == "admission_full"


def _other(tried):
    return "two" if next(iter(tried)).key == "one" else "one"


# -- spilling -------------------------------------------------------------------------------------
@pytest.mark.parametrize("lane", [Lane.P3, Lane.P4, Lane.P5])
def test_background_work_waits_for_its_first_choice(lane):
    core = Core()
    core.close("a", 60)
    refusal = core.refused("worker", lane)
    assert refusal.kind is RefusalKind.CLOSED
    assert reasons(refusal) == {
        "a/main/worker-id": "rate_limited",
        "b/main/worker-id": "deferred",
        "c/main/worker-id": "deferred",
    }
    assert NOON + 60 * S <= refusal.until <= NOON + 62 * S


@pytest.mark.parametrize("lane", [Lane.P0, Lane.P1, Lane.P2])
def test_urgent_and_normal_work_spills(lane):
    core = Core()
    core.close("a", 60)
    grant = core.granted("worker", lane)
    assert (provider_of(grant), grant.spill, grant.substituted) == ("b", True, False)


def test_a_full_first_choice_is_waited_for_as_a_closed_one_is():
    core = Core(narrow(10, 10))
    flood(core, Lane.P5)
    assert reasons(core.refused("worker", Lane.P3))["b/main/worker-id"] == "deferred"
    assert provider_of(core.granted("worker", Lane.P2)) == "b"


def test_the_last_fifth_of_a_fallback_is_for_p0_and_p1():
    core = Core(narrow(10, 10))
    core.close("a", 600)
    told, refusal = flood(core, Lane.P2)
    assert told == {"b": 7}
    assert reasons(refusal)["b/main/worker-id"] == "reserved"
    told, refusal = flood(core, Lane.P1)
    assert told == {"b": 2}
    assert reasons(refusal)["b/main/worker-id"] == "admission_full"


def test_the_reserve_counts_for_calls_under_way_too():
    limits = Limits(concurrency=10)
    core = Core(
        catalogue(
            *(serves(name, "worker") for name in ("a", "b")),
            providers=[provider(name, limits=limits) for name in ("a", "b")],
        )
    )
    core.close("a", 600)
    assert flood(core, Lane.P2)[0] == {"b": 8}
    assert flood(core, Lane.P0)[0] == {"b": 2}


@pytest.mark.parametrize(
    ("fault", "headers", "spills"),
    [
        ("rate_limit", {"retry-after": "7200"}, False),  # long, but known
        ("rate_limit", {}, False),  # a guess of seconds is waited for
        ("quota", {"retry-after": "1800"}, False),
        ("quota", {"retry-after": "7200"}, True),  # not within an hour
        ("quota", {}, True),
        ("auth", {}, True),
        ("not_found", {}, True),
        ("server", {}, True),  # tried, and not closed at all
    ],
)
def test_background_work_spills_only_where_waiting_has_no_near_end(fault, headers, spills):
    core = Core()
    grant = core.granted("worker", Lane.P4)
    core.bad(grant, fault, 429, headers=headers)
    tried = frozenset({grant.candidate.slot})
    decided = core.ask("worker", Lane.P4, tried=tried, attempt=2)
    assert isinstance(decided, Grant) is spills


def test_background_work_spills_from_a_broken_provider_but_not_into_the_reserve():
    core = Core(narrow(100, 10))
    for _ in range(5):
        core.bad(core.granted("worker"))
    told, refusal = flood(core, Lane.P5)
    assert told == {"b": 7}
    assert reasons(refusal)["b/main/worker-id"] == "reserved"


def test_rejections_that_name_no_time_again_and_again_let_background_work_go_elsewhere():
    core = Core()
    for _ in range(5):
        core.limited(core.granted("a/worker-id"))
        core.now = core.state("a/main/worker-id")["until"]
    core.limited(core.granted("a/worker-id"))
    assert core.state("a/main/worker-id")["until"] - core.now >= 600 * S
    assert provider_of(core.granted("worker", Lane.P5)) == "b"


def test_one_open_key_of_the_first_choice_is_no_spill():
    known = catalogue(
        serves("a", "worker"), serves("b", "worker"), providers=[provider("a", ("one", "two"))]
    )
    core = Core(known)
    core.limited(core.granted("worker"), {"retry-after": "60"})
    grant = core.granted("worker", Lane.P5)
    assert (provider_of(grant), grant.spill) == ("a", False)


def test_urgent_work_that_was_told_to_come_finds_its_place_kept():
    core = Core(catalogue(*narrow(10).deployments[:1], providers=narrow(10).providers.values()))
    flood(core, Lane.P5)
    urgent = core.refused("worker", Lane.P0)
    core.now = urgent.until
    assert isinstance(core.ask("worker", Lane.P2), Refusal)
    assert isinstance(core.ask("worker", Lane.P0), Grant)
    assert isinstance(core.ask("worker", Lane.P2), Grant)


# -- when -----------------------------------------------------------------------------------------
def test_a_refusal_says_the_earliest_time_at_which_anybody_can_be_asked():
    core = Core()
    for name, seconds in (("a", 300), ("b", 20), ("c", 90)):
        core.close(name, seconds)
    assert core.refused("worker", Lane.P0).until == NOON + 20 * S
    refusal = core.refused("worker", Lane.P4)
    assert refusal.until >= NOON + 300 * S


def test_when_all_were_tried_the_refusal_says_so():
    core = Core()
    tried = frozenset()
    for attempt in (1, 2, 3):
        grant = core.granted("worker", tried=tried, attempt=attempt)
        core.bad(grant)
        tried |= {grant.candidate.slot}
    refusal = core.refused("worker", tried=tried, attempt=4)
    assert refusal.kind is RefusalKind.FAILED


def test_a_day_long_closure_does_not_stop_normal_work():
    core = Core()
    core.close("a", 20 * HOUR // S)
    assert provider_of(core.granted("worker", Lane.P2)) == "b"
