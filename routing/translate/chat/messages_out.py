"""The messages of a request in the chat dialect, worded for a provider.

A tool's message can hold text only, and nothing may stand between a call and its results. So
images of results follow in a message of the user, and that a tool failed is said in its text.
Servers with strict templates take one system message, at the beginning, and turns that alternate:
later instructions are said by the user there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from routing.conversation import (
    Ask,
    Dialect,
    Document,
    Image,
    Message,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from routing.translate import freeform, outcomes, wire
from routing.translate.chat.calls import write_call, write_text_call
from routing.translate.chat.parts import Part, words_of, write_content
from routing.translate.chat.reasoning import write_reasoning
from routing.translate.chat.rules import Rules
from routing.translate.chat.tools import texts
from routing.translate.idents import shorten
from routing.translate.names import fit
from routing.translate.signatures import readable
from routing.translate.turns import merged, own_thinking, system_said_by_user

MAX_ID_LENGTH = 40  # OpenAI's limit

Raw = dict[str, Any]


def write_messages(ask: Ask, family: str, rules: Rules) -> list[Raw]:
    """Word the conversation, the system's instructions first."""
    turns = own_thinking(ask.messages, Dialect.CHAT, family)
    turns = _instructions_after_results(turns) if rules.openai else system_said_by_user(turns)
    written: list[Raw] = []
    if system := words_of(ask.system, "\n\n"):
        written.append({"role": "system", "content": system})
    for message in merged(turns):
        match message.role:
            case Role.SYSTEM:
                words = words_of(message.blocks, "\n\n")
                written += [{"role": "system", "content": words}] if words else []
            case Role.USER:
                written += _said_by_user(message)
            case Role.ASSISTANT:
                written += _said_by_model(message, family, rules, texts(ask.tools))
    return written


def _instructions_after_results(messages: Sequence[Message]) -> list[Message]:
    """Let the user say an instruction that would stand between a call and its result."""
    done: list[Message] = []
    for at, message in enumerate(messages):
        follower = messages[at + 1] if at + 1 < len(messages) else None
        if follower and any(isinstance(block, ToolResult) for block in follower.blocks):
            done += system_said_by_user([message])
        else:
            done.append(message)
    return done


def _said_by_user(message: Message) -> list[Raw]:
    results = [block for block in message.blocks if isinstance(block, ToolResult)]
    written = [_result(result) for result in results]
    parts: list[Part] = [part for result in results for part in _beside(result)]
    parts += [block for block in message.blocks if isinstance(block, Text | Image | Document)]
    if content := write_content(parts):
        written.append({"role": "user", "content": content})
    return written


def _result(result: ToolResult) -> Raw:
    words = words_of(result.blocks, "\n")
    if not words and _beside(result):
        words = "The result follows in the next message."
    ident = shorten(result.call_id, MAX_ID_LENGTH)
    content = outcomes.tell(words, is_error=result.is_error)
    return {"role": "tool", "tool_call_id": ident, "content": content}


def _beside(result: ToolResult) -> list[Part]:
    """Give what a tool's message cannot hold, with a word on where it belongs."""
    parts: list[Part] = [block for block in result.blocks if not isinstance(block, Text)]
    said = f"From the result of the tool {result.name or result.call_id}:"
    return [Text(said), *parts] if parts else []


def _said_by_model(message: Message, family: str, rules: Rules, plain: frozenset[str]) -> list[Raw]:
    raw: Raw = {"role": "assistant", "content": words_of(message.blocks, "") or None}
    thinking = [block for block in message.blocks if isinstance(block, Thinking)]
    raw.update(write_reasoning(thinking, to_client=False))
    if rules.wants_reasoning:
        raw.setdefault("reasoning_content", "")
    calls = [block for block in message.blocks if isinstance(block, ToolCall)]
    if calls:
        raw["tool_calls"] = [_call(call, family, plain) for call in calls]
    if raw["content"] is None and not calls:
        return []  # nothing is left of it that could be said
    return [raw]


def _call(call: ToolCall, family: str, plain: frozenset[str]) -> Raw:
    ident = shorten(call.id, MAX_ID_LENGTH)
    if call.name in plain:
        return write_text_call(ident, call.name, freeform.unpack(call.arguments))
    arguments = call.arguments if call.arguments.strip() else "{}"
    if not wire.is_whole_object(arguments):
        # Servers read the arguments of the past as JSON and fail on what is none.
        arguments = wire.dumps(wire.arguments_object(arguments))
    own = readable(call.origin, Dialect.CHAT, family)
    return write_call(ident, fit(call.name), arguments, call.signature if own else "")
