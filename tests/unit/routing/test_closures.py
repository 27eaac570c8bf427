"""What closes what, and for how long: slots, keys, providers."""

from __future__ import annotations

import pytest

from engine.jobs import Lane
from routing.models import ProviderKind
from routing.requests import RefusalKind
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

EXHAUSTED = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30s"}


def keyed():
    """Two models at one provider with two keys."""
    return catalogue(
        serves("a", "worker"),
        serves("a", "other"),
        providers=[provider("a", ("one", "two"))],
    )


def closed(core):
    return {
        one["slot"]: one["until"]
        for one in core.core.view(core.now)["candidates"]
        if one["state"] == "closed"
    }


def test_a_rate_limit_closes_one_model_of_one_key_until_the_named_time():
    core = Core(keyed())
    grant = core.granted("worker")
    core.limited(grant, {"retry-after": "20"})
    assert closed(core) == {str(grant.candidate.slot): NOON + 20 * S}
    following = core.granted("worker")
    assert following.candidate.slot != grant.candidate.slot
    assert following.skips == () or reasons(following) == {
        str(grant.candidate.slot): "rate_limited"
    }
    assert core.notices("closed")[0]["until"] == NOON + 20 * S


@pytest.mark.parametrize(
    ("fault", "headers"),
    [
        ("quota", {"retry-after": "7200"}),
        (
            "rate_limit",
            {
                "anthropic-ratelimit-unified-status": "rejected",
                "anthropic-ratelimit-unified-reset": str(NOON // S + 7200),
            },
        ),
    ],
)
def test_a_used_up_plan_closes_its_key_with_all_models(fault, headers):
    core = Core(keyed())
    grant = core.granted("worker")
    core.bad(grant, fault, 429, headers=headers)
    label = grant.candidate.key.label
    until = NOON + 7200 * S
    assert closed(core) == {f"a/{label}/worker-id": until, f"a/{label}/other-id": until}


def test_a_refused_key_is_closed_until_the_catalogue_changes():
    core = Core(catalogue(serves("a", "worker")))
    core.bad(core.granted("worker"), "auth", 401)
    core.wait(100 * 24 * 60 * MINUTE)
    refusal = core.refused("worker")
    assert refusal.kind is RefusalKind.NOTHING_CONFIGURED
    assert "refused this key" in refusal.message
    core.reborn()
    assert core.refused("worker").kind is RefusalKind.NOTHING_CONFIGURED
    core.core.use(catalogue(serves("a", "worker"), version="2"))
    assert provider_of(core.granted("worker")) == "a"


def test_nothing_left_on_a_success_closes_without_a_rejection():
    core = Core()
    grant = core.granted("worker")
    core.head(grant, EXHAUSTED)
    assert closed(core) == {"a/main/worker-id": NOON + 30 * S}
    core.good(grant, headers=EXHAUSTED)
    assert provider_of(core.granted("worker")) == "b"


def test_a_clients_own_login_that_is_refused_closes_nothing_for_others():
    plan = provider("a", ("login",), kind=ProviderKind.SUBSCRIPTION)
    core = Core(catalogue(serves("a", "worker", price=None), providers=[plan]))
    core.bad(core.granted("worker", login=True), "auth", 401)
    assert closed(core) == {}


def test_what_only_had_to_renew_opens_for_all_at_once():
    core = Core(catalogue(serves("a", "worker")))
    core.good(core.granted("worker"), headers=EXHAUSTED)
    core.wait(30 * S)
    core.good(core.granted("worker"))
    for _ in range(9):
        core.granted("worker")


@pytest.mark.parametrize("fault", ["refused", "content", "context", "cancelled"])
def test_what_is_wrong_with_the_request_closes_nothing(fault):
    core = Core()
    for _ in range(20):
        core.bad(core.granted("worker"), fault, 400)
    assert closed(core) == {}


def test_without_headers_waits_double_from_five_seconds_and_then_climb_the_ladder():
    core = Core(catalogue(serves("a", "worker")))
    waits = []
    for _ in range(9):
        core.limited(core.granted("worker"))
        until = core.state("a/main/worker-id")["until"]
        waits.append((until - core.now) / S)
        core.now = until
    for wait, base in zip(waits, (5, 10, 20, 40, 120, 600, 1800, 1800, 1800), strict=True):
        assert base <= wait <= 1.2 * base


def test_a_burst_of_rejections_counts_as_one():
    core = Core(catalogue(serves("a", "worker")))
    burst = [core.granted("worker") for _ in range(20)]
    for grant in burst:
        core.limited(grant)
    assert 5 * S <= core.state("a/main/worker-id")["until"] - core.now <= 6 * S


def test_a_late_rejection_can_only_move_the_reset_further_away():
    core = Core(catalogue(serves("a", "worker")))
    first, second, third = (core.granted("worker") for _ in range(3))
    core.limited(first, {"retry-after": "20"})
    core.limited(second, {"retry-after": "10"})
    assert core.state("a/main/worker-id")["until"] == NOON + 20 * S
    core.limited(third, {"retry-after": "40"})
    assert core.state("a/main/worker-id")["until"] == NOON + 40 * S


def test_a_late_success_does_not_open_what_was_closed_after_it_began():
    core = Core(catalogue(serves("a", "worker")))
    early, late = core.granted("worker"), core.granted("worker")
    core.limited(late, {"retry-after": "20"})
    core.good(early)
    assert core.refused("worker").until >= NOON + 20 * S


def test_resets_that_prove_false_again_and_again_are_believed_less_and_less():
    core = Core(catalogue(serves("a", "worker")))
    waits = []
    for _ in range(6):
        core.limited(core.granted("worker"), {"retry-after": "1"})
        until = core.state("a/main/worker-id")["until"]
        waits.append((until - core.now) / S)
        core.now = until
    assert waits[:2] == [1.0, 1.0]
    assert [round(wait) >= base for wait, base in zip(waits[2:], (5, 10, 20, 40), strict=True)]


def test_an_unknown_model_is_left_alone_for_half_an_hour():
    core = Core(catalogue(serves("a", "worker"), serves("b", "spare")))
    core.bad(core.granted("worker"), "not_found", 404)
    grant = core.granted("worker")
    assert (provider_of(grant), reasons(grant)) == ("b", {"a/main/worker-id": "disabled"})
    core.wait(37 * MINUTE)
    assert provider_of(core.granted("worker")) == "a"


def test_an_overloaded_model_that_names_a_time_is_left_alone_till_then():
    core = Core()
    core.bad(core.granted("worker"), "overloaded", 529, headers={"retry-after": "15"})
    assert closed(core) == {"a/main/worker-id": NOON + 15 * S}


# -- the breaker ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fault", ["connect", "server", "timeout", "cut", "malformed", "overloaded"]
)
def test_five_faults_in_a_row_open_the_breaker(fault):
    core = Core()
    for _ in range(4):
        core.bad(core.granted("worker"), fault, 0)
    assert closed(core) == {}
    core.bad(core.granted("worker"), fault, 0)
    assert core.state("a/main/worker-id")["reason"] == "breaker_open"
    assert 30 * S <= closed(core)["a/main/worker-id"] - NOON <= 36 * S


