"""The house's own words: lanes by name, outcomes and errors over the wire, causes, ids, events."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import errors
from engine.errors import BadInput, CycleFound, HelioError, from_problem
from engine.events import MEANING, EventKind, changed, submitted
from engine.failures import TREATMENTS, Cause, Failure
from engine.ids import IdMint, SessionKey, slug
from engine.jobs import Job, JobState, Lane, Result, lane_named
from engine.outcomes import (
    Cancelled,
    Done,
    Drained,
    Failed,
    Lost,
    NeedsOwner,
    NeedsSignal,
    Preempted,
    from_wire,
    tag,
    to_wire,
)

RESULTS = st.builds(
    Result,
    text=st.text(),
    data=st.none() | st.lists(st.integers()) | st.dictionaries(st.text(), st.text()),
    exit_code=st.none() | st.integers(),
    files=st.lists(st.text()).map(tuple),
    verified=st.none() | st.booleans(),
)
FAILURES = st.builds(Failure, cause=st.sampled_from(Cause), message=st.text(),
                     retry_at=st.none() | st.integers())  # fmt: skip
COSTS = st.floats(0, 100)
OUTCOMES = st.one_of(
    st.builds(Done, RESULTS, COSTS),
    st.builds(Failed, FAILURES, st.none() | RESULTS, COSTS),
    st.builds(Lost, st.booleans(), st.text()),
    st.builds(NeedsSignal, st.text(), st.integers()),
    st.builds(NeedsOwner, st.text(), st.lists(st.text()).map(tuple), st.text(), st.integers()),
    st.sampled_from([Cancelled(), Preempted(), Drained()]),
)
ERRORS = [kind for kind in vars(errors).values()
          if isinstance(kind, type) and issubclass(kind, HelioError)]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "lane"),
    [("P0", Lane.P0), ("p5", Lane.P5), ("SOS", Lane.P0), ("human", Lane.P1), ("WARNING", Lane.P2),
     ("INFO", Lane.P3), ("DODO", Lane.P5)],
)  # fmt: skip
def test_a_lane_has_a_name(name, lane):
    assert lane_named(name) is lane


@pytest.mark.parametrize("name", [0, 1, 5, True, None, 2.0, "1", "P6", "", "P", Lane.P1, ["P1"]])
def test_anything_but_a_name_is_no_lane(name):
    with pytest.raises(BadInput, match="not a priority") as refused:
        lane_named(name)
    assert "P0 to P5" in refused.value.remedy


@given(OUTCOMES)
def test_an_outcome_survives_the_wire(outcome):
    body = json.loads(json.dumps(to_wire(outcome)))
    assert body["outcome"] == tag(outcome)
    assert from_wire(body) == outcome


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_survives_as_a_problem(kind):
    error = kind("It went wrong.", remedy="Do this.", job="j1")
    back = from_problem(json.loads(json.dumps(error.as_problem())))
    assert type(back) is kind
    assert (back.detail, back.remedy, back.facts) == ("It went wrong.", "Do this.", {"job": "j1"})


def test_every_error_has_its_own_slug_and_stands_in_the_drawing():
    assert len({kind.slug for kind in ERRORS}) == len(ERRORS)
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in ERRORS)


def test_a_problem_of_an_unknown_kind_is_still_an_error():
    back = from_problem({"type": "urn:x:y:unheard-of", "detail": "Hm."})
    assert (type(back), str(back)) == (HelioError, "Hm.")


def test_facts_name_the_circle():
    problem = CycleFound("Round.", path=["a", "b", "a"]).as_problem()
    assert problem["path"] == ["a", "b", "a"]


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_treatment_with_a_sentence(cause):
    treatment = TREATMENTS[cause]
    assert treatment.remedy.endswith(".")
    assert treatment.delays_s or not treatment.retryable
    assert Failure(cause=cause, message="m").as_json()["remedy"] == treatment.remedy


@given(st.lists(st.integers(0, 2**48 * 1000 - 1), min_size=2, max_size=50), st.integers())
def test_ids_of_one_mint_rise_even_when_the_clock_falls(times, seed):
    mint = IdMint(random.Random(seed))
    ids = [mint.mint(now) for now in times]
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {26}


def test_a_session_is_its_host_and_directory():
    names = {SessionKey(host, path).name for host in ("a", "b") for path in ("/x/web", "/y/web")}
    assert len(names) == 4
    assert all(name.startswith("session/web-") for name in names)


@given(st.text())
def test_a_slug_is_always_a_name(text):
    assert slug(text)
    assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_every_event_has_a_meaning_and_every_state_an_event():
    assert set(MEANING) == set(EventKind)
    assert all(f"job.{state}" in set(EventKind) for state in JobState if state != "")


def test_a_change_tells_only_what_changed():
    before = Job(id="j", state=JobState.READY)
    after = Job(id="j", state=JobState.RUNNING, epoch=1)
    event = changed(before, after, 7)
    assert (event.kind, event.at) == (EventKind.JOB_RUNNING, 7)
    assert dict(event.data) == {"state": JobState.RUNNING, "epoch": 1}
    same_state = changed(after, Job(id="j", state=JobState.RUNNING, epoch=1, progress_at=9), 8)
    assert same_state.kind is EventKind.JOB_UPDATED
    assert set(submitted(before, 1).data) >= {"id", "state", "spec", "lane"}
