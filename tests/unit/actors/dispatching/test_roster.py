"""The roster: when a claim counts as lost, and when it does not."""

import pytest

from actors.dispatching.facts import Answered, Gone, Seen, Unanswered
from actors.dispatching.roster import Missing, Roster
from engine.jobs import Job, JobState

JOB = Job(id="j", state=JobState.RUNNING, epoch=1, owner="s", holding=True)
CLAIM = ("j", 1)
HAS, EMPTY = frozenset([CLAIM]), frozenset()
CRASH = [Missing("j", 1, counts=True)]
VANISHED = [Missing("j", 1, counts=False)]


@pytest.fixture
def roster():
    return Roster()


@pytest.fixture
def sent(roster):
    roster.sent([CLAIM])
    return roster


@pytest.fixture
def held(sent):
    sent.learn(Answered("s", HAS))
    return sent


def test_a_session_that_has_the_claim_has_not_lost_it(held):
    assert held.missing(Seen("s", held.ask(), HAS), [JOB]) == []


def test_a_session_that_only_owes_the_report_has_not_lost_it(held):
    assert held.missing(Seen("s", held.ask(), EMPTY, HAS), [JOB]) == []


def test_a_held_claim_that_its_session_does_not_know_is_a_crash(held):
    assert held.missing(Seen("s", held.ask(), EMPTY), [JOB]) == CRASH


def test_an_answer_to_a_question_asked_before_the_order_was_taken_proves_nothing(sent):
    asked = sent.ask()
    sent.learn(Answered("s", HAS))
    assert sent.missing(Seen("s", asked, EMPTY), [JOB]) == []


def test_an_order_on_its_way_is_not_lost(sent):
    assert sent.missing(Seen("s", sent.ask(), EMPTY), [JOB]) == []


def test_a_session_that_is_not_born_yet_has_not_lost_the_order_that_bears_it(sent):
    assert sent.missing(Gone("s", sent.ask()), [JOB]) == []


def test_a_session_found_gone_before_it_took_the_order_has_not_lost_it(sent):
    asked = sent.ask()
    sent.learn(Answered("s", HAS))
    assert sent.missing(Gone("s", asked), [JOB]) == []


def test_a_session_that_is_gone_after_it_took_the_order_has_crashed(held):
    assert held.missing(Gone("s", held.ask()), [JOB]) == CRASH


def test_an_order_that_may_have_arrived_is_lost_only_after_a_question(sent):
    unanswered = Unanswered("s", HAS)
    assert sent.missing(unanswered, [JOB]) == []
    sent.learn(unanswered)
    assert sent.doubtful()
    assert sent.missing(Seen("s", sent.ask(), EMPTY), [JOB]) == VANISHED


def test_a_claim_of_an_earlier_dispatcher_is_adopted_if_the_session_has_it(roster):
    seen = Seen("s", roster.ask(), HAS)
    assert roster.missing(seen, [JOB]) == []
    roster.learn(seen)
    assert roster.missing(Seen("s", roster.ask(), EMPTY), [JOB]) == CRASH


def test_a_claim_of_an_earlier_dispatcher_that_nobody_has_vanished_with_the_house(roster):
    assert roster.missing(Seen("s", roster.ask(), EMPTY), [JOB]) == VANISHED
    assert roster.missing(Gone("s", roster.ask()), [JOB]) == VANISHED


def test_a_refused_order_never_ran(sent):
    refused = Answered("s", EMPTY, {CLAIM: "full"})
    assert sent.missing(refused, [JOB]) == [Missing("j", 1, counts=False, refused="full")]


def test_another_sessions_fact_says_nothing_about_this_one(held):
    assert held.missing(Gone("other", held.ask()), [JOB]) == []


def test_what_a_session_runs_against_the_store_is_a_stranger(roster):
    seen = Seen("s", 1, frozenset([CLAIM, ("j", 7), ("x", 1)]))
    assert roster.strangers(seen, [JOB]) == [("j", 7), ("x", 1)]


def test_claims_that_are_over_are_forgotten(held):
    held.forget([])
    assert held.missing(Seen("s", held.ask(), EMPTY), [JOB]) == VANISHED
