"""What a job asks, as the body of `POST /v1/messages`. Pure: no file, no socket, no clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

BY_LANE = "auto"  # no model and no tier is named: the lane decides
_IN_SHAPE = (
    "Answer with one JSON value and nothing else: no words around it, no fence. It must be valid "
    "against this JSON Schema:\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that is said to the model, ready to be sent.

    `formal` asks its provider to hold the model to the schema; not every model can be held.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    max_tokens: int
    system: str = ""
    temperature: float | None = None
    schema: Mapping[str, Any] | None = None
    formal: bool = True

    def body(self) -> dict[str, Any]:
        """Give the request's body."""
        system = "\n\n".join(part for part in (self.system, self._in_shape()) if part)
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "messages": list(self.messages),
            "stream": True,
        }
        if system:
            body["system"] = system
        if self.temperature is not None:
            body["temperature"] = self.temperature
        if self.schema is not None and self.formal:
            form = {"type": "json_schema", "schema": self.schema}
            body["output_config"] = {"format": form}
        return body

    def again(self, answer: str, faults: Sequence[str]) -> Question:
        """Ask for the same answer in its promised shape, saying what it lacked."""
        told = "\n".join(f"- {fault}" for fault in faults)
        said = (
            f"That answer does not have the promised shape:\n{told}\n"
            "Give the whole answer again, corrected: the JSON value and nothing else."
        )
        more = [
            {"role": "assistant", "content": answer or "(nothing)"},
            {"role": "user", "content": said},
        ]
        return replace(self, messages=[*self.messages, *more])

    def in_words(self) -> Question:
        """Ask for the shape in words alone."""
        return replace(self, formal=False)

    def _in_shape(self) -> str:
        """Say the shape in words as well: not every model is held to it by its provider."""
        return "" if self.schema is None else _IN_SHAPE + json.dumps(self.schema)


def model_of(payload: Mapping[str, Any]) -> str:
    """Give the name to ask for: the model, else the tier, else what fits the lane."""
    return str(payload.get("model") or payload.get("tier") or BY_LANE)


def sent_back(prompt: str, given: Any) -> str:
    """Give the prompt with what a reviewer found wrong with the attempt before."""
    if not isinstance(given, Mapping) or "reasons" not in given:
        return prompt
    reasons = "\n".join(f"- {reason}" for reason in given["reasons"])
    return (
        f"{prompt}\n\nYou answered this before, and a reviewer refused it:\n{reasons}\n\n"
        f"That answer was:\n<<<ANSWER\n{given.get('text', '')}\nANSWER\n\n"
        "Give the whole answer again so that none of this can be said of it."
    )


def asked(blocks: Sequence[Mapping[str, Any]], prompt: str) -> dict[str, Any]:
    """Give the message that asks: what is shown comes first, the question last."""
    if not blocks:
        return {"role": "user", "content": prompt}
    return {"role": "user", "content": [*blocks, {"type": "text", "text": prompt}]}
