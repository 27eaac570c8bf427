"""Each translation bug that LiteLLM is known for, shown not to be ours.

The list and its sources: section 3 of the routing notes; numbers are of BerriAI/litellm.
"""

from __future__ import annotations

import json

from routing.conversation import Answer, Ask, Reasoning, Text, Thinking, Tool, ToolCall, fold
from routing.translate.anthropic import AnthropicDialect
from routing.translate.chat import ChatDialect
from routing.translate.dialect import Frame
from routing.translate.sse import encode
from tests.unit.routing.translate.kit import SCHEMA, events_in, frames_of

ANTHROPIC, CHAT = AnthropicDialect(), ChatDialect()
CLIENT = Ask(model="m", messages=(), origin="anthropic", tools=(Tool("t"),))


def from_claude_code(**fields) -> Ask:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    return ANTHROPIC.read_request({**body, **fields})


def to_chat(family: str = "qwen", **fields) -> dict:
    return CHAT.write_request(from_claude_code(**fields), family)


def chunk(finish: str | None = None, **delta) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = {"id": "chatcmpl-1", "model": "m", "choices": [choice]}
    return encode(Frame(json.dumps(told)))


def piece(index: int, arguments: str, ident: str = "", name: str = "") -> bytes:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    call = {"index": index, "function": function, **({"id": ident} if ident else {})}
    return chunk(tool_calls=[call])


def streamed(*chunks: bytes, ask: Ask = CLIENT) -> list[dict]:
    """What an Anthropic client gets of a chat provider's stream."""
    events = events_in(CHAT, [*chunks, b"data: [DONE]\n\n"], "qwen")
    return [json.loads(frame.data) for frame in frames_of(ANTHROPIC, ask, events)]


def test_interleaved_parallel_tool_calls_keep_their_own_arguments():
    events = streamed(
        piece(0, "", "a", "read"),
        piece(1, "", "b", "list"),
        piece(0, '{"path":'),
        piece(1, '{"dir":'),
        piece(0, '"x"}'),
        piece(1, '"y"}'),
        chunk("tool_calls"),
    )
    told: dict[int, str] = {}
    for event in events:
        if event["type"] == "content_block_delta":
            told[event["index"]] = told.get(event["index"], "") + event["delta"]["partial_json"]
    assert told == {0: '{"path":"x"}', 1: '{"dir":"y"}'}
    order = [(e["type"], e["index"]) for e in events if "index" in e and "delta" not in e]
    assert order == [
        ("content_block_start", 0), ("content_block_stop", 0),
        ("content_block_start", 1), ("content_block_stop", 1),
    ]  # fmt: skip


def test_malformed_tool_arguments_fail_no_request():
    call = {"id": "a", "function": {"name": "t", "arguments": '{"x": '}}
    answer = CHAT.read_answer({"choices": [{"message": {"tool_calls": [call]}}]}, "qwen")
    (told,) = ANTHROPIC.write_answer(answer, CLIENT)["content"]
    assert told["input"] == {"malformed_arguments": '{"x": '}


