"""One probe in the whole system, for the highest lane that waits; then a few calls at a time."""

from __future__ import annotations

from itertools import pairwise

from engine.jobs import Lane
from routing.requests import Grant, Refusal
from tests.unit.routing.corekit import (
    MINUTE,
    NOON,
    Core,
    S,
    catalogue,
    provider,
    provider_of,
    reasons,
    serves,
)


def lonely(**more):
    return Core(catalogue(serves("a", "worker")), **more)


def limited_till_half_open(core, seconds=20):
    core.limited(core.granted("worker"), {"retry-after": str(seconds)})
    core.wait(seconds * S)


def test_after_a_known_reset_one_probe_goes_through_and_all_others_wait():
    core = lonely()
    limited_till_half_open(core)
    probe = core.granted("worker")
    assert probe.probe
    for lane in (Lane.P0, Lane.P2):
        refusal = core.refused("worker", lane)
        assert reasons(refusal) == {"a/main/worker-id": "probing"}
        assert core.now < refusal.until <= core.now + 2 * S


def test_a_microsecond_before_the_reset_nobody_goes_through():
    core = lonely()
    core.limited(core.granted("worker"), {"retry-after": "20"})
    core.wait(20 * S - 1)
    assert core.refused("worker", Lane.P0).until == NOON + 20 * S
    core.wait(1)
    assert core.granted("worker", Lane.P0).probe


def test_a_good_head_is_enough_to_let_others_follow():
    core = lonely()
    limited_till_half_open(core)
    probe = core.granted("worker")
    core.head(probe)
    core.wait(S)
    assert core.state("a/main/worker-id")["state"] == "open"
    core.good(probe)
    assert not core.granted("worker").probe


def test_slots_keys_and_the_breaker_of_a_provider_share_its_one_probe():
    known = catalogue(
        serves("a", "worker"), serves("a", "other"), providers=[provider("a", ("one", "two"))]
    )
    core = Core(known)
    for _ in range(2):
        for model in ("worker", "other"):
            core.limited(core.granted(model, who={"pinned": True}), {"retry-after": "20"})
    core.wait(20 * S)
    assert core.granted("worker", who={"pinned": True}).probe
    refusal = core.refused("other", who={"pinned": True})
    assert set(reasons(refusal).values()) == {"probing", "pinned"}


def test_a_cancelled_probe_finds_out_nothing_and_frees_its_place():
    core = lonely()
    limited_till_half_open(core)
    core.bad(core.granted("worker"), "cancelled", 0)
    assert core.granted("worker").probe


def test_a_probe_whose_owner_vanished_holds_its_place_for_one_whole_timeout():
    core = lonely(whole_s=600)
    limited_till_half_open(core)
    core.granted("worker")
    core.wait(599 * S)
    assert isinstance(core.ask("worker"), Refusal)
    core.wait(S)
    assert core.granted("worker").probe


def test_what_a_vanished_probe_says_at_last_is_not_held_against_the_next():
    core = lonely()
    limited_till_half_open(core)
    lost = core.granted("worker")
    core.wait(600 * S)
    probe = core.granted("worker")
    core.good(lost)
    assert core.core.view(core.now)["providers"]["a"]["probe"] in ("", probe.id)


def test_the_probe_is_kept_for_a_higher_lane_that_was_told_to_come_now():
    core = lonely()
    core.limited(core.granted("worker"), {"retry-after": "20"})
    assert core.refused("worker", Lane.P0).until == NOON + 20 * S
    late = core.refused("worker", Lane.P4).until
    core.now = late
    assert isinstance(core.ask("worker", Lane.P4), Refusal)
    assert core.granted("worker", Lane.P0).probe


def test_a_higher_lane_that_does_not_come_loses_its_turn():
    core = lonely()
    core.limited(core.granted("worker"), {"retry-after": "20"})
    core.refused("worker", Lane.P0)
    core.now = NOON + 20 * S + 3 * S + 1
    assert core.granted("worker", Lane.P4).probe


def test_lower_lanes_are_told_a_little_later_and_nobody_at_the_same_instant():
    core = lonely()
    core.limited(core.granted("worker"), {"retry-after": "20"})
    told = [core.refused("worker", lane).until for lane in (Lane.P0, Lane.P1, Lane.P2, Lane.P3)]
    assert told == sorted(set(told))
    assert told[0] == NOON + 20 * S
    assert told[-1] <= NOON + 22 * S


def test_background_work_is_called_back_one_by_one():
    core = lonely()
    core.limited(core.granted("worker"), {"retry-after": "20"})
    told = [core.refused("worker", Lane.P5).until for _ in range(300)]
    gaps = [later - earlier for earlier, later in pairwise(told)]
    assert min(gaps) >= S // 20
    assert told[-1] < NOON + 40 * S


def test_the_pace_of_the_line_is_that_of_the_limit():
    core = lonely()
    headers = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59"}
    grant = core.granted("worker")
    core.head(grant, headers | {"x-ratelimit-reset-requests": "1s"})
    core.limited(core.granted("worker"), {"retry-after": "20"})
    told = [core.refused("worker", Lane.P5).until for _ in range(2000)]
    assert all(NOON + 20 * S <= until <= NOON + 12 * MINUTE for until in told)
    assert told[60] - told[6] >= 59 * S


def test_what_has_just_opened_takes_one_call_more_with_each_success():
    core = lonely()
    limited_till_half_open(core)
    core.good(core.granted("worker"))
    for places in (1, 2, 3, 4):
        under_way = [core.granted("worker") for _ in range(places)]
        assert reasons(core.refused("worker")) == {"a/main/worker-id": "admission_full"}
        core.good(under_way[0])
        for grant in under_way[1:]:
            core.bad(grant, "cancelled", 0)


def test_the_slow_start_ends():
    core = lonely()
    limited_till_half_open(core)
    for _ in range(20):
        core.good(core.granted("worker"))
    assert all(isinstance(core.ask("worker"), Grant) for _ in range(30))


def test_a_first_choice_that_is_half_open_is_probed_before_others_are_asked():
    core = Core()
    core.close("a", 20)
    assert provider_of(core.granted("worker")) == "b"
    core.wait(20 * S)
    grant = core.granted("worker")
    assert (provider_of(grant), grant.probe) == ("a", True)
    assert provider_of(core.granted("worker")) == "b"
