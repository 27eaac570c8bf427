"""What a job says to a model, as options; and the part of a job request that they make.

Files stay where they are: the house reads them when the job runs, inside the directory that
holds them all. What is local is settled here: paths, and a schema's text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import BadInput
from engine.prompts import ARTEFACT, TIERS
from interfaces.cli.job_request import content_of

_TIERS = ", ".join(TIERS)
Model = Annotated[
    str, typer.Option("--model", "-m", metavar="NAME", help="A model, an alias or a tier.")
]
Tier = Annotated[str, typer.Option("--tier", metavar="TIER", help=f"What it needs: {_TIERS}.")]
System = Annotated[str, typer.Option("--system", metavar="TEXT", help="What it is told first.")]
Conversation = Annotated[
    str,
    typer.Option(
        "--conversation",
        metavar="NAME",
        help="Go on with this conversation, or begin it; its jobs take turns.",
    ),
]
Schema = Annotated[
    str,
    typer.Option("--schema", metavar="FILE", help="JSON schema that the answer must fit."),
]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=0, metavar="N", help="Longest answer.")]
Budget = Annotated[
    float, typer.Option("--budget", min=0, metavar="USD", help="What all its calls may cost.")
]


@dataclass(frozen=True)
class ModelOptions:
    """Everything that a job can say about models."""

    prompt: Annotated[
        str, typer.Option("--prompt", metavar="TEXT", help="Ask a model this; - is your input.")
    ] = ""
    system: System = ""
    model: Model = ""
    tier: Tier = ""
    floor: Annotated[
        str, typer.Option("--floor", metavar="TIER", help="No model below this may answer.")
    ] = ""
    pin: Annotated[bool, typer.Option("--pin", help="Only the named model may answer.")] = False
    budget: Budget = 0
    max_tokens: MaxTokens = 0
    temperature: Annotated[
        float | None, typer.Option("--temperature", min=0, max=2, metavar="N", help="0 to 2.")
    ] = None
    schema: Schema = ""
    attach: Annotated[
        list[str] | None,
        typer.Option("--attach", metavar="FILE", help="Show it a file, or JOB:NAME; repeatable."),
    ] = None
    conversation: Conversation = ""
    requirements: Annotated[
        str,
        typer.Option(
            "--requirements",
            metavar="TEXT",
            help="What must be true of the result; a model of another family checks it.",
        ),
    ] = ""
    models: Annotated[
        bool, typer.Option("--models", help="Give the command the models' address and a key.")
    ] = False

    def words(self, cwd: str) -> dict[str, Any]:
        """Give this part of the job request; a directory for attached files where none is named.

        Raises:
            BadInput: a file is not there, or the schema is no JSON object.
        """
        said: dict[str, Any] = {
            "prompt": content_of("-") if self.prompt == "-" else self.prompt,
            "system": self.system,
            "model": self.model,
            "tier": self.tier,
            "floor": self.floor,
            "pin": self.pin,
            "budget_usd": self.budget,
            "max_tokens": self.max_tokens,
            "schema": schema_of(self.schema) if self.schema else {},
            "conversation": self.conversation,
            "requirements": self.requirements,
            "models": self.models,
        }
        said = {name: value for name, value in said.items() if value}
        if self.temperature is not None:
            said["temperature"] = self.temperature
        return said | (attached(self.attach, cwd) if self.attach else {})


def schema_of(file: str) -> dict[str, Any]:
    """Read a schema from a file.

    Raises:
        BadInput: it cannot be read, or is no JSON object.
    """
    try:
        schema = json.loads(content_of(file))
    except ValueError as fault:
        raise BadInput(
            f"The schema in {file} is not JSON: {fault}.", remedy="Write one JSON object."
        ) from None
    if not isinstance(schema, dict) or not schema:
        raise BadInput(f"The schema in {file} is no JSON object.", remedy='{"type": "object", ...}')
    return schema


def attached(files: Sequence[str], cwd: str = "") -> dict[str, Any]:
    """Name files as the house will find them: from one directory that holds them all.

    Raises:
        BadInput: one is not there, or lies outside the directory that was named.
    """
    there = [file for file in files if Path(file).is_file()]
    for file in files:
        if file not in there and not ARTEFACT.fullmatch(file):
            raise BadInput(f"There is no file {file}.", remedy="Give a file, or JOB:NAME.")
    if not there:
        return {"attach": list(files)}
    real = {file: os.path.realpath(file) for file in there}
    base = os.path.realpath(cwd) if cwd else os.path.commonpath(map(os.path.dirname, real.values()))
    for file, path in real.items():
        if not Path(path).is_relative_to(base):
            raise BadInput(
                f"{file} lies outside {base}, where the job works.",
                remedy="Copy it there, or leave --cwd out.",
            )
    named = [_plain(real[file], base) if file in real else file for file in files]
    return {"attach": named, "cwd": base}


def _plain(path: str, base: str) -> str:
    """Name a file from a directory, so that it is not taken for one of a job (abcd:notes.txt)."""
    name = os.path.relpath(path, base)
    return f"./{name}" if ARTEFACT.fullmatch(name) else name
