"""A council answers in its time with what came, keeps who disagrees, and counts honestly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.council import (
    AskMember,
    Known,
    Member,
    Sitting,
    Synthesise,
    Verdict,
    Vote,
    pick_members,
)
from routing.models import Tier

FOUR = tuple(Member(name, name) for name in ("opus", "gpt", "gemini", "deepseek"))


def sitting(members=FOUR, quorum=2, total_s=60):
    council = Sitting("Is it so?", members, quorum=quorum, total_s=total_s)
    return council, council.begin(0)


def said(member, text="yes", **more):
    return Vote(member=member, text=text, **more)


def silent(member, why="closed"):
    return Vote(member=member, why=why)


def test_everybody_is_asked_at_once_within_a_part_of_the_time():
    _, steps = sitting()
    assert [step.member for step in steps] == list(FOUR)
    assert {step.within_s for step in steps} == {39.0}


def test_all_answered_is_weighed_by_a_mid_tier_model():
    council, _ = sitting()
    for member in FOUR[:-1]:
        assert council.heard(said(member), 1) == []
    (step,) = council.heard(said(FOUR[-1], "no"), 2)
    assert isinstance(step, Synthesise)
    assert step.model == "mid"
    assert "MEMBER D\nno" in step.prompt
    weighed = json.dumps({"answer": "yes, mostly", "dissent": [{"member": "D", "says": "no"}]})
    (verdict,) = council.weighed(f"```json\n{weighed}\n```", "sonnet", 0.5)
    assert (verdict.answer, verdict.label) == ("yes, mostly", "4 of 4 answered")
    assert [(one.model, one.says) for one in verdict.dissent] == [("deepseek", "no")]
    assert verdict.synthesis == "sonnet"


def test_who_is_late_is_missing_and_the_label_says_so():
    council, _ = sitting()
    council.heard(said(FOUR[0]), 1)
    council.heard(said(FOUR[2]), 1)
    (step,) = council.members_time_is_over(39)
    assert isinstance(step, Synthesise)
    assert council.heard(said(FOUR[1], "late"), 40) == []
    (verdict,) = council.weighed("plain words", "sonnet", 0)
    assert (verdict.answer, verdict.label) == ("plain words", "2 of 4 answered")
    assert [vote.why for vote in verdict.votes] == [
        "",
        "no answer in time",
        "",
        "no answer in time",
    ]


def test_a_missed_quorum_ends_as_soon_as_it_is_certain():
    council, _ = sitting(quorum=3)
    assert council.heard(silent(FOUR[0]), 1) == []
    (verdict,) = council.heard(silent(FOUR[1]), 1)
    assert (verdict.answer, verdict.label) == ("", "0 of 4 answered; 3 are needed")


def test_a_failed_synthesis_moves_down_the_chain_and_then_one_member_speaks():
    council, _ = sitting(FOUR[:2])
    council.heard(said(FOUR[0], "first"), 1)
    (step,) = council.heard(said(FOUR[1], "second"), 1)
    asked = [step.model]
    while isinstance(step, Synthesise):
        (step,) = council.not_weighed(2)
        asked += [step.model] if isinstance(step, Synthesise) else []
    assert asked == ["mid", "cheap", "opus", "gpt"]
    assert step.answer == "first"
    assert step.label == "2 of 2 answered; no synthesis: opus speaks for itself"


def test_no_synthesis_begins_after_the_time():
    council, _ = sitting(FOUR[:2])
    council.heard(said(FOUR[0], "first"), 1)
    council.heard(said(FOUR[1], "second"), 1)
    (verdict,) = council.not_weighed(60)
    assert isinstance(verdict, Verdict)


def test_one_answer_needs_no_synthesis():
    council, _ = sitting(FOUR[:2], quorum=1)
    council.heard(silent(FOUR[0]), 1)
    (verdict,) = council.heard(said(FOUR[1], "alone"), 2)
    assert (verdict.answer, verdict.label, verdict.synthesis) == ("alone", "1 of 2 answered", "")


def test_without_members_the_quorum_is_missed():
    _, (verdict,) = sitting(())
    assert (verdict.answer, verdict.label) == ("", "0 of 0 answered; 2 are needed")


def test_costs_add_up_late_ones_too():
    council, _ = sitting(FOUR[:2])
    council.heard(said(FOUR[0], usd=0.25), 1)
    council.members_time_is_over(39)
    council.heard(said(FOUR[1], usd=0.5), 40)
    (verdict,) = council.members_time_is_over(41) or [None]
    assert verdict is None
    assert council.over


def test_members_are_of_different_families_best_and_open_first():
    known = [
        Known("haiku", "claude", Tier.CHEAP), Known("opus", "claude", Tier.ULTRA),
        Known("gpt", "gpt", Tier.MID, open=False), Known("gemini", "gemini", Tier.MID),
        Known("embed", "other", Tier.EMBED),
    ]  # fmt: skip
    assert [one.model for one in pick_members(known, 4)] == ["opus", "gemini", "gpt"]
    assert [one.model for one in pick_members(known, 1)] == ["opus"]


@pytest.mark.parametrize("words", ["", "{", '{"answer": 3}', "[1]", '{"dissent": []}'])
def test_words_that_are_no_verdict_are_the_answer(words):
    council, _ = sitting(FOUR[:2])
    council.heard(said(FOUR[0]), 1)
    council.heard(said(FOUR[1]), 1)
    (verdict,) = council.weighed(words, "sonnet", 0)
    assert verdict.answer == words


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=20), st.integers(1, 4))
def test_a_sitting_ends_once_however_things_come(moves, quorum):
    council, steps = sitting(quorum=quorum)
    ends = [step for step in steps if isinstance(step, Verdict)]
    for now, (place, well) in enumerate(moves):
        if place == len(FOUR):
            steps = (
                council.not_weighed(now) if council._weighing else council.members_time_is_over(now)
            )
        else:
            steps = council.heard(said(FOUR[place]) if well else silent(FOUR[place]), now)
        assert not any(isinstance(step, AskMember) for step in steps)
        ends += [step for step in steps if isinstance(step, Verdict)]
    assert len(ends) <= 1
    assert council.over == bool(ends)
    for verdict in ends:
        answered = sum(vote.answered for vote in verdict.votes)
        assert verdict.label.startswith(f"{answered} of 4 answered")
        assert bool(verdict.answer) == (answered >= quorum)
