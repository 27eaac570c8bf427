"""A pipeline on this side of the door: read, given its inputs, and compiled without a house.

The same compiler as the dispatcher's, so what is refused here would be refused there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.inputs import InputSpec
from engine.pipelines import compile_pipeline, describe
from engine.settings import LimitSettings
from interfaces.yaml_pipelines import declared_inputs

# What a house of this release has; where one runs, it has the last word.
BACKENDS = ("shell", "llm", "council")
_SAMPLES = {"integer": 0, "number": 0, "boolean": False, "list": []}


def given_inputs(
    pipeline: Mapping[str, Any], texts: Mapping[str, str], absolute: Callable[[str], str]
) -> dict[str, Any]:
    """Complete what was typed: paths, also default ones, are meant from where one stands."""
    given: dict[str, Any] = dict(texts)
    for name, spec in declared_inputs(pipeline).items():
        if spec.type == "path" and (written := given.get(name, spec.default)):
            given[name] = absolute(str(written))
    return given


def rendered(pipeline: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a pipeline compiles to: `jobs` and an `order`.

    Raises:
        BadInput: as `engine.pipelines.compile_pipeline`.
    """
    return describe(compile_pipeline(pipeline, inputs, BACKENDS, LimitSettings()))


def checked(pipeline: Mapping[str, Any]) -> int:
    """Check a pipeline with made-up inputs; gives how many steps it has.

    Raises:
        BadInput: as `engine.pipelines.compile_pipeline`.
    """
    declared = declared_inputs(pipeline)
    samples = {name: _sample(spec) for name, spec in declared.items() if spec.needed}
    return len(rendered(pipeline, samples)["order"])


def _sample(spec: InputSpec) -> Any:
    return spec.choices[0] if spec.choices else _SAMPLES.get(spec.type, "sample")
