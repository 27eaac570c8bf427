"""Pipelines in YAML, read into the plain dict that `engine.pipelines` compiles.

Safe YAML only. A key that stands twice is refused: YAML would keep the second in silence. Every
error names the line. What the keys mean is the engine's business.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Hashable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import yaml
from pydantic import ValidationError

from engine.errors import BadInput, NotFound
from engine.inputs import InputSpec

_MOST_BYTES = 2**20
_LIBRARY = "interfaces.pipelines"
_SUFFIXES = (".yaml", ".yml")


# What plain words mean: the core of YAML 1.2. In 1.1, which PyYAML speaks, `on` is true, 12:30 a
# number and 2026-11-22 a date; none of them survives as JSON.
_PLAIN = (
    ("null", r"^(?:~|null|Null|NULL|)$", ("~", "n", "N", "")),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", tuple("tTfF")),
    ("int", r"^(?:[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+)$", tuple("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$",
     tuple("-+.0123456789")),
)  # fmt: skip


class _Reader(yaml.SafeLoader):
    """A safe loader that takes no key twice and no aliases, which could grow without bound."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event: Any = self.peek_event()  # type: ignore[no-untyped-call]
            raise _wrong("an alias (*name) stands here; write the value out", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[object, int] = {}
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if not isinstance(name, str):
                raise _wrong(f"the key {name!r} is no text; put it in quotes", key.start_mark)
            if name in seen:
                said = f"the key {name!r} stands here again; it first stood in line {seen[name]}"
                raise _wrong(said, key.start_mark)
            seen[name] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in _PLAIN:
    _Reader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


def _wrong(said: str, mark: Any, name: str = "") -> BadInput:
    where = name or (mark.name if mark else "the pipeline")
    line = f", line {mark.line + 1}" if mark else ""
    return BadInput(
        f"{where}{line}: {said}.",
        remedy="Correct the file, then look again: helio pipeline check FILE",
        **({"line": mark.line + 1} if mark else {}),
    )


def parse(text: str, name: str) -> dict[str, Any]:
    """Read one pipeline; `name` is what errors call it.

    Raises:
        BadInput: it is no YAML, no mapping, or holds a key twice; names the line.
    """
    loader = _Reader(text)
    loader.name = name
    try:
        read = loader.get_single_data()
    except yaml.MarkedYAMLError as fault:
        said = " ".join(part for part in (fault.problem, fault.context) if part)
        raise _wrong(said, fault.problem_mark, name) from None
    except yaml.YAMLError as fault:
        raise _wrong(str(fault).splitlines()[0], None, name) from None
    except RecursionError:
        raise _wrong("it is nested too deep", None, name) from None
    finally:
        loader.dispose()
    if not isinstance(read, dict):
        raise _wrong("a pipeline is a mapping with `steps:`", None, name)
    return read


def load(reference: str) -> dict[str, Any]:
    """Read a pipeline from a file, or from the library by its bare name.

    Raises:
        NotFound: neither a file nor a pipeline of the library.
        BadInput: as `parse`, or the file is too large or no text.
    """
    path = Path(reference)
    if not path.is_file() and reference in library():
        source = resources.files(_LIBRARY) / f"{reference}.yaml"
        return parse(source.read_text(), f"{reference} (library)")
    if not path.is_file():
        known = ", ".join(library())
        raise NotFound(
            f"There is no file {reference}, and no pipeline of that name.",
            remedy=f"Give a YAML file, or one of: {known}. See: helio pipeline list",
        )
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInput(f"{reference} is larger than 1 MiB.", remedy="Split the pipeline.")
        return parse(path.read_text(), reference)
    except (OSError, UnicodeDecodeError) as fault:
        raise BadInput(
            f"{reference} cannot be read: {fault}.", remedy="Give a text file."
        ) from None


def declared_inputs(pipeline: Mapping[str, Any]) -> dict[str, InputSpec]:
    """Give what a pipeline says about its inputs; what is malformed is left to the compiler."""
    found = {}
    inputs = pipeline.get("inputs")
    for name, said in (inputs if isinstance(inputs, dict) else {}).items():
        with contextlib.suppress(ValidationError):
            body = {"type": said, "required": True} if isinstance(said, str) else said
            found[str(name)] = InputSpec.model_validate(body)
    return found


def library() -> dict[str, str]:
    """Give the ready pipelines: name to the sentence that describes it."""
    found = {}
    for entry in sorted(resources.files(_LIBRARY).iterdir(), key=lambda one: one.name):
        if entry.name.endswith(_SUFFIXES):
            name = entry.name.rpartition(".")[0]
            found[name] = str(parse(entry.read_text(), name).get("description", ""))
    return found
