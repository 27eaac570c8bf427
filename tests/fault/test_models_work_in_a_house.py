"""A stranger's walk through a real house with models: jobs, talk, the gate, the council."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fault.house import eventually
from tests.fault.provided import Provided, price, provided, words_of

pytestmark = pytest.mark.fault
SHAPE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "height_m": {"type": "number"}},
    "required": ["name", "height_m"],
    "additionalProperties": False,
}
NEED = "Three lines."


@pytest.fixture(scope="module")
def whole() -> Iterator[Provided]:
    with provided() as shop:
        shop.register_keys()
        yield shop


@pytest.fixture
def shop(whole: Provided) -> Provided:
    """The house with three makers, and a provider that has seen nothing yet."""
    whole.provide("ant", "oai", "gem")
    whole.forget()
    return whole


def verdict(said: str, *reasons: str) -> dict[str, Any]:
    """Give the answer of a reviewer."""
    return {"text": json.dumps({"verdict": said, "reasons": list(reasons)})}


def deliverable(shop: Provided, prompt: str) -> str:
    return shop.ask(prompt, model="claude-middle", requirements=NEED)


# -- with and without a provider ----------------------------------------------------------------
def test_without_a_provider_all_else_works_and_a_job_says_what_to_set(whole: Provided) -> None:
    shop = whole
    shop.house.home.models.unlink(missing_ok=True)
    eventually(lambda: not shop.models(), 10, "the house knows that nothing is configured")

    assert shop.at_rest(shop.house.submit("echo", "hi"))["result"]["text"] == "hi"
    asked = shop.helio("ask", "hi")
    assert (asked.code, asked.out) == (1, "")
    assert asked.err.count("helio model init") == 1  # the sentence and its remedy, each once
    for word in ("status", "doctor"):
        [line] = [line for line in shop.helio(word).out.splitlines() if "models " in line]
        assert "helio model init" in line

    [failed] = shop.house.call("GET", "/v1/jobs?backend=llm&limit=1")["items"]
    shop.provide("ant")
    again = shop.helio("job", "retry", failed["id"], "--wait")
    assert (again.code, again.out) == (0, "echo: hi\n"), again.err


def test_a_text_is_answered_with_its_model_and_its_price(shop: Provided) -> None:
    shop.script({"text": "A mirror.", "usage": {"input": 1000, "output": 100}})
    asked = shop.helio("ask", "What is it?", "--model", "claude-middle")
    assert (asked.code, asked.out) == (0, "A mirror.\n")
    cost = price((1000, 100))
    assert f"claude-middle at ant, ${cost:.4f}" in asked.err

    [job] = shop.house.call("GET", "/v1/jobs?backend=llm&limit=1")["items"]
    view = shop.house.call("GET", f"/v1/jobs/{job['id']}")
    assert view["cost_usd"] == pytest.approx(cost)
    assert view["result"]["served"]["served"] == "claude-middle"
    shown = shop.helio("job", "show", job["id"]).out
    assert f"${cost:.4f}" in shown
    assert "1000 + 100" in shown


def test_models_are_tried_closed_and_opened_by_hand(shop: Provided) -> None:
    tried = shop.helio("model", "test", "oai")
    assert (tried.code, tried.out.count("  ok  ")) == (0, 3), tried
    assert shop.helio("model", "trip", "oai", "--for", "10m").code == 0
    listed = shop.helio("model", "list").out.splitlines()
    assert sum("by hand" in line for line in listed) == 3
    asked = shop.helio("ask", "hi", "--model", "gpt-middle")
    assert "claude-middle at ant instead of gpt-middle" in asked.err
    assert shop.helio("model", "reset", "oai").code == 0
    assert "by hand" not in shop.helio("model", "list").out


def test_an_answer_without_its_shape_is_asked_for_once_more(shop: Provided) -> None:
    shop.script({"text": 'Sure! {"name": "Rigi"}'}, door="oai")
    shop.script({"text": '{"name": "Rigi", "height_m": 1797.5}'}, door="oai")
    view = shop.answered("Which mountain?", model="gpt-middle", schema=SHAPE)
    assert view["result"]["data"] == {"name": "Rigi", "height_m": 1797.5}
    first, second = shop.log(door="oai")
    assert "height_m" in words_of(first)
    assert "Sure!" in words_of(second)  # it sees what was wrong
    assert len(view["calls"]) == 2


def test_a_file_is_shown_to_the_model(shop: Provided) -> None:
    room = shop.house.home.root / "notes"
    room.mkdir(exist_ok=True)
    (room / "trace.txt").write_text("boom at line 7")
    asked = shop.helio("ask", "What is wrong?", "--file", "trace.txt", cwd=room)
    assert asked.code == 0, asked.err
    [request] = shop.log()
    assert "boom at line 7" in words_of(request)
    assert "What is wrong?" in words_of(request)


def test_a_conversation_goes_on_in_the_next_job_and_at_another_maker(shop: Provided) -> None:
    name = "mirrors"
    assert shop.helio("ask", "First words", "--conversation", name).code == 0
    shop.script(fault={"status": 503}, times=0, door="ant")
    second = shop.helio("ask", "Second words", "--conversation", name)
    assert (second.code, second.out) == (0, "echo: Second words\n")
    said = words_of(shop.log(outcome="ok")[-1])
    assert said.index("First words") < said.index("echo: First words") < said.index("Second words")
    assert "instead" not in second.err or "large" in second.err


# -- the gate -----------------------------------------------------------------------------------
def test_another_family_says_pass_and_the_work_is_verified(shop: Provided) -> None:
    shop.script(verdict("pass"), door="oai")
    job = shop.helio(
        "job", "submit", "--prompt", "A haiku", "--model", "claude-middle",
        "--requirements", NEED, "--wait", "--json",
    )  # fmt: skip
    view = json.loads(job.out)
    assert (view["state"], view["result"]["verified"]) == ("succeeded", True)
    assert [one["families"] for one in view["reviews"]] == [["gpt"]]
    assert "verified  yes, by gpt" in shop.helio("job", "show", view["id"]).out.replace("   ", "  ")


def test_with_one_family_it_stays_unverified_and_says_why(shop: Provided) -> None:
    shop.provide("ant")
    view = shop.at_rest(deliverable(shop, "A lonely haiku"))
    assert (view["state"], view["reason"]) == ("succeeded", "unverified")
    assert view["result"]["verified"] is None
    listed = shop.helio("job", "list").out
    [line] = [line for line in listed.splitlines() if line.endswith("  A lonely haiku")]
    assert "unverified" in line
    assert "succeeded" not in line
    shown = shop.helio("job", "show", view["id"]).out
    assert "no verdict that counts" in shown
    assert "family" in shown, shown
    status = shop.house.call("GET", "/v1/status")["counts"]
    assert sum(status["unverified"].values()) == 1


def test_the_maker_sees_why_it_was_refused_and_mends_it(shop: Provided) -> None:
    shop.script(verdict("fail", "It has four lines."), door="oai")
    shop.script(verdict("pass"), door="oai")
    view = shop.at_rest(deliverable(shop, "A long haiku"))
    assert (view["state"], view["result"]["verified"]) == ("succeeded", True)
    assert [one["verdict"] for one in view["reviews"]] == ["fail", "pass"]
    first, second = shop.log(door="ant")
    assert "It has four lines." not in words_of(first)
    assert "It has four lines." in words_of(second)
    assert "echo: A long haiku" in words_of(second)


def test_what_nobody_can_tell_the_owner_decides(shop: Provided) -> None:
    shop.script(verdict("unsure", "I cannot count."), door="oai")
    job = deliverable(shop, "A strange haiku")
    view = shop.house.await_job(job, "waiting")
    [card] = [one for one in view["decisions"] if one["state"] == "open"]
    assert "I cannot count." in shop.helio("decision", "list").out
    assert shop.helio("decision", "answer", card["id"], "accept").code == 0
    done = shop.at_rest(job)
    assert (done["state"], done["reason"]) == ("succeeded", "accepted")
    assert done["result"]["verified"] is None


# -- the council --------------------------------------------------------------------------------
def test_a_council_does_not_wait_for_the_one_that_hangs(shop: Provided) -> None:
    shop.script(fault={"hang": "head"}, times=0, door="gem")
    asked = shop.helio("council", "ask", "By project?", "--within", "5", "--json")
    view = json.loads(asked.out)
    said = view["result"]["data"]
    assert said["label"].startswith("2 of 3 answered"), said
    assert [vote["model"] for vote in said["votes"] if vote["why"]] == ["gemini-large"]
    assert view["finished_at"] - view["started_at"] < 8_000_000
    shown = shop.helio("job", "show", view["id"]).out
    assert "2 of 3 answered" in shown
    assert "gemini-large" in shown  # why its answer is missing stands in the text of the log


def test_a_council_that_is_killed_sits_again(shop: Provided) -> None:
    shop.script(fault={"hang": "head"}, door="gem")
    job = shop.submit(prompt="By time?", backend="council", timeout_s=30)
    eventually(lambda: len(shop.log()) == 3, 20, "the council sits")
    killed = shop.house.kill("council")
    shop.house.await_another("council", killed, 30)
    view = shop.at_rest(job, 60)
    assert view["state"] == "succeeded", view["error"]
    assert view["result"]["data"]["label"].startswith("3 of 3 answered")
    assert view["cost_usd"] >= view["result"]["data"]["usd"] > 0


# -- the ledger ---------------------------------------------------------------------------------
def test_a_damaged_ledger_is_told_and_a_new_one_forgets_no_cost(shop: Provided) -> None:
    assert shop.answered("hi", model="claude-middle")["state"] == "succeeded"
    counted = shop.costs()["total"]
    ledger = shop.house.home.router_ledger
    ledger.write_bytes(b"no ledger at all" * 4096)
    for suffix in ("-wal", "-shm"):
        ledger.with_name(ledger.name + suffix).unlink(missing_ok=True)
    shop.house.kill("router")

    def told() -> bool:
        return "ledger is damaged" in shop.helio("status").out

    eventually(told, 20, "the status tells of the ledger")
    assert shop.at_rest(shop.house.submit("true"))["state"] == "succeeded"
    listed = shop.helio("model", "list")
    assert (listed.code, "ledger is damaged" in listed.err) == (4, True)
    ledger.unlink()
    assert shop.answered("again", model="claude-middle")["state"] == "succeeded"
    now = shop.costs()["total"]
    assert (now["calls"], now["usd"] > counted["usd"]) == (counted["calls"] + 1, True)
    assert "damaged" not in shop.helio("status").out
