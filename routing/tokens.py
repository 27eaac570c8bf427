"""How many tokens an `Ask` will be, estimated without a tokeniser: cheap, and rather too many.

Measured tokenisers make 3.5 to 4.5 characters of English a token, about 3 of code, and one of
each CJK character. An estimate serves limits and budgets; what was used, the provider says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from routing.conversation import Ask, Block, Document, Image, Text, Thinking, ToolCall, ToolResult

BYTES_A_TOKEN = 3.5
PER_MESSAGE = 4  # roles and separators
PER_TOOL = 12
IMAGE = 1600  # a picture at its usual largest: 1568 at Anthropic, 1445 at OpenAI
BASE64_BYTES_A_TOKEN = 12  # of a document: pages hold more markup than words
LEAST_DOCUMENT = 500


def estimate(ask: Ask) -> int:
    """Give about how many tokens the prompt has."""
    total = sum(of_text(block.text) for block in ask.system)
    for message in ask.messages:
        total += PER_MESSAGE + sum(_block(block) for block in message.blocks)
    for tool in ask.tools:
        total += PER_TOOL + of_text(tool.name) + of_text(tool.description)
        total += _json(tool.builtin if tool.builtin is not None else tool.schema)
    if ask.shape is not None and ask.shape.schema is not None:
        total += _json(ask.shape.schema)
    return max(total, 1)


def of_text(text: str) -> int:
    """Give about how many tokens a text has. CJK characters are three bytes and about a token."""
    return round(len(text.encode("utf-8", "surrogatepass")) / BYTES_A_TOKEN + 0.5) if text else 0


def _block(block: Block) -> int:
    match block:
        case Text(text):
            return of_text(text)
        case Image():
            return IMAGE
        case Document(data=data):
            return max(len(data) // BASE64_BYTES_A_TOKEN, LEAST_DOCUMENT)
        case Thinking(text, signature):
            return of_text(text) + len(signature) // BASE64_BYTES_A_TOKEN
        case ToolCall(name=name, arguments=arguments):
            return PER_TOOL + of_text(name) + of_text(arguments)
        case ToolResult(blocks=blocks):
            return PER_TOOL + sum(_block(inner) for inner in blocks)


def _json(value: Mapping[str, Any]) -> int:
    return of_text(json.dumps(value, separators=(",", ":"), default=str))
