"""Every ordered pair of dialects: what both can say survives the way from one to the other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.conversation import (
    Answer,
    Ask,
    Block,
    Dialect,
    Image,
    Message,
    Reasoning,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    fold,
)
from routing.translate.dialect import DialectFace
from routing.translate.dialects import DIALECTS
from routing.translate.sse import encode
from routing.translate.turns import merged, results_first
from tests.unit.routing.translate import kit

PAIRS = list(product(Dialect, repeat=2))
# A family without rules of its own, so that nothing is left out for what a model cannot take.
PLAIN = "qwen"
# One who wants to see thinking, and the usage of a stream: others are not told.
ASK = Ask(
    model="model-1",
    messages=(),
    reasoning=Reasoning("high"),
    stream=True,
    origin=Dialect.CHAT,
    extras={"stream_options": {"include_usage": True}},
)
MAKERS = {
    Dialect.ANTHROPIC: "claude",
    Dialect.CHAT: "deepseek",
    Dialect.RESPONSES: "gpt",
    Dialect.GEMINI: "gemini",
}
HURRY = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
every_pair = pytest.mark.parametrize(("first", "second"), PAIRS)


# -- what counts ----------------------------------------------------------------------------------
def essence(block: Block) -> Any:
    match block:
        case Text(text):
            return ("text", text)
        case Thinking(text):
            return ("thought", text)
        case ToolCall(ident, name, arguments):
            return ("call", ident, name, arguments_of(arguments))
        case ToolResult(ident, blocks, is_error):
            told = "\n".join(each.text for each in blocks if isinstance(each, Text))
            return ("result", ident, told, is_error)
        case Image(media_type, data, url):
            return ("image", url or (media_type, data))
        case _:
            raise AssertionError(block)


def arguments_of(text: str) -> Any:
    """Two texts of arguments are the same if they say the same."""
    return json.loads(text or "{}")


def joined(told: Sequence[Any]) -> list[Any]:
    """Join neighbouring words: where a text is cut into blocks is not kept everywhere."""
    done: list[Any] = []
    for each in told:
        if done and each[0] in ("text", "thought") and done[-1][0] == each[0]:
            done[-1] = (each[0], done[-1][1] + each[1])
        elif each[0] != "thought" or each[1]:
            done.append(each)
    return done


def turns_of(ask: Ask) -> list[Any]:
    spoken = [
        Message(m.role, tuple(b for b in m.blocks if not isinstance(b, Thinking)))
        for m in ask.messages
    ]
    return [
        (message.role, [essence(block) for block in message.blocks])
        for message in results_first(merged(spoken))
    ]


def said_by(answer: Answer, pair: tuple[Dialect, Dialect]) -> Any:
    told = joined([essence(block) for block in answer.blocks])
    if Dialect.CHAT in pair:  # it has one place for each kind and cannot say their order
        kinds = ("thought", "text")
        words = {kind: "".join(each[1] for each in told if each[0] == kind) for kind in kinds}
        return words, [each for each in told if each[0] == "call"]
    return told


def tools_of(ask: Ask) -> Mapping[str, Any]:
    return {tool.name: (tool.description, dict(tool.schema)) for tool in ask.tools}


def carried(face: DialectFace, ask: Ask) -> Ask:
    """Give a request as a provider of this dialect understands it."""
    body = json.loads(json.dumps(face.write_request(ask, PLAIN)))
    return replace(face.read_request(body), model=ask.model, stream=ask.stream)


# -- requests -------------------------------------------------------------------------------------
@every_pair
@HURRY
@given(data=st.data())
def test_a_request_keeps_what_both_dialects_can_say(
    first: Dialect, second: Dialect, data: st.DataObject
) -> None:
    asked = carried(DIALECTS[first], data.draw(kit.asks()))
    heard = carried(DIALECTS[second], asked)
    assert turns_of(heard) == turns_of(asked)
    assert [t.text for t in heard.system] == ["\n\n".join(t.text for t in asked.system)] or (
        [t.text for t in heard.system] == [t.text for t in asked.system]
    )
    assert tools_of(heard) == tools_of(asked)
    assert heard.tool_choice == asked.tool_choice
    assert heard.max_tokens == asked.max_tokens
    assert heard.temperature == asked.temperature
    if second is not Dialect.RESPONSES:  # it has no stop sequences
        assert heard.stop == asked.stop


@every_pair
@HURRY
@given(told=kit.broken_arguments)
def test_broken_arguments_of_the_past_come_back_as_they_were(
    first: Dialect, second: Dialect, told: str
) -> None:
    call = ToolCall("call_12345678", "write", told)
    turns = (
        Message(Role.USER, (Text("go"),)),
        Message(Role.ASSISTANT, (call,)),
        Message(Role.USER, (ToolResult(call.id, (Text("no"),)),)),
    )
    heard = carried(DIALECTS[second], carried(DIALECTS[first], replace(ASK, messages=turns)))
    (got,) = heard.messages[1].blocks
    assert isinstance(got, ToolCall)
    assert got.arguments == told or arguments_of(got.arguments) == arguments_of(told.strip())


@every_pair
def test_a_tool_that_failed_is_known_to_have_failed(first: Dialect, second: Dialect) -> None:
    call = ToolCall("call_12345678", "write", "{}")
    turns = (
        Message(Role.USER, (Text("go"),)),
        Message(Role.ASSISTANT, (call,)),
        Message(Role.USER, (ToolResult(call.id, (Text("disk full"),), is_error=True),)),
    )
    heard = carried(DIALECTS[second], carried(DIALECTS[first], replace(ASK, messages=turns)))
    (result,) = heard.messages[-1].blocks
    assert isinstance(result, ToolResult)
    told = "".join(block.text for block in result.blocks if isinstance(block, Text))
    assert "disk full" in told
    assert result.is_error or "failed" in told


# -- answers --------------------------------------------------------------------------------------
@every_pair
@HURRY
@given(answer=kit.answers())
def test_an_answer_keeps_what_both_dialects_can_say(
    first: Dialect, second: Dialect, answer: Answer
) -> None:
    given_ = DIALECTS[first].read_answer(wired(DIALECTS[first].write_answer(answer, ASK)), PLAIN)
    heard = DIALECTS[second].read_answer(wired(DIALECTS[second].write_answer(given_, ASK)), PLAIN)
    pair = (first, second)
    assert said_by(heard, pair) == said_by(answer, pair)
    assert heard.stop == answer.stop
    assert heard.usage
    assert answer.usage
    assert heard.usage.input == answer.usage.input
    assert heard.usage.output == answer.usage.output
    assert heard.usage.cache_read == answer.usage.cache_read


def wired(body: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(body))


# -- streams --------------------------------------------------------------------------------------
@every_pair
@HURRY
@given(data=st.data())
def test_a_stream_says_the_same_in_any_pieces(
    first: Dialect, second: Dialect, data: st.DataObject
) -> None:
    answer = data.draw(kit.answers())
    events = data.draw(kit.tellings(answer))
    for dialect in (first, second):
        raw = b"".join(map(encode, kit.frames_of(DIALECTS[dialect], ASK, events)))
        events = kit.events_in(DIALECTS[dialect], data.draw(kit.cuts(raw)), PLAIN)
    heard = fold(events)
    pair = (first, second)
    assert said_by(heard, pair) == said_by(answer, pair)
    assert heard.stop == answer.stop
    assert heard.usage
    assert answer.usage
    assert heard.usage.input == answer.usage.input
    assert heard.usage.output == answer.usage.output


# -- thinking that goes round ---------------------------------------------------------------------
def history(dialect: Dialect, body: Mapping[str, Any]) -> dict[str, Any]:
    """Give the request that a client sends next, with the answer as he got it."""
    question, more = "why?", "go on"
    match dialect:
        case Dialect.ANTHROPIC:
            said = {"role": "assistant", "content": body["content"]}
            users = [{"role": "user", "content": text} for text in (question, more)]
            return {"model": "m", "max_tokens": 9, "messages": [users[0], said, users[1]]}
        case Dialect.CHAT:
            users = [{"role": "user", "content": text} for text in (question, more)]
            return {"model": "m", "messages": [users[0], body["choices"][0]["message"], users[1]]}
        case Dialect.RESPONSES:
            users = [{"role": "user", "content": text} for text in (question, more)]
            return {"model": "m", "input": [users[0], *body["output"], users[1]]}
        case Dialect.GEMINI:
            users = [{"role": "user", "parts": [{"text": text}]} for text in (question, more)]
            said = body["candidates"][0]["content"]
            return {"contents": [users[0], said, users[1]]}


@pytest.mark.parametrize(("maker", "client"), PAIRS)
def test_sealed_thinking_comes_back_to_its_maker_through_any_client(
    maker: Dialect, client: Dialect
) -> None:
    origin = f"{maker}:{MAKERS[maker]}"
    thought = Thinking("hm", "c2lnbmF0dXJl", origin)
    answer = Answer(id="a1", model="m", blocks=(thought, Text("so")))
    asked = DIALECTS[client].read_request(
        wired(history(client, DIALECTS[client].write_answer(answer, ASK)))
    )
    sent = wired(DIALECTS[maker].write_request(replace(asked, model="m"), MAKERS[maker]))
    assert thought.signature in json.dumps(sent)
    for other in set(Dialect) - {maker}:
        foreign = wired(DIALECTS[other].write_request(replace(asked, model="m"), MAKERS[other]))
        assert thought.signature not in json.dumps(foreign)
        assert "helio:" not in json.dumps(foreign)


@pytest.mark.parametrize("client", Dialect)
def test_the_signature_of_a_call_comes_back_to_gemini_through_any_client(client: Dialect) -> None:
    call = ToolCall("call_1", "look", '{"at":1}', "c2lnbmF0dXJl", "gemini:gemini")
    answer = Answer(id="a1", model="m", blocks=(Text("so"), call))
    asked = DIALECTS[client].read_request(
        wired(history(client, DIALECTS[client].write_answer(answer, ASK)))
    )
    gemini = DIALECTS[Dialect.GEMINI]
    sent = gemini.write_request(replace(asked, model="gemini-3-pro"), "gemini")
    (part,) = [part for part in sent["contents"][1]["parts"] if "functionCall" in part]
    assert part["thoughtSignature"] == call.signature
