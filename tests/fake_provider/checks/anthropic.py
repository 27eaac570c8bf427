"""What `POST /v1/messages` refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.fake_provider.checks import schemas
from tests.fake_provider.checks.anthropic_blocks import block, text_of
from tests.fake_provider.plan import Seen
from tests.fake_provider.refused import Refused, need, words

_FIELDS = words(
    "cache_control container context_management inference_geo max_tokens mcp_servers messages"
    " metadata model output_config service_tier speed stop_sequences stream system temperature"
    " thinking tool_choice tools top_k top_p"
)
_TOOL = words(
    "allowed_callers cache_control defer_loading description eager_input_streaming"
    " input_examples input_schema name strict type"
)
_NEW = re.compile(r"claude-(opus|sonnet|haiku)-(4-[1-9]|[5-9])")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


def check(body: Mapping[str, Any], headers: Mapping[str, str], *, counting: bool = False) -> Seen:
    """Give what the request asks for.

    Raises:
        Refused: Anthropic would answer 400.
    """
    need("anthropic-version" in headers, "anthropic-version: header is required")
    for name in body:
        need(name in _FIELDS, f"{name}: Extra inputs are not permitted")
    need(isinstance(body.get("model"), str) and body["model"], "model: Field required")
    if not counting:
        limit = body.get("max_tokens")
        need(limit is not None, "max_tokens: Field required")
        whole = isinstance(limit, int) and not isinstance(limit, bool)
        need(whole, "max_tokens: Input should be a valid integer")
        need(int(limit) >= 1, "max_tokens: Input should be greater than or equal to 1")
    _settings(body)
    names = _tools(body)
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise Refused("messages: Field required")
    need(messages, "messages: at least one message is required")
    thinks = _thinking(body)
    _conversation(messages, thinks="budget_tokens" in (body.get("thinking") or {}))
    uses_tools = any(
        one.get("type") in {"tool_use", "tool_result"} for said in messages for one in _blocks(said)
    )
    need(
        names or not uses_tools,
        "Requests which include `tool_use` or `tool_result` blocks must define tools",
    )
    return _seen(body, messages, tuple(names), thinks)


def _seen(
    body: Mapping[str, Any], messages: list[Any], tools: tuple[str, ...], thinks: bool
) -> Seen:
    last = _blocks(next(m for m in reversed(messages) if m["role"] != "system"))
    results = [one for one in last if one["type"] == "tool_result"]
    shape = (body.get("output_config") or {}).get("format") or {}
    return Seen(
        dialect="anthropic",
        model=body["model"],
        body=body,
        stream=bool(body.get("stream", False)),
        text="\n".join(one["text"] for one in last if one["type"] == "text"),
        results=tuple(
            text_of(one) + (" [error]" if one.get("is_error") else "") for one in results
        ),
        images=sum(one["type"] == "image" for one in last),
        tools=tools,
        schema=shape.get("schema"),
        thinks=thinks,
    )


def _settings(body: Mapping[str, Any]) -> None:
    for name, most in (("temperature", 1.0), ("top_p", 1.0)):
        value = body.get(name)
        need(value is None or 0 <= value <= most, f"{name}: range: 0..{most:g}")
    both = body.get("temperature") is not None and body.get("top_p") is not None
    need(
        not (both and _NEW.match(body["model"])),
        "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
    )
    for at, stop in enumerate(body.get("stop_sequences") or ()):
        need(stop.strip(), f"stop_sequences.{at}: each stop sequence must contain non-whitespace")
    metadata = body.get("metadata") or {}
    need(set(metadata) <= {"user_id"}, "metadata: Extra inputs are not permitted")
    config = body.get("output_config") or {}
    need(set(config) <= {"effort", "format"}, "output_config: Extra inputs are not permitted")
    effort = config.get("effort")
    need(effort is None or effort in _EFFORTS, "output_config.effort: Input should be 'low' ...")
    system = body.get("system")
    if isinstance(system, list):
        for at, one in enumerate(system):
            need(one.get("type") == "text", f"system.{at}.type: Input should be 'text'")
            block(one, "system", f"system.{at}")
    elif system is not None:
        need(isinstance(system, str), "system: Input should be a valid string")
    _count_cache_marks(body)


def _count_cache_marks(body: Mapping[str, Any]) -> None:
    parts = [*(body.get("tools") or ())]
    parts += body["system"] if isinstance(body.get("system"), list) else []
    for said in body.get("messages") or ():
        parts += _blocks(said)
    marks = sum(bool(one.get("cache_control")) for one in parts)
    need(
        marks <= 4,
        f"A maximum of 4 blocks with cache_control may be provided. Found {marks}.",
    )


def _thinking(body: Mapping[str, Any]) -> bool:
    asked = body.get("thinking") or {"type": "disabled"}
    kind = asked.get("type")
    known = {"enabled", "disabled", "adaptive", "between_tools"}
    need(kind in known, "thinking: Input tag does not match any of the expected tags")
    if kind == "enabled":
        budget = asked.get("budget_tokens")
        need(isinstance(budget, int), "thinking.enabled.budget_tokens: Field required")
        need(
            budget >= 1024,
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        )
        room = body.get("max_tokens", budget + 1)
        need(budget < room, "`max_tokens` must be greater than `thinking.budget_tokens`.")
    if kind in {"enabled", "adaptive"}:
        warm = body.get("temperature") in {None, 1}
        need(warm, "`temperature` may only be set to 1 when thinking is enabled.")
        need(body.get("top_k") is None, "`top_k` must be unset when thinking is enabled.")
        forced = (body.get("tool_choice") or {}).get("type") in {"any", "tool"}
        need(not forced, "Thinking may not be enabled when tool_choice forces tool use.")
    return kind in {"enabled", "adaptive"}


def _tools(body: Mapping[str, Any]) -> list[str]:
    names = []
    for at, tool in enumerate(body.get("tools") or ()):
        where = f"tools.{at}"
        if tool.get("type", "custom") in {"custom", None}:
            for name in tool:
                need(name in _TOOL, f"{where}.custom.{name}: Extra inputs are not permitted")
            need("input_schema" in tool, f"{where}.custom.input_schema: Field required")
            schemas.anthropic(tool["input_schema"], f"{where}.custom")
        else:
            dated = re.search(r"_20\d{6}$", str(tool["type"]))
            need(dated, f"{where}: Input tag '{tool['type']}' does not match the expected tags")
        schemas.name_fits(tool.get("name"), r"[a-zA-Z0-9_-]{1,128}", f"{where}.custom.name")
        names.append(tool["name"])
    schemas.names_unique(names)
    choice = body.get("tool_choice")
    if choice is not None:
        need(names, "tool_choice may only be specified while providing tools.")
        kinds = {"auto", "any", "tool", "none"}
        need(choice.get("type") in kinds, "tool_choice: Input tag does not match 'auto', 'any' ...")
        unknown = choice.get("type") == "tool" and choice.get("name") not in names
        need(not unknown, f"Tool '{choice.get('name')}' not found in provided tools")
    return names


def _conversation(messages: list[Any], *, thinks: bool) -> None:
    need(messages[0].get("role") != "assistant", "messages: first message must use the user role")
    for at, said in enumerate(messages):
        role = said.get("role")
        need(
            role in {"user", "assistant", "system"},
            f"messages.{at}: role: Input should be 'user' or 'assistant'",
        )
        extra = set(said) - {"role", "content"}
        need(
            not extra, f"messages.{at}.{''.join(sorted(extra)[:1])}: Extra inputs are not permitted"
        )
        last_word = at == len(messages) - 1 and role == "assistant"
        need(
            said.get("content") or last_word,
            f"messages.{at}: all messages must have non-empty content except for the optional "
            "final assistant message",
        )
        for place, one in enumerate(_blocks(said)):
            block(one, role, f"messages.{at}.content.{place}")
    _pairs(messages)
    if thinks:
        _thinks_first(messages)
    final = _blocks(messages[-1]) if messages[-1]["role"] == "assistant" else []
    trailing = final and final[-1]["type"] == "text" and final[-1]["text"][-1:].isspace()
    need(
        not trailing,
        "messages: final assistant content cannot end with trailing whitespace",
    )


def _pairs(messages: list[Any]) -> None:
    """Every call is answered in the very next user message, first thing, and nothing else is."""
    open_calls: list[str] = []
    for at, said in enumerate(messages):
        if said["role"] == "system":
            continue
        blocks = _blocks(said)
        given = [one["tool_use_id"] for one in blocks if one["type"] == "tool_result"]
        orphan = sorted(set(given) - set(open_calls))
        need(
            not orphan,
            f"messages.{at}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            f"{', '.join(orphan)}. Each `tool_result` block must have a corresponding `tool_use` "
            "block in the previous message.",
        )
        first = [one["type"] == "tool_result" for one in blocks[: len(open_calls)]]
        need(
            set(open_calls) <= set(given) and all(first),
            f"messages.{max(at - 1, 0)}: `tool_use` ids were found without `tool_result` blocks "
            f"immediately after: {', '.join(open_calls)}. Each `tool_use` block must have a "
            "corresponding `tool_result` block in the next message.",
        )
        need(
            len(given) == len(set(given)),
            f"messages.{at}: each tool_use must have a single result. Found multiple "
            "`tool_result` blocks with the same id.",
        )
        open_calls = [one["id"] for one in blocks if one["type"] == "tool_use"]
        need(
            len(open_calls) == len(set(open_calls)),
            f"messages.{at}: `tool_use` ids must be unique",
        )


def _thinks_first(messages: list[Any]) -> None:
    results = any(one["type"] == "tool_result" for one in _blocks(messages[-1]))
    for said in reversed(messages):
        if said["role"] != "assistant":
            continue
        kind = next((one["type"] for one in _blocks(said)), "")
        need(
            not results or kind in {"thinking", "redacted_thinking"},
            "messages: Expected `thinking` or `redacted_thinking`, but found "
            f"`{kind}`. When `thinking` is enabled, a final `assistant` message must start with "
            "a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` "
            "blocks).",
        )
        return


def _blocks(said: Mapping[str, Any]) -> list[Any]:
    content = said.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, list):
        raise Refused("messages: content: Input should be a valid list")
    return content