def test_more_than_half_of_ten_calls_open_it_too_and_only_within_a_minute():
    for pause, opens in ((S, True), (20 * S, False)):
        core = Core()
        for good in (True, False, False, True, False, True, False, False, True, False):
            grant = core.granted("worker")
            if good:
                core.good(grant)
            else:
                core.bad(grant)
            core.wait(pause)
        assert bool(closed(core)) is opens


def test_an_open_breaker_doubles_with_each_probe_that_fails():
    core = Core(catalogue(serves("a", "worker")))
    for _ in range(5):
        core.bad(core.granted("worker"))
    waits = []
    for _ in range(8):
        until = core.state("a/main/worker-id")["until"]
        waits.append((until - core.now) / S)
        core.now = until
        core.bad(core.granted("worker"))
    for wait, base in zip(waits, (30, 60, 120, 240, 480, 960, 1800, 1800), strict=True):
        assert base <= wait <= 1.2 * base


def test_two_good_probes_close_it():
    core = Core(catalogue(serves("a", "worker")))
    for _ in range(5):
        core.bad(core.granted("worker"))
    core.wait(MINUTE)
    first = core.granted("worker")
    assert first.probe
    core.good(first)
    assert core.state("a/main/worker-id")["state"] == "half_open"
    second = core.granted("worker")
    assert second.probe
    core.good(second)
    assert core.state("a/main/worker-id")["state"] == "open"
    assert not core.granted("worker").probe
    assert core.notices("opened")[-1]["slot"] == "provider:a"


def test_faults_from_before_it_opened_do_not_keep_it_open_longer():
    core = Core(catalogue(serves("a", "worker")))
    early = [core.granted("worker") for _ in range(10)]
    for grant in early[:5]:
        core.bad(grant)
    until = core.state("a/main/worker-id")["until"]
    for grant in early[5:]:
        core.bad(grant)
    assert core.state("a/main/worker-id")["until"] == until


# -- by hand --------------------------------------------------------------------------------------
ALL = ["a/one/other-id", "a/one/worker-id", "a/two/other-id", "a/two/worker-id"]


@pytest.mark.parametrize(
    ("name", "found", "shut"),
    [
        ("a", ["provider:a"], ALL),
        ("a/one", ["key:a/one"], ALL[:2]),
        ("worker", ["a/one/worker-id", "a/two/worker-id"], [ALL[1], ALL[3]]),
        ("a/two/other-id", ["a/two/other-id"], [ALL[2]]),
        ("nobody", [], []),
    ],
)
def test_the_owner_closes_and_opens_by_name_and_a_restart_knows(name, found, shut):
    core = Core(keyed())
    assert core.trip(name, NOON + MINUTE) == found
    for _ in range(2):
        assert sorted(closed(core)) == shut
        core.reborn()
    assert core.reset(name) == found
    for _ in range(2):
        assert closed(core) == {}
        core.reborn()


def test_a_closure_by_hand_ends_at_its_time_without_a_probe():
    core = Core(catalogue(serves("a", "worker")))
    core.trip("a", NOON + MINUTE)
    assert core.refused("worker").until >= NOON + MINUTE
    core.wait(MINUTE)
    assert not core.granted("worker").probe


def test_a_reset_opens_what_rejections_closed_below_it():
    core = Core(keyed())
    core.limited(core.granted("worker"), {"retry-after": "900"})
    core.bad(core.granted("worker"), "auth", 401)
    core.reset("a")
    assert closed(core) == {}
    assert core.granted("worker", Lane.P5).probe is False


def test_a_reset_forgets_what_a_rejection_said_is_left_and_who_waits_for_more():
    core = Core(keyed())
    head = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "15m"}
    for _ in range(2):
        core.limited(core.granted("worker", Lane.P2, who={"pinned": True}), head)
    core.refused("worker", Lane.P2, who={"pinned": True})
    assert core.reset("a") == ["provider:a"]
    core.good(core.granted("worker", Lane.P4))
    core.reborn()
    assert core.granted("worker", Lane.P4)
