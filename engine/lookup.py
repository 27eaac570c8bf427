"""What a template's path means: values in, one value out.

    prev_result               the text of the one parent's result
    all_results               the texts of all parents, a list
    results.NAME              a step's result: its text, or its data where a value is wanted
    results.NAME.exit_code    a field of the result (text, data, exit_code, files, ...), else of
                              its data: `results.NAME.version` is `results.NAME.data.version`
    results.NAME.job          the id of the step's job, by which its files are named
    input.NAME  signal.NAME   an input of the pipeline, a signal's payload
    item  index               value and place of a child of `map`

Paths go on with dots, list places are numbers. A step that was skipped has the value None, and
so has everything below it; a field that is missing from a value that is there is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import UnknownName
from engine.tokens import NAMED, Ref, unknown

RESULT_FIELDS = frozenset(
    {
        "text", "data", "exit_code", "files", "truncated", "exited", "claimed", "verified",
        "state", "winner", "served", "job",
    }
)  # fmt: skip


def resolve(ref: Ref, values: Mapping[str, Any], *, text: bool = False) -> Any:
    """Look up the value of a template; `text` asks for a result's text rather than its data.

    Raises:
        UnknownName: the value is there but lacks the field.
    """
    first, *path = ref.path
    if first == "signal" and ref.base in (values.get("results") or ()):
        # what heard the signal is a promise, and the payload is its result
        value, path, first = values["results"][ref.base], path[1:], "results"
    elif first not in values:
        raise unknown(ref, list(values))
    else:
        value = values[first]
        if first in NAMED:
            value = _field(ref, value, path.pop(0))
    if first == "results" and isinstance(value, Mapping):
        value = _of_result(value, path, text=text)
    for part in path:
        value = _field(ref, value, part)
    return value


def _of_result(result: Mapping[str, Any], path: Sequence[str], *, text: bool) -> Any:
    """Choose where in a result a path begins: the result itself or its data."""
    if path:
        return result if path[0] in RESULT_FIELDS else result.get("data")
    data = result.get("data")
    return result.get("text", "") if text or data is None else data


def _field(ref: Ref, value: Any, part: str) -> Any:
    match value:
        case None:
            return None
        case Mapping() if part in value:
            return value[part]
        case list() | tuple() if part.isdecimal() and int(part) < len(value):
            return value[int(part)]
        case Mapping():
            there = ", ".join(sorted(str(name) for name in value)) or "nothing"
        case _:
            there = f"a {type(value).__name__}"
    raise UnknownName(
        f"{{{{{ref.name}}}}} has no {part!r}: there is {there}.",
        remedy="Look at the result with `helio job show`, and name a field that it has.",
        template=ref.name,
    )


def as_text(value: Any) -> str:
    """Write a value as text that any encoding takes: text as it is, all else as compact JSON."""
    if value is None:
        return ""
    return _whole_characters(value if isinstance(value, str) else _compact(value))


def _compact(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (ValueError, TypeError, RecursionError):
        return repr(value)  # not JSON: a circle, or keys that are no text


def _whole_characters(text: str) -> str:
    """Put the replacement character in the place of half characters (lone surrogates)."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
