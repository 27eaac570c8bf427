"""The fake provider refuses what the real ones refuse, and fails in every way that is scripted."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.fake_provider import seal

PATHS = {
    "anthropic": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "gemini": "/v1beta/models/gemini-3-fake:generateContent",
}
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
USER = {"role": "user", "content": "hi"}
GOOD: dict[str, dict[str, Any]] = {
    "anthropic": {"model": "claude-fake", "max_tokens": 2000, "messages": [USER]},
    "chat": {"model": "gpt-fake", "messages": [USER]},
    "responses": {"model": "gpt-5-fake", "input": [USER]},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
TOOL = {"name": "f", "input_schema": SCHEMA}
FUNCTION = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ITEM = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
ASKED = {"role": "user", "parts": [{"text": "hi"}]}
CALLED = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
GAVE = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
FOREIGN = {"type": "thinking", "thinking": "hm", "signature": seal.sign("gemini", "hm")}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def user(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def calls(*made: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": list(made)}


REFUSED = [
    ("anthropic", {"max_tokens": None}, "max_tokens: Field required"),
    ("anthropic", {"n": 2}, "n: Extra inputs"),
    ("anthropic", {"messages": [assistant({"type": "text", "text": "a"})]}, "user role"),
    ("anthropic", {"messages": [user({"type": "text", "text": ""})]}, "non-empty"),
    ("anthropic", {"tools": [TOOL], "messages": [USER, assistant(USE), USER]}, "without `tool_re"),
    ("anthropic", {"tools": [TOOL], "messages": [user(RESULT)]}, "unexpected `tool_use_id`"),
    ("anthropic", {"messages": [USER, assistant(USE), user(RESULT)]}, "must define tools"),
    ("anthropic", {"messages": [USER, assistant(FOREIGN), USER]}, "Invalid `signature`"),
    ("anthropic", {"tools": [TOOL | {"name": "a b"}]}, "should match pattern"),
    ("anthropic", {"thinking": {"type": "enabled", "budget_tokens": 3000}}, "greater than `think"),
    ("anthropic", {"tool_choice": {"type": "any"}}, "while providing tools"),
    ("chat", {"thinking": {}}, "Unknown parameter"),
    ("chat", {"model": "gpt-5-fake", "max_tokens": 5}, "max_completion_tokens"),
    ("chat", {"messages": [USER, calls(CALL), USER]}, "did not have response messages: c1"),
    (
        "chat",
        {"messages": [USER, {"role": "tool", "tool_call_id": "c1", "content": "a"}]},
        "precee",
    ),
    ("chat", {"messages": [USER, calls(CALL | {"id": "c" * 41})]}, "length of 40"),
    ("chat", {"tools": [{"type": "function", "function": {"name": "f" * 65}}]}, "match pattern"),
    ("chat", {"tools": []}, "empty array"),
    ("chat", {"stream_options": {"include_usage": True}}, "only allowed when 'stream'"),
    ("responses", {"messages": [USER]}, "Unknown parameter: 'messages'"),
    ("responses", {"max_output_tokens": 5}, "below minimum"),
    ("responses", {"input": [USER, ITEM]}, "No tool output found"),
    ("responses", {"input": [USER, ITEM | {"id": "call_1"}]}, "begins with 'fc_'"),
    (
        "responses",
        {"input": [USER, {"type": "reasoning", "id": "rs_1", "summary": []}, USER]},
        "not persisted",
    ),
    ("gemini", {"contents": [ASKED, ASKED]}, "alternate"),
    ("gemini", {"contents": [ASKED, CALLED, ASKED]}, "equal to the number"),
    ("gemini", {"contents": [ASKED, CALLED, GAVE]}, "missing a thought_signature"),
    ("gemini", {"max_tokens": 5}, 'Unknown name "maxTokens"'),
    (
        "gemini",
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": {"$schema": "x"}}]}]},
        'Unknown name "$schema"',
    ),
]


async def post(url: str, dialect: str, more: dict[str, Any]) -> tuple[int, str, Any]:
    body = {name: value for name, value in (GOOD[dialect] | more).items() if value is not None}
    path = f"{url}{PATHS[dialect]}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(path, json=body, headers=HEADERS) as response,
    ):
        return response.status, await response.text(), response.headers


@pytest.mark.parametrize("dialect", GOOD)
async def test_a_plain_request_is_answered(fake_provider, dialect):
    status, text, _ = await post(fake_provider.url, dialect, {})
    assert status == 200
    assert "echo: hi" in text


@pytest.mark.parametrize(("dialect", "more", "said"), REFUSED, ids=[one[2] for one in REFUSED])
async def test_a_bad_request_is_refused(fake_provider, dialect, more, said):
    status, text, _ = await post(fake_provider.url, dialect, more)
    assert status in {400, 404}
    assert said in text.replace('\\"', '"')
    assert (await fake_provider.last())["outcome"] == "refused"


@pytest.mark.parametrize(
    ("style", "name"),
    [
        ("retry-after", "retry-after"),
        ("retry-after-date", "retry-after"),
        ("retry-after-ms", "retry-after-ms"),
        ("x-ratelimit", "x-ratelimit-reset-requests"),
        ("anthropic", "anthropic-ratelimit-requests-reset"),
        ("anthropic-unified", "anthropic-ratelimit-unified-status"),
        ("body-resets-in-seconds", ""),
        ("body-try-again", ""),
        ("gemini-retry-info", ""),
        ("openrouter", "X-RateLimit-Reset"),
        ("none", ""),
    ],
)
async def test_a_throttled_request_says_so_in_every_style(fake_provider, style, name):
    await fake_provider.fault({"status": 429, "style": style, "reset_s": 90})
    status, text, headers = await post(fake_provider.url, "chat", {})
    assert status == 429
    assert not name or name in headers
    assert not style.startswith(("body", "gemini")) or "90" in text


async def test_a_quota_refills_with_its_clock(fake_provider):
    url = fake_provider.at("one")
    await fake_provider.quota(2, match={"door": "one"}, style="x-ratelimit")
    seen = [await post(url, "chat", {}) for _ in range(3)]
    assert [status for status, _, _ in seen] == [200, 200, 429]
    left = [headers["x-ratelimit-remaining-requests"] for _, _, headers in seen]
    assert left == ["1", "0", "0"]
    assert (await post(fake_provider.url, "chat", {}))[0] == 200
    await fake_provider.ahead(60)
    assert (await post(url, "chat", {}))[0] == 200


async def test_a_door_that_is_shut_refuses_and_one_that_opens_again_serves(fake_provider):
    url = await fake_provider.open_door("late")
    await fake_provider.shut_door("late")
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(url, "chat", {})
    assert await fake_provider.open_door("late", int(url.rsplit(":", 1)[1])) == url
    assert (await post(url, "chat", {}))[0] == 200
    assert (await fake_provider.last())["door"] == "late"


async def test_a_stream_that_is_cut_ends_without_its_end(fake_provider):
    await fake_provider.fault({"cut": 2})
    with pytest.raises(aiohttp.ClientPayloadError):
        await post(fake_provider.url, "chat", {"stream": True})
    assert (await fake_provider.last())["events"] == 2


async def test_a_client_that_leaves_a_silent_provider_is_seen(fake_provider):
    await fake_provider.fault({"hang": "head"})
    quick = aiohttp.ClientTimeout(total=0.1)
    async with aiohttp.ClientSession(timeout=quick) as session:
        with pytest.raises(TimeoutError):
            await session.post(
                f"{fake_provider.url}{PATHS['chat']}", json=GOOD["chat"], headers=HEADERS
            )
    await fake_provider.until(lambda seen: seen[-1]["outcome"] == "left")


async def test_a_key_of_the_house_is_a_leak(fake_provider):
    headers = HEADERS | {"x-api-key": "hk-secret"}
    async with aiohttp.ClientSession() as session:
        url = f"{fake_provider.url}{PATHS['anthropic']}"
        async with session.post(url, json=GOOD["anthropic"], headers=headers) as response:
            assert response.status == 401
    assert await fake_provider.counts() == {"leaked": 1}
