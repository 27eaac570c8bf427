"""Whole conversations, made fit for dialects that are strict about who speaks when.

Each function takes messages and gives messages. Knows no wire format.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from routing.conversation import (
    Block,
    Dialect,
    Message,
    Role,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from routing.translate.signatures import readable

Messages = Iterable[Message]


def named(messages: Messages) -> tuple[Message, ...]:
    """Give each tool result the name of the tool that its call named."""
    names: dict[str, str] = {}
    done: list[Message] = []
    for message in messages:
        blocks: list[Block] = []
        for block in message.blocks:
            if isinstance(block, ToolCall):
                names[block.id] = block.name
            if isinstance(block, ToolResult) and not block.name and block.call_id in names:
                blocks.append(replace(block, name=names[block.call_id]))
            else:
                blocks.append(block)
        done.append(Message(message.role, tuple(blocks)))
    return tuple(done)


def own_thinking(messages: Messages, dialect: Dialect, family: str) -> list[Message]:
    """Leave out the thinking that this model cannot read; messages may become empty by it."""
    return [
        Message(
            message.role,
            tuple(
                block
                for block in message.blocks
                if not isinstance(block, Thinking) or readable(block.origin, dialect, family)
            ),
        )
        for message in messages
    ]


def system_said_by_user(messages: Messages) -> list[Message]:
    """Turn instructions in mid-conversation into words of the user that say what they are."""
    return [
        Message(Role.USER, tuple(_as_instruction(block) for block in message.blocks))
        if message.role is Role.SYSTEM
        else message
        for message in messages
    ]


def _as_instruction(block: Block) -> Block:
    if isinstance(block, Text):
        return replace(block, text=f"<system>\n{block.text}\n</system>")
    return block


def merged(messages: Messages) -> list[Message]:
    """Join neighbours of one role, and leave out messages that say nothing."""
    done: list[Message] = []
    for message in messages:
        if not message.blocks:
            continue
        if done and done[-1].role is message.role:
            done[-1] = Message(message.role, done[-1].blocks + message.blocks)
        else:
            done.append(message)
    return done


def results_first(messages: Messages) -> list[Message]:
    """Put the results of tools before all else that the user says in the same turn."""
    return [
        Message(
            message.role,
            tuple(sorted(message.blocks, key=lambda block: not isinstance(block, ToolResult))),
        )
        if message.role is Role.USER
        else message
        for message in messages
    ]
