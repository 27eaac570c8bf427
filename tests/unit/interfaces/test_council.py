"""`helio council ask` tells the answer, and apart from it who gave it; the gate is told truly."""

import pytest

MADE = {"ids": ["01hzzzzzzzzzzzzzzz4kq8w2mz"], "keys": {}, "replayed": False}
VERDICT = {
    "label": "2 of 3 answered",
    "synthesis": "sonnet",
    "votes": [{"model": "opus", "why": ""}, {"model": "gpt", "why": "closed"}],
    "dissent": [{"model": "gemini", "says": "hardly"}],
}


@pytest.fixture
def asked(house, job):
    house.on("job.submit", MADE)
    result = {"text": "It is.", "data": VERDICT}
    house.on("job.show", job | {"result": result, "cost_usd": 0.25})
    return house


def test_the_answer_is_data_and_the_rest_is_told_beside_it(helio, asked):
    ran = helio("council", "ask", "Is it so?", "--member", "opus", "--member", "gpt")
    assert (ran.code, ran.out) == (0, "It is.\n")
    assert "2 of 3 answered, weighed by sonnet, $0.25" in ran.err
    assert "gpt is missing: closed" in ran.err
    assert "gemini disagrees: hardly" in ran.err
    assert asked.bodies("job.submit")[-1]["jobs"][0] == {
        "prompt": "Is it so?",
        "members": ["opus", "gpt"],
        "backend": "council",
        "lane": "P1",
        "source": "cli",
    }


def test_detach_gives_the_id_at_once(helio, asked):
    ran = helio("council", "ask", "Is it so?", "--detach", "--quorum", "2", "--within", "9")
    assert ran.out.strip() == MADE["ids"][0]
    request = asked.bodies("job.submit")[-1]["jobs"][0]
    assert (request["quorum"], request["timeout_s"]) == (2, 9.0)


def test_no_question_is_refused(helio, asked):
    ran = helio("council", "ask", " ")
    assert ran.code == 2
    assert "The question is empty." in ran.err


def test_a_council_without_an_answer_ends_with_1(helio, asked, job):
    error = {"message": "The council has no answer: 1 of 3 answered", "cause": "other"}
    asked.on("job.show", job | {"state": "failed", "error": error})
    ran = helio("council", "ask", "Is it so?")
    assert ran.code == 1
    assert "1 of 3 answered" in ran.err


DUE = {"spec": {"requirements": "It rhymes."}, "state": "succeeded"}


@pytest.mark.parametrize(("row", "said"), [
    ({"reason": "unverified", "result": {"verified": None}}, "no verdict that counts"),
    ({"result": {"verified": True}, "reviews": [{"families": ["gpt"]}]}, "yes, by gpt"),
    ({"result": {"verified": False}, "state": "failed"}, "no"),
])  # fmt: skip
def test_what_the_gate_says_is_shown(helio, house, job, row, said):
    house.on("job.show", job | DUE | row)
    ran = helio("job", "show", "4kq8w2mz")
    line = next(one for one in ran.out.splitlines() if one.startswith("verified"))
    assert line.split(maxsplit=1)[1] == said


def test_an_unconfirmed_claim_is_never_listed_as_succeeded(helio, house, job):
    house.on("job.list", {"items": [job | DUE | {"reason": "unverified"}], "next_cursor": None})
    ran = helio("job", "list")
    assert "unverified" in ran.out
    assert "succeeded" not in ran.out


def test_whoever_waits_for_a_claim_that_nobody_confirmed_is_told(helio, house, job):
    house.on("job.submit", {"ids": [job["id"]], "replayed": False})
    ended = job | DUE | {"result": {"text": "a poem", "verified": None}, "reason": "unverified"}
    house.on("job.show", ended | {"reviews": [{"why": "No model of another family."}]})
    ran = helio("job", "submit", "--prompt", "A poem", "--requirements", "It rhymes.", "--wait")
    assert (ran.code, ran.out) == (0, "a poem\n")
    assert "unverified. No model of another family." in ran.err
    house.on("job.show", ended | {"reason": "", "result": {"text": "a poem", "verified": True}})
    ran = helio("job", "submit", "--prompt", "A poem", "--requirements", "It rhymes.", "--wait")
    assert "Verified: yes" in ran.err


def test_whoever_waits_is_told_once_what_holds_a_job_up_and_when_it_goes_on(helio, asked, job):
    held = {"state": "delayed", "reason": "rate_limit", "error": {"message": "All are closed."}}
    later = job | held | {"run_at": 2**60}
    asked.on("job.show", [job | {"state": "running"}, later, later, job])
    ran = helio("council", "ask", "Is it so?")
    assert ran.code == 0
    assert ran.err.count("is delayed (rate_limit). All are closed. It goes on in") == 1
