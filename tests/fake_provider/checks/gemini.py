"""What `POST /v1beta/models/M:generateContent` refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from tests.fake_provider import seal
from tests.fake_provider.checks import schemas
from tests.fake_provider.checks.pictures import base64_bytes, picture
from tests.fake_provider.plan import Seen
from tests.fake_provider.refused import Refused, need, words

_TOP = words(
    "contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent"
    " model serviceTier store"
)
_SETTINGS = words(
    "stopSequences responseMimeType responseSchema responseJsonSchema _responseJsonSchema"
    " responseModalities candidateCount maxOutputTokens temperature topP topK seed"
    " presencePenalty frequencyPenalty responseLogprobs logprobs speechConfig thinkingConfig"
    " imageConfig mediaResolution responseFormat"
)
_DATA = {"text", "inlineData", "functionCall", "functionResponse", "fileData", "executableCode"}
_BESIDE = {"thought", "thoughtSignature", "videoMetadata", "mediaResolution"}
_NAME = r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}"
# Google documents these two for histories that another model began.
_FOREIGN = {"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"}


def check(body: Mapping[str, Any], model: str, *, stream: bool = False, framing: str) -> Seen:
    """Give what the request asks for.

    Raises:
        Refused: Gemini would answer 400.
    """
    body = camel(body)
    _known(body, _TOP, "")
    settings = body.get("generationConfig") or {}
    names = _tools(body)
    _settings(settings, model, has_tools=bool(names))
    system = body.get("systemInstruction")
    if system is not None:
        need(system.get("parts"), "system_instruction.parts: must not be empty.")
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise Refused("* GenerateContentRequest.contents: contents is not specified\n")
    for at, said in enumerate(contents):
        _content(said, f"contents[{at}]")
    _turns(contents)
    if model.startswith("gemini-3"):
        _signatures(contents)
    seen = _seen(body, contents, names, model)
    return replace(seen, stream=stream, framing=framing)


def camel(value: Any) -> Any:
    """Give a body with its own field names in camelCase; both spellings are understood."""
    if isinstance(value, list):
        return [camel(one) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {_camel(name): _inside(_camel(name), one) for name, one in value.items()}


def _camel(name: str) -> str:
    return re.sub(r"(?<=[a-z])_([a-z])", lambda found: found[1].upper(), name)


def _inside(name: str, value: Any) -> Any:
    """What users wrote (arguments, results, schemas) is left as it is."""
    theirs = {"args", "response", "parameters", "parametersJsonSchema", "responseSchema"}
    return value if name in theirs | {"responseJsonSchema"} else camel(value)


def _seen(body: Mapping[str, Any], contents: list[Any], tools: list[str], model: str) -> Seen:
    parts = contents[-1]["parts"]
    settings = body.get("generationConfig") or {}
    results = [part["functionResponse"] for part in parts if "functionResponse" in part]
    thinking = settings.get("thinkingConfig") or {}
    shape = settings.get("responseJsonSchema") or settings.get("responseSchema")
    return Seen(
        dialect="gemini",
        model=model,
        body=body,
        text="\n".join(part["text"] for part in parts if "text" in part),
        results=tuple(json.dumps(one["response"], sort_keys=True) for one in results),
        images=sum("inlineData" in part for part in parts),
        tools=tuple(tools),
        schema=shape,
        json=settings.get("responseMimeType") == "application/json",
        thinks=bool(thinking.get("includeThoughts")),
    )


def _known(given: Mapping[str, Any], names: frozenset[str] | set[str], where: str) -> None:
    for name in given:
        at = f" at '{where}'" if where else ""
        need(
            name in names,
            f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.',
        )


def _settings(given: Mapping[str, Any], model: str, *, has_tools: bool) -> None:
    _known(given, _SETTINGS, "generation_config")
    mime = given.get("responseMimeType", "text/plain")
    both = has_tools and mime == "application/json" and not model.startswith("gemini-3")
    need(
        not both,
        "Function calling with a response mime type: 'application/json' is unsupported",
    )
    if "responseSchema" in given:
        need(mime == "application/json", "response_schema needs response_mime_type JSON.")
        schemas.gemini(given["responseSchema"], "generation_config.response_schema")
    limit = given.get("maxOutputTokens")
    need(limit is None or limit >= 1, "max_output_tokens must be positive.")
    thinking = given.get("thinkingConfig") or {}
    allowed = {"includeThoughts", "thinkingBudget", "thinkingLevel"}
    _known(thinking, allowed, "generation_config.thinking_config")
    both = "thinkingBudget" in thinking and "thinkingLevel" in thinking
    need(not both, "You can only set one of thinking budget and thinking level.")
    old = not model.startswith("gemini-3") and "thinkingLevel" in thinking
    need(not old, "Thinking level is not supported for this model.")
    stops = given.get("stopSequences") or []
    need(len(stops) <= 5, "The number of stop sequences must be at most 5.")


def _tools(body: Mapping[str, Any]) -> list[str]:
    names = []
    for at, tool in enumerate(body.get("tools") or ()):
        for place, one in enumerate(tool.get("functionDeclarations") or ()):
            where = f"tools[{at}].function_declarations[{place}]"
            allowed = words("name description parameters parametersJsonSchema response behavior")
            _known(one, {*allowed, "responseJsonSchema"}, where)
            need(
                re.fullmatch(_NAME, str(one.get("name", ""))),
                f"* GenerateContentRequest.{where}.name: [INVALID_ARGUMENT] Invalid function name. "
                "Must start with a letter or an underscore.",
            )
            if "parameters" in one:
                both = "parametersJsonSchema" in one
                need(not both, f"{where}: only one of parameters and parameters_json_schema.")
                schemas.gemini(one["parameters"], f"{where}.parameters")
            names.append(one["name"])
    twice = len(set(names)) != len(names)
    need(not twice, "Duplicate function declaration found.")
    config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    _known(config, {"mode", "allowedFunctionNames", "streamFunctionCallArguments"}, "tool_config")
    only = config.get("allowedFunctionNames")
    need(not only or config.get("mode") in {"ANY", "VALIDATED"}, "allowed names need mode ANY.")
    need(set(only or ()) <= set(names), "allowed_function_names holds an unknown function.")
    return names


def _content(said: Mapping[str, Any], where: str) -> None:
    _known(said, {"role", "parts"}, where)
    role = said.get("role", "user")
    need(role in {"user", "model"}, "Please use a valid role: user, model.")
    need(
        said.get("parts"),
        f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.",
    )
    for at, part in enumerate(said["parts"]):
        inside = f"{where}.parts[{at}]"
        _known(part, _DATA | _BESIDE, inside)
        data = _DATA & set(part)
        need(
            len(data) == 1,
            f"* GenerateContentRequest.{inside}.data: required oneof field 'data' must have one "
            "initialized field",
        )
        _part(part, role, inside)


def _part(part: Mapping[str, Any], role: str, where: str) -> None:
    if "inlineData" in part:
        given = part["inlineData"]
        _known(given, {"mimeType", "data", "displayName"}, where)
        need(given.get("mimeType"), f"{where}.inline_data.mime_type: must be set.")
        if given["mimeType"].startswith("image/"):
            picture(given["mimeType"], given.get("data"), where)
        else:
            base64_bytes(given.get("data"), where)
    if "functionCall" in part:
        call = part["functionCall"]
        _known(call, {"name", "args", "id"}, f"{where}.function_call")
        need(role == "model", "Function calls must come from the model.")
        good = isinstance(call.get("args", {}), Mapping) and call.get("name")
        need(good, f"Invalid value at '{where}.function_call.args' (Struct)")
    if "functionResponse" in part:
        answer = part["functionResponse"]
        _known(answer, {"name", "response", "id", "parts"}, f"{where}.function_response")
        need(role == "user", "Function responses must come from the user.")
        good = isinstance(answer.get("response"), Mapping) and answer.get("name")
        need(good, f"Invalid value at '{where}.function_response.response' (Struct)")
    token = part.get("thoughtSignature")
    if token is not None and token not in _FOREIGN:
        need(seal.opened("gemini", token), "Thought signature is not valid.")


def _turns(contents: list[Any]) -> None:
    roles = [said.get("role", "user") for said in contents]
    need(
        roles[-1] == "user",
        "Please ensure that multiturn requests ends with a user role or a function response.",
    )
    need(
        all(one != other for one, other in pairwise(roles)),
        "Please ensure that multiturn requests alternate between user and model.",
    )
    need(
        roles[0] == "user",
        "Please ensure that function call turn comes immediately after a user turn or after a "
        "function response turn.",
    )
    called: list[str] = []
    for said in contents:
        answered = [
            part["functionResponse"]["name"] for part in said["parts"] if "functionResponse" in part
        ]
        need(
            len(answered) == len(called),
            "Please ensure that the number of function response parts is equal to the number of "
            "function call parts of the function call turn.",
        )
        need(sorted(answered) == sorted(called), "A function response names another function.")
        called = [part["functionCall"]["name"] for part in said["parts"] if "functionCall" in part]


def _signatures(contents: list[Any]) -> None:
    """Calls since the user last spoke need the signature that came with the first of them."""
    spoke = max((at for at, said in enumerate(contents) if _speaks(said)), default=-1)
    for at in range(spoke + 1, len(contents)):
        calls = [part for part in contents[at]["parts"] if "functionCall" in part]
        if contents[at].get("role") == "model" and calls:
            name = calls[0]["functionCall"]["name"]
            need(
                calls[0].get("thoughtSignature"),
                "Function call is missing a thought_signature in functionCall parts. This is "
                "required for tools to work correctly. Additional data, function call "
                f"`default_api:{name}`, position {at + 1}.",
            )


def _speaks(said: Mapping[str, Any]) -> bool:
    user = said.get("role", "user") == "user"
    return user and any("functionResponse" not in part for part in said["parts"])
