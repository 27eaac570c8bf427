"""An answer that must be JSON, in a dialect that has three ways to ask for it.

1. A schema that names all its members goes into `output_config.format`: the model's decoder
   holds it. Only Claude 4.5 and later know it.
2. Any other schema becomes the schema of a tool of ours that must be called; its call is read
   back as the text of the answer, so no client ever sees the tool.
3. Where no tool can be forced (thinking is on, or there is no schema), the model is told in
   words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from routing.conversation import Ask, Shape, Text, Tool, ToolChoice
from routing.translate import schemas
from routing.translate.anthropic.rules import Rules

ANSWER_TOOL = "helio_answer"


@dataclass(frozen=True, slots=True)
class Shaped:
    """A request whose shape is asked for, and the output format where that is the way."""

    ask: Ask
    format: dict[str, Any] | None = None


def shaped(ask: Ask, rules: Rules) -> Shaped:
    """Choose the way, and give the request as it is then."""
    shape = ask.shape
    if shape is None:
        return Shaped(ask)
    if shape.schema is not None and rules.formats and schemas.is_closed(shape.schema):
        return Shaped(ask, {"type": "json_schema", "schema": schemas.closed(shape.schema)})
    if shape.schema is None or not schemas.takes_members(shape.schema) or _thinks(ask):
        return Shaped(replace(ask, system=(*ask.system, Text(schemas.in_words(shape.schema)))))
    return Shaped(_with_tool(ask, shape))


def _thinks(ask: Ask) -> bool:
    wanted = ask.reasoning
    return wanted is not None and wanted.budget_tokens != 0


def _with_tool(ask: Ask, shape: Shape) -> Ask:
    tool = Tool(ANSWER_TOOL, "Give your final answer by calling this tool.", shape.schema or {})
    choice = ask.tool_choice
    if not ask.tools or (choice and choice.mode == "none"):
        choice = ToolChoice("tool", ANSWER_TOOL)
    elif choice is None or choice.mode == "auto":
        choice = ToolChoice("any", parallel=choice.parallel if choice else None)
    return replace(ask, tools=(*ask.tools, tool), tool_choice=choice)
