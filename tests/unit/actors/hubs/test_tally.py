"""Folding events gives the same totals in one go and across a restart."""

import json
from dataclasses import replace
from typing import Any

import pytest

from actors.hubs.tally import Tally, from_json, to_json
from engine.events import Event, changed, submitted
from engine.jobs import Job, JobState, Lane, Reason

S = 1_000_000


def wire(event: Event, seq: int) -> dict[str, Any]:
    body = {"seq": seq, "at": event.at, "kind": event.kind, "subject": event.subject}
    return json.loads(json.dumps(body | {"project": event.project, "data": dict(event.data)}))


def life(job: Job, *steps: tuple[int, dict[str, Any]]) -> list[Event]:
    """The events of a job that takes these steps: (seconds, what changes)."""
    events = [submitted(job, job.created_at)]
    for at_s, change in steps:
        after = replace(job, **change)
        events.append(changed(job, after, at_s * S))
        job = after
    return events


JOB = Job(id="j1", lane=Lane.P1, backend="shell", state=JobState.READY, source="cli")
GOOD = life(
    JOB,
    (2, {"state": JobState.RUNNING, "epoch": 1}),
    (5, {"state": JobState.SUCCEEDED}),
)
BAD = life(
    replace(JOB, id="j2", source="<script>"),
    (1, {"state": JobState.RUNNING, "epoch": 1}),
    (2, {"state": JobState.DELAYED, "reason": Reason.BACKOFF, "failures": 1}),
    (9, {"state": JobState.READY, "reason": Reason.NONE}),
    (10, {"state": JobState.RUNNING, "epoch": 2}),
    (11, {"state": JobState.FAILED, "error": {"cause": "tool"}}),
)
ALL = [wire(event, seq) for seq, event in enumerate([*GOOD, *BAD], start=1)]


def test_a_life_is_counted_by_lane_kind_and_outcome():
    tally = Tally()
    tally.fold(ALL)
    assert tally.submitted == {("P1", "task", "cli"): 1, ("P1", "task", "other"): 1}
    assert tally.finished == {("P1", "task", "succeeded"): 1, ("P1", "task", "failed"): 1}
    assert tally.failures == {("tool",): 1}
    assert tally.retries == {("backoff",): 1}
    assert tally.events[("job.running",)] == 3


def test_a_claim_that_nobody_confirmed_is_counted_as_unverified():
    steps = (
        (2, {"state": JobState.REVIEWING, "epoch": 1}),
        (5, {"state": JobState.SUCCEEDED, "reason": Reason.UNVERIFIED}),
    )
    tally = Tally()
    tally.fold([wire(event, seq) for seq, event in enumerate(life(JOB, *steps), start=1)])
    assert tally.finished == {("P1", "task", "unverified"): 1}


def test_waits_and_durations_are_seconds_of_each_attempt():
    tally = Tally()
    tally.fold(ALL)
    assert tally.waits[("P1",)].total == 2 + 1 + 1
    assert sum(tally.waits[("P1",)].counts) == 3
    assert tally.runs[("P1", "task", "shell")].total == 3 + 1
    assert not tally.memos


def test_an_event_that_comes_again_is_not_counted_again():
    tally = Tally()
    tally.fold(ALL)
    tally.fold(ALL[2:])
    assert tally.events[("job.succeeded",)] == 1


@pytest.mark.parametrize("cut", range(len(ALL) + 1))
def test_a_restart_anywhere_changes_no_number(cut):
    whole, resumed = Tally(), Tally()
    whole.fold(ALL)
    resumed.fold(ALL[:cut])
    resumed = from_json(json.loads(json.dumps(to_json(resumed))))
    resumed.fold(ALL)
    assert to_json(resumed) == to_json(whole)


def test_a_job_whose_beginning_nobody_saw_still_counts():
    tally = Tally()
    tally.fold(ALL[2:3])
    assert tally.finished == {("unknown", "unknown", "succeeded"): 1}


@pytest.mark.parametrize("damage", [{}, {"shape": 0}, {"shape": 1}, {"shape": 1, "seq": "x"}])
def test_damaged_counters_are_refused(damage):
    with pytest.raises(ValueError):
        from_json(damage)


def test_counters_with_other_buckets_are_refused():
    tally = Tally()
    tally.fold(ALL)
    body = to_json(tally)
    body["waits"][0][1].append(0)
    with pytest.raises(ValueError, match="buckets"):
        from_json(body)


def call(seq: int, **more: Any) -> dict[str, Any]:
    data = {
        "provider": "anthropic", "model": "sonnet", "ok": True, "fault": "", "usd": 0.1,
        "input": 10, "output": 5, "took_us": 2 * S, "first_byte_us": S, "skips": [],
    }  # fmt: skip
    told = {"at": S, "kind": "model.called", "subject": "j1", "project": "p"}
    return {"seq": seq, **told, "data": data | more}


def test_model_calls_are_counted_by_provider_model_and_outcome():
    tally = Tally()
    failed = call(2, ok=False, fault="rate_limit", usd=0.0, output=0, skips=["breaker_open"])
    tally.fold([call(1), failed, call(3)])
    whose = ("anthropic", "sonnet")
    assert tally.model_calls == {(*whose, "ok"): 2, (*whose, "rate_limit"): 1}
    assert tally.model_skips == {("breaker_open",): 1}
    assert tally.model_tokens == {(*whose, "input"): 30, (*whose, "output"): 10}
    assert tally.model_microdollars == {whose: 200_000}
    assert tally.calls[whose].total == 4.0
    assert sum(tally.first_bytes[whose].counts) == 2
    assert from_json(json.loads(json.dumps(to_json(tally)))) == tally
