"""Typed inputs of a pipeline: what it asks for, checked against what it was given.

    inputs:
      tree:  {type: path, default: ".", description: Where to look.}
      depth: {type: integer, required: true, choices: [1, 2, 3]}
      who:   string                                   # short for {type: string, required: true}

An input without a default is required unless `required: false` says it may stay empty (null).
From a command line every value comes as text, so text that reads as the asked type is taken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from engine.errors import BadInput, UnknownName

InputType = Literal["string", "integer", "number", "boolean", "list", "path"]


class InputSpec(BaseModel):
    """What a pipeline says about one of its inputs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: InputType = "string"
    default: Any = None
    required: bool | None = None
    description: str = ""
    choices: list[Any] | None = None

    @property
    def needed(self) -> bool:
        """Whether a run must give it."""
        return self.default is None if self.required is None else self.required


def settle_inputs(declared: Mapping[str, InputSpec], given: Mapping[str, Any]) -> dict[str, Any]:
    """Give every declared input its value.

    Raises:
        UnknownName: an input was given that the pipeline does not have.
        BadInput: one is missing, of the wrong type, or not among its choices.
    """
    for name in given:
        if name not in declared:
            listed = ", ".join(declared) or "none"
            raise UnknownName(
                f"The pipeline has no input {name!r}.", remedy=f"Its inputs are: {listed}."
            )
    return {name: _value(name, spec, given.get(name)) for name, spec in declared.items()}


def _value(name: str, spec: InputSpec, given: Any) -> Any:
    value = spec.default if given is None else given
    if value is None:
        if spec.needed:
            about = f" ({spec.description})" if spec.description else ""
            raise BadInput(
                f"The input {name!r}{about} is missing.",
                remedy=f"Give it: helio pipeline run FILE --input {name}=...",
                input=name,
            )
        return None
    read = _typed(name, spec, value)
    if spec.choices is not None and read not in spec.choices:
        listed = ", ".join(map(str, spec.choices))
        raise BadInput(
            f"The input {name!r} is {read!r}.", remedy=f"Choose one of: {listed}.", input=name
        )
    return read


def _typed(name: str, spec: InputSpec, value: Any) -> Any:
    if isinstance(value, str) and spec.type not in {"string", "path"}:
        value = _from_text(value)
    if not _FITS[spec.type](value):
        raise BadInput(
            f"The input {name!r} is {value!r}, which is no {spec.type}.",
            remedy=f"Give a value of type {spec.type}.",
            input=name,
        )
    return value


def _from_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: Mapping[InputType, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _number,
    "boolean": lambda value: isinstance(value, bool),
    "list": lambda value: isinstance(value, list),
    "path": lambda value: isinstance(value, str) and bool(value) and "\0" not in value,
}
