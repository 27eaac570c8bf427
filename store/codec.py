"""Rows to columns and back, derived from the dataclasses of `engine`. Knows no SQL statement.

A field's type decides its column: numbers, text and truth values are stored as they are, enums
by value, and everything else (mappings, sequences, free JSON) as compact JSON text. JSON is
written as ASCII: a lone surrogate in some program's output must never break a transaction.

Read back, a sequence is a tuple and a mapping is a dict.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum, IntEnum, StrEnum
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from engine.events import Event
from engine.jobs import Edge, Job
from engine.records import Record
from engine.rows import build, reader

R = TypeVar("R")
Shape = Literal["text", "integer", "real", "boolean", "json"]
Convert = Callable[[Any], Any]

_dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


def dump(value: Any) -> str | None:
    """Write JSON text; None is SQL's NULL.

    Raises:
        TypeError: the value is not JSON.
    """
    if value is None:
        return None
    if not value and isinstance(value, dict):
        return "{}"
    return _dump(value)


def load(text: str | None) -> Any:
    """Read what `dump` wrote."""
    if text is None:
        return None
    return {} if text == "{}" else json.loads(text)


def _load_sequence(text: str | None) -> tuple[Any, ...] | None:
    return None if text is None else tuple(json.loads(text))


@dataclass(frozen=True, slots=True)
class Column:
    """One field as a column. `encode` and `decode` are None where the value passes as it is."""

    name: str
    shape: Shape
    nullable: bool
    sequence: bool = False
    encode: Convert | None = None
    decode: Convert | None = None


def _without_none(hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) in (Union, types.UnionType):
        inner = [arm for arm in get_args(hint) if arm is not type(None)]
        return inner[0], True
    return hint, False


def _enum_column(name: str, hint: type[Enum], nullable: bool) -> Column:
    known: dict[Any, Enum | None] = {member.value: member for member in hint}
    shape: Shape = "integer" if issubclass(hint, IntEnum) else "text"
    encode: Convert = str.__str__ if issubclass(hint, StrEnum) else int
    if nullable:
        known[None] = None
        return Column(name, shape, True, False, _or_none(encode), known.__getitem__)
    return Column(name, shape, False, False, encode, known.__getitem__)


def _or_none(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _column(name: str, declared: Any) -> Column:
    hint, nullable = _without_none(declared)
    if isinstance(hint, type):
        if issubclass(hint, Enum):
            return _enum_column(name, hint, nullable)
        if issubclass(hint, bool):
            return Column(name, "boolean", nullable, decode=bool)
        plain: dict[type, Shape] = {int: "integer", float: "real", str: "text"}
        if hint in plain:
            return Column(name, plain[hint], nullable)
    if get_origin(hint) is Sequence:
        return Column(name, "json", nullable, True, dump, _load_sequence)
    if get_origin(hint) is Mapping or hint is Any:
        return Column(name, "json", nullable or hint is Any, False, dump, load)
    raise TypeError(f"No column is defined for {name}: {declared}.")


class Codec(Generic[R]):
    """How one dataclass becomes a row, with everything looked up beforehand."""

    def __init__(self, kind: type[R], table: str = "") -> None:
        hints = get_type_hints(kind)
        self.kind = kind
        self.table = table or kind.__name__.lower()
        self.names = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]
        self.columns = tuple(_column(name, hints[name]) for name in self.names)
        self.key = self.names[0]
        self.values: Callable[[R], tuple[Any, ...]] = reader(kind)
        self._encoders = [(i, c.encode) for i, c in enumerate(self.columns) if c.encode]
        self._decoders = [(i, c.decode) for i, c in enumerate(self.columns) if c.decode]
        self._sequences = tuple(column.name for column in self.columns if column.sequence)

    def encode(self, row: R) -> list[Any]:
        """Give the row's column values, ready to bind."""
        values = list(self.values(row))
        for index, convert in self._encoders:
            values[index] = convert(values[index])
        return values

    def encode_one(self, index: int, value: Any) -> Any:
        """Encode a single column's value."""
        convert = self.columns[index].encode
        return convert(value) if convert else value

    def decode(self, stored: Sequence[Any]) -> R:
        """Rebuild the row from its column values."""
        values = list(stored)
        for index, convert in self._decoders:
            values[index] = convert(values[index])
        return build(self.kind, values)

    def settled(self, row: R) -> R:
        """Give the row as it will be read back: sequences as tuples."""
        loose = {
            name: tuple(value)
            for name in self._sequences
            if not isinstance(value := getattr(row, name), tuple)
        }
        if not loose:
            return row
        return self.kind(**{name: getattr(row, name) for name in self.names} | loose)


JOB: Codec[Job] = Codec(Job)
EDGE: Codec[Edge] = Codec(Edge)
EVENT: Codec[Event] = Codec(Event)
RECORDS: Mapping[type[Any], Codec[Any]] = {kind: Codec(kind) for kind in get_args(Record)}