def test_is_error_of_a_tool_result_reaches_the_model():
    call = {"type": "tool_use", "id": "a", "name": "t", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a", "content": "no file", "is_error": True}
    turns = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    assert to_chat(messages=turns)["messages"][1]["content"] == "The tool failed:\nno file"


def test_cache_control_never_reaches_a_chat_server():
    # also PR #38790: with a ttl strict servers answer 400
    mark = {"type": "ephemeral", "ttl": "1h"}
    text = {"type": "text", "text": "x", "cache_control": mark}
    tool = {"name": "t", "input_schema": SCHEMA, "cache_control": mark}
    body = to_chat(system=[text], tools=[tool], messages=[{"role": "user", "content": [text]}])
    assert "cache_control" not in json.dumps(body)


def test_anthropics_own_tools_do_not_leak_as_unknown_types():
    tools = [{"type": "bash_20250124", "name": "bash"}, {"name": "t", "input_schema": SCHEMA}]
    assert [tool["function"]["name"] for tool in to_chat(tools=tools)["tools"]] == ["t"]
    assert "tools" not in to_chat(tools=tools[:1])


def test_a_tool_name_that_was_cut_comes_back_whole():
    name = "mcp__" + "a" * 70 + "__read"
    ask = from_claude_code(tools=[{"name": name, "input_schema": SCHEMA}])
    (tool,) = CHAT.write_request(ask, "gpt")["tools"]
    short = tool["function"]["name"]
    assert len(short) == 64
    events = streamed(piece(0, "{}", "a", short), chunk("tool_calls"), ask=ask)
    assert events[1]["content_block"]["name"] == name


def test_an_image_in_a_tool_result_follows_as_a_message_of_the_user():
    source = {"type": "base64", "media_type": "image/png", "data": "AA=="}
    call = {"type": "tool_use", "id": "a", "name": "shot", "input": {}}
    result = {
        "type": "tool_result",
        "tool_use_id": "a",
        "content": [{"type": "image", "source": source}],
    }
    turns = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    _, tool, user = to_chat(messages=turns)["messages"]
    assert tool["role"] == "tool"
    assert user["content"][1]["image_url"]["url"] == "data:image/png;base64,AA=="


def test_a_system_message_in_mid_conversation_makes_no_second_user_turn():
    turns = [{"role": "user", "content": "Hi"}, {"role": "system", "content": "Be brief"}]
    assert [turn["role"] for turn in to_chat(messages=turns)["messages"]] == ["user"]
    assert [turn["role"] for turn in to_chat("gpt", messages=turns)["messages"]] == [
        "user",
        "system",
    ]


def test_the_device_and_session_of_claude_code_are_told_to_nobody():
    # also #26241
    body = to_chat(metadata={"user_id": "user_device_session"})
    assert "user_device_session" not in json.dumps(body)


def test_thinking_and_effort_reach_anthropic_models_that_nobody_knows():
    # also #8837
    thinking = {"type": "enabled", "budget_tokens": 2000}
    ask = from_claude_code(thinking=thinking, max_tokens=9000, output_config={"effort": "high"})
    body = ANTHROPIC.write_request(ask, "somebody")
    assert (body["thinking"], body["output_config"]) == (thinking, {"effort": "high"})
    assert CHAT.write_request(ask, "qwen")["reasoning_effort"] == "high"


def test_tool_inputs_that_come_only_whole_are_not_dropped():
    # 25321: arguments that stand in the start of a call, or only in one piece
    start = {"type": "tool_use", "id": "a", "name": "t", "input": {"x": 1}}
    told = [
        {"type": "content_block_start", "index": 0, "content_block": start},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    ]
    raw = [encode(Frame(json.dumps(event), event["type"])) for event in told]
    assert fold(events_in(ANTHROPIC, raw)).blocks == (ToolCall("a", "t", '{"x":1}'),)
    events = streamed(piece(0, '{"x":1}', "a", "t"), chunk("tool_calls"))
    assert events[2]["delta"]["partial_json"] == '{"x":1}'


def test_thinking_stands_in_blocks_of_its_own_and_a_message_starts_once():
    # 32357
    events = streamed(
        chunk(role="assistant", content=""),
        chunk(role="assistant", reasoning_content="h"),
        chunk(content="x"),
        chunk(role="assistant", reasoning_content="m"),
        chunk(content="y"),
        chunk("stop"),
    )
    assert sum(event["type"] == "message_start" for event in events) == 1
    kinds = {e["index"]: e["content_block"]["type"] for e in events if "content_block" in e}
    assert kinds == {0: "thinking", 1: "text", 2: "thinking", 3: "text"}
    for event in events:
        if event["type"] == "content_block_delta":
            assert event["delta"]["type"].removesuffix("_delta") in (
                kinds[event["index"]],
                "signature",
            )


def test_thinking_blocks_are_there_beside_tools():
    # 15601
    thought = Thinking("hm", "", "chat:qwen")
    answer = Answer(blocks=(thought, ToolCall("a", "t", "{}")))
    first, second = ANTHROPIC.write_answer(answer, CLIENT)["content"]
    assert (first["type"], second["type"]) == ("thinking", "tool_use")
    turns = [{"role": "assistant", "content": [first, second]}]
    ask = ANTHROPIC.read_request({"model": "m", "messages": turns})
    assert ask.messages[0].blocks[0] == thought


def test_signed_thinking_without_words_is_kept():
    # 42550
    empty = {"type": "thinking", "thinking": "", "signature": "S"}
    turns = [{"role": "assistant", "content": [empty, {"type": "text", "text": "x"}]}]
    ask = from_claude_code(messages=turns)
    assert ANTHROPIC.write_request(ask, "claude")["messages"][1]["content"][0] == empty


def test_thinking_never_becomes_visible_text():
    # 26916
    answer = Answer(blocks=(Thinking("secret", "S", "anthropic:claude"), Text("x")))
    message = CHAT.write_answer(answer, Ask(model="m", messages=()))["choices"][0]["message"]
    assert message["content"] == "x"
    seen = {"type": "thinking", "thinking": "secret", "signature": "S"}
    turns = [{"role": "assistant", "content": [seen, {"type": "text", "text": "x"}]}]
    assert "secret" not in json.dumps(to_chat(messages=turns))
    assert "secret" not in json.dumps(
        ANTHROPIC.write_request(from_claude_code(messages=turns), "glm")
    )


def test_deepseek_gets_reasoning_with_every_turn_of_the_model():
    # 26395: its thinking mode refuses a history without, also when another model made it
    own = {"type": "thinking", "thinking": "hm", "signature": "helio:chat:deepseek:"}
    turns = [
        {"role": "assistant", "content": [own, {"type": "text", "text": "x"}]},
        {"role": "user", "content": "and?"},
        {"role": "assistant", "content": "from another model"},
    ]
    told = to_chat("deepseek", messages=turns)["messages"]
    assert [turn.get("reasoning_content") for turn in told] == ["hm", None, ""]


def test_usage_of_a_stream_is_not_lost():
    usage = {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}
    events = streamed(chunk(content="x"), chunk("stop"), encode(Frame(json.dumps(usage))))
    assert events[-2]["usage"]["input_tokens"] == 7
    assert events[-2]["usage"]["output_tokens"] == 3


def test_an_overloaded_provider_stays_overloaded_and_is_no_500():
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    code, message = ANTHROPIC.read_error(529, body)
    assert ANTHROPIC.write_error(529, code, message) == body


def test_no_thinking_is_asked_of_a_model_by_a_client_that_did_not():
    assert "reasoning_effort" not in to_chat()
    ask = Ask(model="claude-opus-5", messages=(), origin="chat")
    assert "thinking" not in ANTHROPIC.write_request(ask, "claude")
    off = Ask(model="m", messages=(), origin="chat", reasoning=Reasoning(budget_tokens=0))
    assert ANTHROPIC.write_request(off, "glm")["thinking"] == {"type": "disabled"}
