"""What an answer says, in each dialect."""

from __future__ import annotations

import json
from typing import Any

from routing.conversation import Dialect
from tests.contract.gateway.house import events_of


def text_of(dialect: Dialect, body: Any) -> str:
    match dialect:
        case Dialect.ANTHROPIC:
            return "".join(part["text"] for part in body["content"] if part["type"] == "text")
        case Dialect.CHAT:
            return body["choices"][0]["message"]["content"]
        case Dialect.RESPONSES:
            said = [item for item in body["output"] if item["type"] == "message"]
            return "".join(part["text"] for part in said[0]["content"])
        case Dialect.GEMINI:
            return "".join(part["text"] for part in body["candidates"][0]["content"]["parts"])


def streamed_text(dialect: Dialect, body: bytes) -> str:
    said = []
    for data in events_of(body):
        if data == "[DONE]":
            continue
        event = json.loads(data)
        match dialect:
            case Dialect.ANTHROPIC:
                said.append(event.get("delta", {}).get("text", ""))
            case Dialect.CHAT:
                said += [choice["delta"].get("content") or "" for choice in event["choices"]]
            case Dialect.RESPONSES:
                if event["type"] == "response.output_text.delta":
                    said.append(event["delta"])
            case Dialect.GEMINI:
                for candidate in event.get("candidates", []):
                    parts = candidate.get("content", {}).get("parts", [])
                    said += [part.get("text", "") for part in parts]
    return "".join(said)
