"""The promised shape of an answer, kept conversations, and what is hidden from a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.session import Session
from engine.failures import Cause
from engine.outcomes import Done, Failed
from engine.redaction import Redactor, needles
from tests.unit.actors.asking.conftest import POOL, question
from tests.unit.actors.asking.kit import Gateway, refuses, says
from tests.unit.actors.sessions.kit import House, order

AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
SECRET = "hunter2-is-no-password"


class Book:
    """Secrets that are hidden for real."""

    def read(self, name: str) -> str:
        return SECRET

    def redactor(self) -> Redactor:
        return Redactor(needles([SECRET]))


async def done(house: House, session: Session, **said: Any) -> Done:
    await session.start([order(**question(**said))])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    return outcome


async def test_an_answer_in_its_shape_becomes_data(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [says('{"age":', " 41}")]
    outcome = await done(house, session, schema=AGE, system="Be exact.")
    assert (outcome.result.text, outcome.result.data) == ('{"age": 41}', {"age": 41})
    (body,) = gateway.asked
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": AGE}}
    assert body["system"].startswith("Be exact.\n\nAnswer with one JSON value")


async def test_a_misshapen_answer_is_repaired_once_with_its_faults_named(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [says('{"age": "old"}'), says('{"age": 41}')]
    outcome = await done(house, session, schema=AGE)
    assert outcome.result.data == {"age": 41}
    asked, answered, again = gateway.asked[1]["messages"]
    assert (asked["content"], answered["content"]) == ("Who are you?", '{"age": "old"}')
    assert "at age: 'old' is not of type 'integer'" in again["content"]
    assert gateway.asked[1]["output_config"] == gateway.asked[0]["output_config"]
    assert "[It lacks its shape: at age" in house.log("j1")


@pytest.mark.parametrize("text", ['{"age": "old"}', "I am 41 years old.", ""])
async def test_a_shape_that_is_missed_twice_fails_the_attempt(
    house: House, session: Session, gateway: Gateway, text: str
) -> None:
    gateway.scripts = [says(text)]
    await session.start([order(**question(schema=AGE))])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Failed)
    assert outcome.failure.cause is Cause.MALFORMED
    assert len(gateway.asked) == 2


async def test_json_that_was_cut_at_its_longest_is_not_asked_for_again(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [says('{"age":', stop="max_tokens")]
    await session.start([order(**question(schema=AGE, max_tokens=5))])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Failed)
    assert "cut at 5 tokens" in outcome.failure.message
    assert len(gateway.asked) == 1


async def test_a_model_that_cannot_be_held_to_a_schema_is_asked_in_words(
    house: House, session: Session, gateway: Gateway
) -> None:
    unfit = refuses(400, "Nobody can.", x_helio_error="no_fitting_model")
    gateway.scripts = [unfit, says('{"age": 41}')]
    outcome = await done(house, session, schema=AGE)
    assert outcome.result.data == {"age": 41}
    formal, worded = gateway.asked
    assert ("output_config" in formal, "output_config" in worded) == (True, False)
    assert '"age"' in worded["system"]


async def test_the_cost_of_a_repair_that_is_refused_still_delays_the_job(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [says("nothing"), refuses(429, "Closed.", x_helio_until="99")]
    await session.start([order(**question(schema=AGE))])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.cause, outcome.failure.retry_at) == (Cause.RATE_LIMIT, 99)


async def test_a_conversation_goes_on_from_its_last_turns(
    house: House, session: Session, gateway: Gateway
) -> None:
    file = {"type": "file", "name": "a.png", "media_type": "image/png", "bytes": 12}
    turns = [
        {"role": "assistant", "blocks": [{"type": "text", "text": "cut off before"}]},
        {"role": "user", "blocks": [file, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "blocks": [{"type": "text", "text": "A cat."}]},
    ]
    house.desk.answers["turn.list"] = {"items": turns, "next_cursor": None}
    await done(house, session, conversation="chat", prompt="What colour?")
    assert house.desk.asked[0] == (
        "turn.list",
        {"conversation": "chat", "project": "default", "limit": 40},
    )
    assert gateway.asked[0]["messages"] == [
        {
            "role": "user",
            "content": "[The file a.png (image/png, 12 bytes) was shown here.]\n\nWhat is it?",
        },
        {"role": "assistant", "content": "A cat."},
        {"role": "user", "content": "What colour?"},
    ]


async def test_what_was_said_goes_with_the_outcome(
    house: House, session: Session, gateway: Gateway, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("notes")
    house.desk.answers["turn.list"] = {"items": []}
    await session.start(
        [order(**question(conversation="chat", attach=["a.txt"]), cwd=str(tmp_path))]
    )
    assert isinstance(await house.desk.outcome("j1"), Done)
    asked, answered = house.desk.turns("j1")
    assert asked == {
        "role": "user",
        "blocks": [
            {"type": "file", "name": "a.txt", "media_type": "text/plain", "bytes": 5},
            {"type": "text", "text": "Who are you?"},
        ],
    }
    assert answered == {
        "role": "assistant",
        "blocks": [{"type": "text", "text": "Hello there."}],
        "model": "fake-mid",
        "usage": {"input_tokens": 7, "output_tokens": 3},
    }


async def test_a_job_without_a_conversation_asks_for_no_turns_and_leaves_none(
    house: House, session: Session
) -> None:
    await done(house, session)
    assert house.desk.turns("j1") == []
    assert "turn.list" not in [name for name, _ in house.desk.asked]


async def test_secrets_reach_neither_the_model_nor_whatever_keeps_its_answer(
    house: House, gateway: Gateway, tmp_path: Path
) -> None:
    house.book = Book()
    session = house.session(POOL)
    house.desk.answers["turn.list"] = {"items": []}
    gateway.scripts = [says(f"You said {SECRET[:9]}", SECRET[9:], " to me.")]
    (tmp_path / "a.txt").write_text(f"key={SECRET}")
    said = {"prompt": f"Is {SECRET} safe?", "system": f"Guard {SECRET}.", "attach": ["a.txt"]}
    await session.start([order(**question(**said, conversation="c"), cwd=str(tmp_path))])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    kept = [gateway.asked, house.desk.turns("j1"), outcome.result, house.log("j1")]
    assert SECRET not in str([*kept, house.hub.events])
    assert outcome.result.text == "You said [redacted] to me."
    assert gateway.asked[0]["messages"][0]["content"][1]["text"] == "Is [redacted] safe?"
    await session.close()
