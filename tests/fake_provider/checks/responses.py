"""What `POST /v1/responses` refuses. It keeps nothing: every request brings its whole history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fake_provider import seal
from tests.fake_provider.checks import pictures, schemas
from tests.fake_provider.checks.chat import NAME, reasons
from tests.fake_provider.plan import Seen
from tests.fake_provider.refused import Refused, need, words

_FIELDS = words(
    "background context_management conversation include input instructions max_output_tokens"
    " max_tool_calls metadata model parallel_tool_calls previous_response_id prompt"
    " prompt_cache_key prompt_cache_retention reasoning safety_identifier service_tier store"
    " stream stream_options temperature text tool_choice tools top_logprobs top_p truncation"
    " user"
)
_ITEMS = {
    "message": {"role", "content", "id", "status", "phase"},
    "function_call": {"call_id", "name", "arguments", "id", "status", "namespace"},
    "function_call_output": {"call_id", "output", "id", "status"},
    "reasoning": {"id", "summary", "encrypted_content", "content", "status"},
}
_PARTS = {
    "user": {"input_text", "input_image", "input_file"},
    "system": {"input_text"},
    "developer": {"input_text"},
    "assistant": {"output_text", "refusal"},
}
_PREFIX = {"message": "msg_", "function_call": "fc_", "reasoning": "rs_"}
_BUILTIN = ("web_search", "file_search", "code_interpreter", "local_shell", "custom", "mcp")


def check(body: Mapping[str, Any]) -> Seen:
    """Give what the request asks for.

    Raises:
        Refused: OpenAI would answer 400.
    """
    for name in body:
        need(name in _FIELDS, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    need(
        isinstance(body.get("model"), str) and body["model"], "Missing required parameter: 'model'."
    )
    _settings(body)
    names = _tools(body)
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    if not isinstance(items, list) or not items:
        raise Refused("Missing required parameter: 'input'.", param="input")
    for at, item in enumerate(items):
        _item(item, f"input[{at}]")
    _pairs(items)
    return _seen(body, items, names)


def _seen(body: Mapping[str, Any], items: list[Any], tools: list[str]) -> Seen:
    last = items[-1]
    results = []
    for item in reversed(items):
        if item.get("type") != "function_call_output":
            break
        results.append(_text(item["output"]))
    shape = (body.get("text") or {}).get("format") or {}
    parts = last.get("content")
    effort = (body.get("reasoning") or {}).get("effort")
    return Seen(
        dialect="responses",
        model=body["model"],
        body=body,
        stream=bool(body.get("stream")),
        text=_text(parts) if last.get("role") == "user" else "",
        results=tuple(reversed(results)),
        images=sum(one["type"] == "input_image" for one in parts) if isinstance(parts, list) else 0,
        tools=tuple(tools),
        schema=shape.get("schema"),
        json=shape.get("type") == "json_object",
        thinks=effort not in {None, "none"},
    )


def _settings(body: Mapping[str, Any]) -> None:
    thinker = reasons(body["model"])
    limit = body.get("max_output_tokens")
    need(
        limit is None or (isinstance(limit, int) and limit >= 16),
        "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16, but "
        f"got {limit} instead.",
        param="max_output_tokens",
        code="integer_below_min_value",
    )
    need(
        body.get("previous_response_id") is None,
        f"Previous response with id '{body.get('previous_response_id')}' not found.",
        code="previous_response_not_found",
    )
    reasoning = body.get("reasoning") or {}
    extra = set(reasoning) - {"effort", "summary", "generate_summary", "context", "mode"}
    need(not extra, f"Unknown parameter: 'reasoning.{''.join(sorted(extra)[:1])}'.")
    need(
        thinker or not reasoning.get("effort"),
        "Unsupported parameter: 'reasoning.effort' is not supported with this model.",
        param="reasoning.effort",
    )
    for name in ("temperature", "top_p"):
        bad = thinker and body.get(name) not in {None, 1}
        need(not bad, f"Unsupported parameter: '{name}' is not supported with this model.")
    format_ = (body.get("text") or {}).get("format") or {"type": "text"}
    match format_.get("type"):
        case "json_schema":
            schemas.name_fits(format_.get("name"), NAME, "Invalid 'text.format.name'")
            schemas.openai(format_["name"], format_.get("schema"), format_.get("strict") is True)
        case other:
            need(other in {"text", "json_object"}, f"Invalid value: '{other}'.")


def _tools(body: Mapping[str, Any]) -> list[str]:
    names = []
    for at, tool in enumerate(body.get("tools") or ()):
        where = f"tools[{at}]"
        if str(tool.get("type")).startswith(_BUILTIN):
            continue
        need(tool.get("type") == "function", f"Invalid value: '{tool.get('type')}'.", param=where)
        extra = set(tool) - {"type", "name", "description", "parameters", "strict"}
        need(not extra, f"Unknown parameter: '{where}.{''.join(sorted(extra)[:1])}'.", param=where)
        need("name" in tool, f"Missing required parameter: '{where}.name'.", param=f"{where}.name")
        schemas.name_fits(tool["name"], NAME, f"Invalid '{where}.name'")
        if tool.get("parameters") is not None:
            schemas.openai(tool["name"], tool["parameters"], tool.get("strict") is True)
        names.append(tool["name"])
    schemas.names_unique(names)
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        named = choice.get("name")
        missing = choice.get("type") == "function" and named not in names
        need(not missing, f"Tool choice '{named}' not found in 'tools' parameter.")
    else:
        need(choice in {None, "auto", "none", "required"}, f"Invalid value: '{choice}'.")
        need(choice != "required" or body.get("tools"), "Tool choice 'required' needs 'tools'.")
    return names


def _item(item: Mapping[str, Any], where: str) -> None:
    kind = item.get("type", "message")
    need(kind in _ITEMS, f"Invalid value: '{kind}'.", param=f"{where}.type")
    extra = set(item) - _ITEMS[kind] - {"type"}
    need(not extra, f"Unknown parameter: '{where}.{''.join(sorted(extra)[:1])}'.", param=where)
    name = item.get("id")
    prefix = _PREFIX.get(kind)
    bad = name is not None and prefix and not str(name).startswith(prefix)
    need(
        not bad,
        f"Invalid '{where}.id': '{name}'. Expected an ID that begins with '{prefix}'.",
        param=f"{where}.id",
    )
    match kind:
        case "message":
            _message(item, where)
        case "function_call":
            for field in ("call_id", "name", "arguments"):
                text = isinstance(item.get(field), str)
                need(text, f"Missing required parameter: '{where}.{field}'.", param=where)
            need(len(item["call_id"]) <= 64, f"Invalid '{where}.call_id': string too long.")
            schemas.name_fits(item["name"], r"[a-zA-Z0-9_-]{1,128}", f"Invalid '{where}.name'")
        case "function_call_output":
            _output(item.get("output"), where)
        case "reasoning":
            _reasoning(item, where)


def _message(item: Mapping[str, Any], where: str) -> None:
    role = item.get("role")
    need(role in _PARTS, f"Invalid value: '{role}'.", param=f"{where}.role")
    content = item.get("content")
    if isinstance(content, str):
        return
    need(isinstance(content, list), f"Invalid type for '{where}.content'.")
    for place, part in enumerate(content or ()):
        kind = part.get("type")
        allowed = _PARTS[str(role)]
        supported = ", ".join(f"'{one}'" for one in sorted(allowed))
        need(
            kind in allowed,
            f"Invalid value: '{kind}'. Supported values are: {supported}.",
            param=f"{where}.content[{place}]",
        )
        if kind == "input_image":
            _image(part, f"{where}.content[{place}]")


def _image(part: Mapping[str, Any], where: str) -> None:
    need(set(part) <= {"type", "image_url", "detail", "file_id"}, f"Unknown parameter: '{where}'.")
    if not part.get("file_id"):
        pictures.url(part.get("image_url"), f"{where}.image_url")


def _output(output: Any, where: str) -> None:
    if isinstance(output, str):
        return
    need(isinstance(output, list), f"Missing required parameter: '{where}.output'.")
    for part in output or ():
        kind = part.get("type")
        need(kind in _PARTS["user"], f"Invalid value: '{kind}'.", param=f"{where}.output")
        if kind == "input_image":
            _image(part, where)


def _reasoning(item: Mapping[str, Any], where: str) -> None:
    named = item.get("id", "(none)")  # Codex leaves it out, and is understood
    need(isinstance(item.get("summary"), list), f"Missing required parameter: '{where}.summary'.")
    token = item.get("encrypted_content")
    need(
        token,
        f"Item with id '{named}' not found. Items are not persisted when `store` is set to "
        "false. Try again with `store` set to true, or remove this item from your input.",
        status=404,
        code="item_not_found",
    )
    need(
        seal.opened("responses", str(token)),
        f"The encrypted content for item {named} could not be verified. Reason: Encrypted "
        "content could not be decrypted or parsed.",
        code="invalid_encrypted_content",
    )


def _pairs(items: list[Any]) -> None:
    kinds = [item.get("type", "message") for item in items]
    called = [item["call_id"] for item in items if item.get("type") == "function_call"]
    answered = [item.get("call_id") for item in items if item.get("type") == "function_call_output"]
    for name in called:
        missing = f"No tool output found for function call {name}."
        need(name in answered, missing, param="input")
    for at, item in enumerate(items):
        if item.get("type") == "function_call_output":
            before = [
                one.get("call_id") for one in items[:at] if one.get("type") == "function_call"
            ]
            orphan = f"No tool call found for function call output with call_id {item['call_id']}."
            need(item.get("call_id") in before, orphan, param="input")
        if item.get("type") == "reasoning":
            after = kinds[at + 1 : at + 2]
            alone = not after or after[0] == "function_call_output"
            alone = alone or (after[0] == "message" and items[at + 1].get("role") != "assistant")
            need(
                not alone,
                f"Item '{item.get('id')}' of type 'reasoning' was provided without its required "
                "following item.",
            )
    for names in (called, answered):
        need(len(set(names)) == len(names), "Duplicate item found in 'input'.", param="input")


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content if "text" in part)
    return content or ""
