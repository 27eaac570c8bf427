"""A Responses request, understood.

Instructions before the first turn are the system's, wherever they stand. We keep no answers, so
whatever refers to a stored one is refused with what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.conversation import Ask, Dialect, Reasoning, Shape, Text
from routing.translate import wire
from routing.translate.dialect import Body, Malformed
from routing.translate.responses.items_in import Conversation
from routing.translate.responses.toolbox import read_choice, read_tools
from routing.translate.turns import named

# `store` and `include` follow from our keeping no state; the rest has a place in the one form.
_UNDERSTOOD = frozenset({
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "stream",
    "max_output_tokens", "temperature", "top_p", "reasoning", "text", "store", "include",
    "stream_options", "previous_response_id", "conversation", "prompt", "background",
})  # fmt: skip
_IDENTITIES = frozenset({"user", "safety_identifier", "client_metadata", "metadata"})
# What stands elsewhere, and what to do instead.
_STORED: Mapping[str, str] = {
    "previous_response_id": "send the whole conversation in `input`",
    "conversation": "send the whole conversation in `input`",
    "prompt": "send the text of the prompt in `instructions` or `input`",
}
_REASONING = ("effort", "summary", "generate_summary")
NATIVES = "native_items"  # in `Ask.extras`: what only this dialect has, with its place


def read_request(body: Body) -> Ask:
    """Understand a client's request.

    Raises:
        Malformed: it is not what the dialect promises, or refers to something stored.
    """
    _refuse_stored(body)
    talk = _conversation(body)
    choice, allowed = read_choice(body.get("tool_choice"), body.get("parallel_tool_calls"))
    tools = read_tools([*wire.items(body.get("tools"), "tools"), *talk.loaded])
    return Ask(
        model=wire.text(body.get("model"), "model"),
        messages=named(talk.messages),
        system=(*_instructions(body.get("instructions")), *talk.system),
        tools=tuple(tool for tool in tools if not allowed or tool.name in allowed),
        tool_choice=choice,
        max_tokens=wire.whole(body.get("max_output_tokens"), "max_output_tokens"),
        temperature=wire.number(body.get("temperature"), "temperature"),
        top_p=wire.number(body.get("top_p"), "top_p"),
        reasoning=_reasoning(body.get("reasoning")),
        shape=_shape(wire.part(body, "text", "format")),
        stream=body.get("stream") is True,
        origin=Dialect.RESPONSES,
        extras=_extras(body, talk),
    )


def _refuse_stored(body: Body) -> None:
    for name, instead in _STORED.items():
        if body.get(name):
            raise Malformed(f"{name}: Heliograph keeps no state of answers; {instead}.")
    if body.get("background"):
        raise Malformed("background: Heliograph keeps no answers to fetch later; stream instead.")


def _conversation(body: Body) -> Conversation:
    given = body.get("input")
    if given is None:
        raise Malformed("input is missing.")
    talk = Conversation()
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    talk.read(wire.objects(items, "input"))
    return talk


def _instructions(value: Any) -> tuple[Text, ...]:
    told = wire.text(value, "instructions")
    return (Text(told),) if told else ()


def _reasoning(value: Any) -> Reasoning | None:
    if value is None:
        return None
    told = wire.mapping(value, "reasoning")
    effort = wire.text(told.get("effort"), "reasoning.effort")
    shown = told.get("summary") or told.get("generate_summary")
    summary = wire.text(shown, "reasoning.summary")
    if not effort and not summary:
        return None
    if effort == "none":
        return Reasoning(budget_tokens=0, summary=summary)
    return Reasoning(effort, summary=summary)


def _shape(form: Mapping[str, Any]) -> Shape | None:
    match form.get("type"):
        case "json_object":
            return Shape()
        case "json_schema":
            strict = form.get("strict")
            return Shape(
                wire.mapping(form.get("schema"), "text.format.schema"),
                wire.text(form.get("name"), "text.format.name"),
                strict if isinstance(strict, bool) else None,
            )
        case _:
            return None


def _extras(body: Body, talk: Conversation) -> dict[str, Any]:
    """Keep what only this dialect understands."""
    extras = {
        name: value
        for name, value in body.items()
        if name not in _UNDERSTOOD and name not in _IDENTITIES and value is not None
    }
    include = wire.items(body.get("include"), "include")
    beside = {
        "include": [name for name in include if isinstance(name, str)],
        "text": _without(wire.part(body, "text"), "format"),
        "reasoning": _without(wire.part(body, "reasoning"), *_REASONING),
        NATIVES: talk.natives,
    }
    return extras | {name: value for name, value in beside.items() if value}


def _without(told: Mapping[str, Any], *known: str) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in known}
