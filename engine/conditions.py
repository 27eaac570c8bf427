"""`when`: one comparison, read as data and never evaluated as code.

    "{{results.build.exit_code}} == 0"       ==  !=  in  exists
    "{{input.mode}} in ['fast', 'slow']"     the right side: JSON, 'text', or one bare word
    "{{results.fetch.url}} exists"           the field is there and not null
    {left: "{{input.mode}}", op: "!=", right: "slow"}

A side that is one template has the JSON value itself. What programs print ends in a newline, so
texts are compared without the newlines at their end; a text equals a number, true, false or null
when it is that value written as JSON ("0" equals 0). True is not 1. `in` looks for an item of a
list, a part of a text, or a key of an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.errors import BadInput, UnknownName
from engine.lookup import resolve
from engine.templates import Values, check_value, render_value
from engine.tokens import sole_template

_REMEDY = "Write LEFT == RIGHT, LEFT != RIGHT, LEFT in RIGHT, or LEFT exists."
_SHAPE = re.compile(
    r"""\s*(?P<left>\{\{[^{}]*\}\}|'[^']*'|"[^"]*"|[^\s'"{}=!]+)"""
    r"""\s*(?P<op>==|!=|\bin\b|\bexists\b)\s*(?P<right>.*?)\s*""",
    re.DOTALL,
)
_WORD = re.compile(r"[^\s'\"\[\]{}=!]+|\{\{[^{}]*\}\}")


class Op(StrEnum):
    """The four comparisons."""

    EQUAL = "=="
    UNEQUAL = "!="
    IN = "in"
    EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. Of `exists`, `right` says whether it shall exist."""

    left: Any
    op: Op
    right: Any = True

    def as_json(self) -> dict[str, Any]:
        """Give the object kept in the spec (`engine.specs.When`)."""
        return {"left": self.left, "op": str(self.op), "right": self.right}


def read(when: object) -> Condition:
    """Read a condition from its text or its object.

    Raises:
        BadInput: it is not one comparison of the four.
    """
    match when:
        case str():
            return _from_text(when)
        case Mapping():
            return _from_object(when)
        case _:
            raise BadInput(f"`when` is {when!r}, which is no comparison.", remedy=_REMEDY)


def check_when(condition: Condition, known: Collection[str]) -> None:
    """Make sure that both sides can be filled in later.

    Raises:
        UnknownName: a template is not known.
        BadInput: as `engine.tokens.parse`.
    """
    check_value(condition.left, known)
    check_value(condition.right, known)


def holds(when: object, values: Callable[[], Values]) -> bool:
    """Say whether a stored condition is true; None always is. `values` is asked only if needed.

    Raises:
        UnknownName: a value lacks the field that is compared.
        BadInput: the two sides cannot be compared so.
    """
    return True if when is None else evaluate(read(when), values())


def evaluate(condition: Condition, values: Values) -> bool:
    """Compare the two sides.

    Raises:
        UnknownName, BadInput: as `holds`.
    """
    if condition.op is Op.EXISTS:
        return _exists(condition.left, values) is bool(condition.right)
    left = render_value(condition.left, values)
    right = render_value(condition.right, values)
    match condition.op:
        case Op.EQUAL:
            return _equal(left, right)
        case Op.UNEQUAL:
            return not _equal(left, right)
        case Op.IN:
            return _contains(right, left)


def _from_text(text: str) -> Condition:
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise BadInput(f"The condition {text!r} is not one comparison.", remedy=_REMEDY)
    op = Op(found["op"])
    if (op is Op.EXISTS) == bool(found["right"]):
        raise BadInput(f"The condition {text!r} has a side too many or too few.", remedy=_REMEDY)
    return Condition(_side(found["left"]), op, True if op is Op.EXISTS else _side(found["right"]))


def _from_object(body: Mapping[str, Any]) -> Condition:
    strange = sorted(set(body) - {"left", "op", "right"})
    if strange or "left" not in body or body.get("op") not in set(Op):
        raise BadInput(
            f"`when` has {', '.join(map(str, body)) or 'nothing'}; it needs left, op and right.",
            remedy=_REMEDY,
        )
    op = Op(body["op"])
    if op is not Op.EXISTS and "right" not in body:
        raise BadInput(f"`when` compares with {op} but has no right side.", remedy=_REMEDY)
    return Condition(body["left"], op, body.get("right", True))


def _side(text: str) -> Any:
    """Read one side: JSON, text in single quotes, a list of such, or a bare word."""
    for candidate in (text, _json_quotes(text)):
        try:
            return json.loads(candidate)
        except ValueError:
            continue
    if _WORD.fullmatch(text):
        return text
    raise BadInput(f"{text!r} is no value to compare with.", remedy=_REMEDY)


def _json_quotes(text: str) -> str:
    """Turn 'text' into "text"; a text that holds double quotes must be written as JSON."""
    return text if '"' in text else text.replace("'", '"')


def _exists(left: Any, values: Values) -> bool:
    ref = sole_template(left) if isinstance(left, str) else None
    if ref is None:
        raise BadInput(f"`exists` asks for one template, not {left!r}.", remedy=_REMEDY)
    try:
        return resolve(ref, values) is not None
    except UnknownName:
        return False


def _equal(left: Any, right: Any) -> bool:
    match left, right:
        case str(), str():
            return _trimmed(left) == _trimmed(right)
        case str(), bool() | int() | float() | None:
            return _trimmed(left) == json.dumps(right)
        case bool() | int() | float() | None, str():
            return json.dumps(left) == _trimmed(right)
        case list(), list():
            return len(left) == len(right) and all(map(_equal, left, right))
        case dict(), dict():
            return left.keys() == right.keys() and all(
                _equal(value, right[name]) for name, value in left.items()
            )
        case _:
            return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def _contains(whole: Any, part: Any) -> bool:
    match whole:
        case list() | tuple():
            return any(_equal(part, item) for item in whole)
        case dict():
            return any(_equal(part, name) for name in whole)
        case str() if isinstance(part, str):
            return _trimmed(part) in whole
        case None:
            return False
        case _:
            raise BadInput(
                f"`in` cannot look for a {type(part).__name__} in a {type(whole).__name__}.",
                remedy="Its right side is a list, a text or an object.",
            )


def _trimmed(text: str) -> str:
    return text.rstrip("\r\n")
