"""A deliverable is done when a model of another family says so, and never before."""

import pytest

from engine.failures import Cause, Failure
from engine.jobs import JobState, Reason, Result
from engine.outcomes import Done, Failed
from engine.records import Call, Decision, Review
from store.verbs.cancel import cancel
from store.verbs.decisions import answer
from tests.unit.store.verbs.kit import House, task

WANTED = {"run": ["write"], "requirements": "It rhymes."}


@pytest.fixture
def house():
    return House(gate={"rounds": 1})


def called(house, job_id, family):
    """A model of this family answered the job."""
    call = Call(id=f"{job_id}:{family}", job=job_id, ok=True, family=family)
    house.do(lambda work: work.save(call))


def deliver(house, spec=WANTED, made_by="gpt", **more):
    """Submit a deliverable and report that it is done; give its id."""
    job_id = house.submit(task("poem", spec=dict(spec), **more))["poem"]
    house.claim()
    called(house, job_id, made_by)
    house.report(job_id, Done(Result(text="a poem {{input.x}}")))
    return job_id


def review_of(house, job_id):
    return house.job(house.job(job_id).awaits["review"])


def judge(house, job_id, verdict, *reasons, family="claude"):
    """Run the review that the deliverable waits for."""
    review = review_of(house, job_id)
    house.claim()
    if family:
        called(house, review.id, family)
    house.report(review.id, Done(Result(data={"verdict": verdict, "reasons": list(reasons)})))
    return house.job(job_id)


def test_a_claim_is_reviewed_and_holds_no_slot(house):
    job_id = deliver(house, cwd="/one")
    job = house.job(job_id)
    assert (job.state, job.holding, job.rounds) == (JobState.REVIEWING, False, 1)
    assert (job.result["claimed"], job.result["verified"]) == (True, None)
    review = review_of(house, job_id)
    assert (review.backend, review.lane, review.spec["avoid"]) == ("llm", job.lane, ["gpt"])
    assert review.spec["inputs"]["requirements"] == "It rhymes."


def test_what_the_maker_wrote_reaches_the_reviewer_unscanned(house):
    job_id = deliver(house)
    order = house.claim()["review of poem"].order
    assert "a poem {{input.x}}" in order.payload["prompt"]
    assert house.state(job_id) is JobState.REVIEWING


def test_pass_verifies(house):
    job = judge(house, deliver(house), "pass")
    assert (job.state, job.reason, job.result["verified"]) == (JobState.SUCCEEDED, "", True)
    (row,) = house.find(Review, job=job.id)
    assert (row.verdict, row.outcome, row.families) == ("pass", "verified", ("claude",))
    assert not house.violations()


def test_fail_goes_back_with_its_reasons_and_then_for_good(house):
    job_id = deliver(house)
    job = judge(house, job_id, "fail", "It does not rhyme.")
    assert (job.state, job.failures) == (JobState.READY, 0)
    order = house.claim()["poem"].order
    assert order.resume["given"]["reasons"] == ["It does not rhyme."]
    house.report(job_id, Done(Result(text="another poem")))
    job = judge(house, job_id, "fail", "Still not.")
    assert (job.state, job.result["verified"]) == (JobState.FAILED, False)
    assert job.error["cause"] == Cause.OPTIMISTIC
    assert "Still not." in job.error["message"]
    assert [row.round for row in house.find(Review, job=job_id)] == [1, 2]
    assert not house.violations()


@pytest.mark.parametrize(("option", "state", "reason"), [
    ("accept", JobState.SUCCEEDED, Reason.ACCEPTED),
    ("reject", JobState.FAILED, Reason.NONE),
    ("send back", JobState.READY, Reason.NONE),
])  # fmt: skip
def test_unsure_asks_the_owner(house, option, state, reason):
    job_id = deliver(house)
    assert judge(house, job_id, "unsure", "Which language?").state is JobState.WAITING
    (card,) = house.find(Decision, job=job_id)
    assert "Which language?" in card.question
    house.do(answer, card.id, option)
    job = house.job(job_id)
    assert (job.state, job.reason) == (state, reason)
    assert job.result["verified"] is not True


@pytest.mark.parametrize("family", ["gpt", ""])
def test_a_verdict_of_the_same_or_of_no_family_verifies_nothing(house, family):
    job = judge(house, deliver(house), "pass", family=family)
    assert (job.state, job.reason) == (JobState.SUCCEEDED, Reason.UNVERIFIED)
    assert job.result["verified"] is None
    assert house.find(Review, job=job.id)[0].why


def test_without_a_reviewer_it_is_unverified_and_says_why(house):
    job_id = deliver(house)
    review = review_of(house, job_id)
    house.claim()
    failure = Failure(cause=Cause.DEPENDENCY, message="No provider is configured.")
    house.report(review.id, Failed(failure))
    job = house.job(job_id)
    assert (job.state, job.reason) == (JobState.SUCCEEDED, Reason.UNVERIFIED)
    assert house.find(Review, job=job_id)[0].why == "No provider is configured."


def test_what_must_happen_once_is_not_sent_back_but_asked(house):
    job_id = deliver(house, WANTED | {"effects": "once"})
    assert judge(house, job_id, "fail", "No rhyme.").state is JobState.WAITING


def test_a_verdict_that_cannot_be_read_verifies_nothing(house):
    assert judge(house, deliver(house), "perhaps").reason is Reason.UNVERIFIED


def test_cancel_ends_the_maker_and_its_review(house):
    job_id = deliver(house)
    review = review_of(house, job_id)
    house.do(cancel, job_id)
    assert house.state(job_id) is JobState.CANCELLED
    assert house.state(review.id) is JobState.CANCELLED
    assert not house.violations(rested=True)


def test_a_cancelled_review_leaves_it_unverified(house):
    job_id = deliver(house)
    house.do(cancel, review_of(house, job_id).id)
    assert house.job(job_id).reason is Reason.UNVERIFIED


def test_children_wait_for_the_verdict(house):
    ids = house.submit(task("poem", spec=dict(WANTED)), task("print", "poem"))
    house.claim()
    house.report(ids["poem"], Done(Result(text="well")))
    assert house.state(ids["print"]) is JobState.BLOCKED
    judge(house, ids["poem"], "pass")
    assert house.state(ids["print"]) is JobState.READY


def test_a_review_is_not_reviewed(house):
    job_id = deliver(house)
    assert judge(house, job_id, "pass").state is JobState.SUCCEEDED
    assert len(house.find(Review)) == 1
