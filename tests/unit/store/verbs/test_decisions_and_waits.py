"""Questions, signals and deadlines: heard once, whenever they come."""

import pytest

from engine.errors import BadInput, Conflict, NotFound
from engine.jobs import JobState, Reason
from engine.moments import us
from engine.outcomes import Lost, NeedsOwner, NeedsSignal
from engine.records import Decision
from store.verbs.decisions import answer
from store.verbs.timers import promote_due
from store.verbs.waits import signal

from .kit import task, wait

ASK = NeedsOwner("Which way?", ("left", "right"))


def card(house):
    (decision,) = house.find(Decision)
    return decision


def ask(house, outcome=ASK, **spec):
    """Let a job run and come back with a question."""
    job_id = house.submit(task("a", cwd="/d", spec=spec))["a"]
    house.claim()
    house.report(job_id, outcome)
    return job_id


def test_a_question_waits_without_slot_and_directory(house):
    job = house.job(ask(house))
    assert (job.state, job.reason, job.holding) == (JobState.WAITING, Reason.DECISION, False)
    assert job.awaits == {"decision": card(house).id}


def test_the_answer_lets_the_job_go_on_and_is_told_to_it(house):
    job_id = ask(house)
    house.do(answer, card(house).id, "left")
    assert house.state(job_id) is JobState.READY
    assert house.claim()["a"].order.resume == {"decision": card(house).id, "given": "left"}


def test_a_second_tap_is_told_what_was_decided(house):
    ask(house)
    house.do(answer, card(house).id, "left", by="phone")
    with pytest.raises(Conflict, match="'left' by phone"):
        house.do(answer, card(house).id, "right")
    assert card(house).answer == "left"


def test_only_its_options_answer_a_decision(house):
    ask(house)
    with pytest.raises(BadInput, match="not an option"):
        house.do(answer, card(house).id, "up")


def test_an_answer_to_an_older_version_is_refused(house):
    ask(house)
    with pytest.raises(Conflict, match="version"):
        house.do(answer, card(house).id, "left", version=9)


def test_nobody_answers_a_question_that_was_never_asked(house):
    with pytest.raises(NotFound):
        house.do(answer, "nothing", "left")


@pytest.mark.parametrize(
    ("option", "state"), [("mark done", "succeeded"), ("mark failed", "failed")]
)
def test_the_owner_says_what_became_of_an_uncertain_job(house, option, state):
    job_id = ask(house, Lost(counts=True), effects="once")
    house.do(answer, card(house).id, option)
    assert str(house.state(job_id)) == state


def test_an_uncertain_job_runs_again_at_the_owners_word_only(house):
    job_id = ask(house, Lost(counts=True), effects="once")
    assert house.claim() == {}
    house.do(answer, card(house).id, "run again")
    assert house.claim()["a"].order.epoch == 2
    assert house.job(job_id).awaits is None


def test_a_deadline_applies_the_default(house):
    late = NeedsOwner("Which?", ("left", "right"), "right", house.now + us(60))
    job_id = ask(house, late)
    house.pass_time(61)
    assert (card(house).state, card(house).answer) == ("expired", "right")
    assert house.state(job_id) is JobState.READY


def test_a_deadline_without_a_default_fails_the_job(house):
    job_id = ask(house, NeedsOwner("Which?", ("left",), "", house.now + us(60)))
    house.pass_time(61)
    assert house.job(job_id).error["cause"] == "dependency"
    assert card(house).state == "expired"


def test_a_deadline_lives_on_the_wall_clock(house):
    ids = house.submit(wait("w", signal="go", deadline_s=60, default="on"))
    house.skew = us(-3600)
    house.pass_time(61)
    assert house.state(ids["w"]) is JobState.WAITING
    house.skew = 0
    house.do(promote_due)
    assert house.state(ids["w"]) is JobState.SUCCEEDED


def test_a_signal_ends_a_wait_with_its_payload(house):
    ids = house.submit(wait("w", signal="go"))
    assert house.do(signal, ids["w"], "go", {"n": 1})
    assert house.job(ids["w"]).result["data"] == {"n": 1}


def test_the_first_signal_of_a_name_wins(house):
    ids = house.submit(task("a"), wait("w", "a", signal="go"))
    assert house.do(signal, ids["w"], "go", 1)
    assert not house.do(signal, ids["w"], "go", 2)
    house.succeed(ids["a"])
    assert house.job(ids["w"]).result["data"] == 1


def test_a_signal_of_another_name_is_kept_and_ends_nothing(house):
    ids = house.submit(wait("w", signal="go"))
    assert house.do(signal, ids["w"], "stop", None)
    assert house.state(ids["w"]) is JobState.WAITING


def test_a_job_at_rest_hears_no_signal(house):
    ids = house.submit(task("a"))
    house.succeed(ids["a"])
    with pytest.raises(Conflict, match="hear"):
        house.do(signal, ids["a"], "go", None)


def test_a_signal_that_came_while_the_job_ran_is_there_when_it_asks(house):
    job_id = house.submit(task("a"))["a"]
    house.claim()
    house.do(signal, job_id, "go", "early")
    house.report(job_id, NeedsSignal("go"))
    assert house.claim()["a"].order.resume == {"signal": "go", "given": "early"}


def test_a_job_that_holds_its_directory_keeps_others_out_while_it_waits(house):
    job_id = ask(house, NeedsSignal("go"), hold=True)
    house.submit(task("b", cwd="/d"))
    assert house.claim() == {}
    house.do(signal, job_id, "go", None)
    assert list(house.claim()) == ["a"]


def test_a_job_that_does_not_hold_lets_others_in_while_it_waits(house):
    ask(house, NeedsSignal("go"))
    house.submit(task("b", cwd="/d"))
    assert list(house.claim()) == ["b"]


def test_a_wait_that_asks_shows_its_question_and_gives_the_answer(house):
    ids = house.submit(wait("w", ask="Ship it?", options=["yes", "no"]), task("b", "w"))
    assert card(house).question == "Ship it?"
    house.do(answer, card(house).id, "yes")
    assert house.job(ids["w"]).result["text"] == "yes"
    assert house.state(ids["b"]) is JobState.READY
