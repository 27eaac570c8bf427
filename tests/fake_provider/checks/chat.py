"""What `POST /v1/chat/completions` refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.fake_provider.checks import pictures, schemas
from tests.fake_provider.plan import Seen
from tests.fake_provider.refused import Refused, need, words

_FIELDS = words(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens"
    " max_tokens messages metadata modalities model n parallel_tool_calls prediction"
    " presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format"
    " safety_identifier seed service_tier stop store stream stream_options temperature"
    " tool_choice tools top_logprobs top_p user verbosity web_search_options"
)
_MESSAGE = {
    "system": {"content", "name"},
    "developer": {"content", "name"},
    "user": {"content", "name"},
    "assistant": {"content", "name", "tool_calls", "refusal", "audio"},
    "tool": {"content", "tool_call_id"},
}
_PARTS = {
    "user": {"text", "image_url", "input_audio", "file"},
    "assistant": {"text", "refusal"},
}
NAME = r"[a-zA-Z0-9_-]{1,64}"
_EFFORTS = {"none", "minimal", "low", "medium", "high", "xhigh", "max"}


def reasons(model: str) -> bool:
    """Whether OpenAI treats a model of this name as one that reasons."""
    return re.match(r"(o\d|gpt-[5-9])", model.rsplit("/", 1)[-1]) is not None


def check(body: Mapping[str, Any]) -> Seen:
    """Give what the request asks for.

    Raises:
        Refused: OpenAI would answer 400.
    """
    deepseek = "deepseek" in str(body.get("model"))
    known = _FIELDS | ({"thinking"} if deepseek else set())
    for name in body:
        need(name in known, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    need(isinstance(body.get("model"), str) and body["model"], "you must provide a model parameter")
    _settings(body)
    names = _tools(body)
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused("Invalid type for 'messages': expected a non-empty array.", param="messages")
    for at, said in enumerate(messages):
        _message(said, f"messages[{at}]", thoughts=deepseek)
    _pairs(messages)
    _shape(body, messages)
    return _seen(body, messages, names)


def _seen(body: Mapping[str, Any], messages: list[Any], tools: list[str]) -> Seen:
    last = messages[-1]
    results = []
    for said in reversed(messages):
        if said["role"] != "tool":
            break
        results.append(_text(said["content"]))
    parts = last["content"] if isinstance(last.get("content"), list) else []
    shape = body.get("response_format") or {}
    effort = body.get("reasoning_effort")
    return Seen(
        dialect="chat",
        model=body["model"],
        body=body,
        stream=bool(body.get("stream")),
        text=_text(last.get("content")) if last["role"] == "user" else "",
        results=tuple(reversed(results)),
        images=sum(one["type"] == "image_url" for one in parts),
        tools=tuple(tools),
        schema=(shape.get("json_schema") or {}).get("schema"),
        json=shape.get("type") == "json_object",
        thinks=effort not in {None, "none"}
        or (body.get("thinking") or {}).get("type") == "enabled",
    )


def _settings(body: Mapping[str, Any]) -> None:
    thinker = reasons(body["model"])
    if thinker:
        need(
            "max_tokens" not in body,
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
        for name in ("temperature", "top_p"):
            need(
                body.get(name) in {None, 1},
                f"Unsupported value: '{name}' does not support {body.get(name)} with this model. "
                "Only the default (1) value is supported.",
                param=name,
                code="unsupported_value",
            )
    else:
        need(
            "reasoning_effort" not in body or "deepseek" in body["model"],
            "Unrecognized request argument supplied: reasoning_effort",
        )
    _amounts(body)
    streams = body.get("stream")
    need(
        "stream_options" not in body or streams,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        param="stream_options",
    )
    stop = body.get("stop")
    count = len(stop) if isinstance(stop, list) else 1
    need(
        stop is None or 1 <= count <= 4, "Invalid 'stop': array too long. At most 4.", param="stop"
    )
    need(not (thinker and stop), "Unsupported parameter: 'stop' is not supported with this model.")


def _amounts(body: Mapping[str, Any]) -> None:
    effort = body.get("reasoning_effort")
    need(effort is None or effort in _EFFORTS, "Unsupported value: 'reasoning_effort'")
    both = "max_tokens" in body and "max_completion_tokens" in body
    need(not both, "Setting 'max_tokens' and 'max_completion_tokens' at the same time is refused.")
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        need(value is None or (isinstance(value, int) and value > 0), f"Invalid '{name}'")


def _tools(body: Mapping[str, Any]) -> list[str]:
    tools = body.get("tools")
    need(
        tools is None or tools, "Invalid 'tools': empty array. Expected at least 1.", param="tools"
    )
    names = []
    for at, tool in enumerate(tools or ()):
        where = f"tools[{at}]"
        need(tool.get("type") == "function", f"Invalid value: '{tool.get('type')}'.", param=where)
        need(set(tool) <= {"type", "function"}, f"Unknown parameter: '{where}'.", param=where)
        function = tool.get("function") or {}
        extra = set(function) - {"name", "description", "parameters", "strict"}
        need(not extra, f"Unknown parameter: '{where}.function.{''.join(sorted(extra)[:1])}'.")
        schemas.name_fits(function.get("name"), NAME, f"Invalid '{where}.function.name'")
        if "parameters" in function:
            strict = function.get("strict") is True
            schemas.openai(function["name"], function["parameters"], strict)
        names.append(function["name"])
    schemas.names_unique(names)
    for name in ("tool_choice", "parallel_tool_calls"):
        need(
            body.get(name) is None or names,
            f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.",
            param=name,
        )
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        named = (choice.get("function") or {}).get("name")
        need(named in names, f"Tool choice '{named}' not found in 'tools' parameter.")
    else:
        need(choice in {None, "auto", "none", "required"}, f"Invalid value: '{choice}'.")
    return names


def _message(said: Mapping[str, Any], where: str, *, thoughts: bool) -> None:
    role = said.get("role")
    need(role in _MESSAGE, f"Invalid value: '{role}'.", param=f"{where}.role")
    allowed = _MESSAGE[str(role)] | {"role"} | ({"reasoning_content"} if thoughts else set())
    extra = set(said) - allowed
    need(not extra, f"Unknown parameter: '{where}.{''.join(sorted(extra)[:1])}'.", param=where)
    content = said.get("content")
    calls = said.get("tool_calls")
    if content is None:
        need(
            role == "assistant" and (calls or said.get("refusal")),
            f"Invalid value for 'content': expected a string, got null. ({where})",
            param=f"{where}.content",
        )
    elif isinstance(content, list):
        need(content, f"Invalid '{where}.content': empty array.", param=f"{where}.content")
        for place, part in enumerate(content):
            _part(part, str(role), f"{where}.content[{place}]")
    else:
        need(isinstance(content, str), f"Invalid type for '{where}.content'.")
    if calls is not None:
        need(calls, f"Invalid '{where}.tool_calls': empty array.", param=f"{where}.tool_calls")
        for place, call in enumerate(calls):
            _call(call, f"{where}.tool_calls[{place}]")


def _part(part: Mapping[str, Any], role: str, where: str) -> None:
    kind = part.get("type")
    allowed = _PARTS.get(role, {"text"})
    need(kind in allowed, f"Invalid value: '{kind}'. Supported values are: {sorted(allowed)}.")
    match kind:
        case "text":
            good = isinstance(part.get("text"), str) and set(part) <= {"type", "text"}
            need(good, f"Invalid '{where}': unknown or missing fields {sorted(part)}.", param=where)
        case "image_url":
            given = part.get("image_url") or {}
            need(set(given) <= {"url", "detail"}, f"Unknown parameter: '{where}.image_url'.")
            pictures.url(given.get("url"), f"{where}.image_url.url")
            detail = given.get("detail", "auto")
            need(detail in {"auto", "low", "high"}, f"Invalid value: {detail!r}.")
        case "file":
            need(set(part.get("file") or {}), f"Missing required parameter: '{where}.file'.")


def _call(call: Mapping[str, Any], where: str) -> None:
    need(call.get("type") == "function", f"Invalid value: '{call.get('type')}'.", param=where)
    need(set(call) <= {"id", "type", "function"}, f"Unknown parameter: '{where}' {sorted(call)}.")
    name = call.get("id")
    good = isinstance(name, str) and 0 < len(name) <= 40
    need(good, f"Invalid '{where}.id': string too long. Expected a maximum length of 40.")
    function = call.get("function") or {}
    need(set(function) == {"name", "arguments"}, f"Missing required parameter: '{where}.function'.")
    schemas.name_fits(function["name"], NAME, f"Invalid '{where}.function.name'")
    text = isinstance(function["arguments"], str)
    need(text, f"Invalid type for '{where}.function.arguments': expected a string.")


def _pairs(messages: list[Any]) -> None:
    """Every call is answered by tool messages right after it, and nothing else is."""
    waiting: list[str] = []
    answered: set[str] = set()
    for at, said in enumerate(messages):
        if said["role"] == "tool":
            need(
                waiting or answered,
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding "
                "message with 'tool_calls'.",
                param=f"messages[{at}].role",
            )
            name = said.get("tool_call_id")
            need(name in waiting, f"Invalid parameter: 'tool_call_id' of '{name}' not found.")
            waiting.remove(name)
            answered.add(name)
            continue
        _nothing_waits(waiting)
        waiting = [call["id"] for call in said.get("tool_calls") or ()]
        need(len(set(waiting)) == len(waiting), "Duplicate value for 'tool_call_id'.")
        answered = set()
    _nothing_waits(waiting)


def _nothing_waits(waiting: list[str]) -> None:
    need(
        not waiting,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        f"{', '.join(waiting)}",
        param="messages",
    )


def _shape(body: Mapping[str, Any], messages: list[Any]) -> None:
    shape = body.get("response_format") or {"type": "text"}
    match shape.get("type"):
        case "text":
            pass
        case "json_object":
            told = "json" in " ".join(_text(one.get("content")) for one in messages).lower()
            need(
                told,
                "'messages' must contain the word 'json' in some form, to use 'response_format' "
                "of type 'json_object'.",
                param="messages",
            )
        case "json_schema":
            given = shape.get("json_schema") or {}
            schemas.name_fits(given.get("name"), NAME, "Invalid 'response_format.json_schema.name'")
            schemas.openai(given["name"], given.get("schema"), given.get("strict") is True)
        case other:
            need(False, f"Invalid value: '{other}'.", param="response_format.type")


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""
