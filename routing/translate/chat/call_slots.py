"""Which call a piece of a stream belongs to.

The dialect says: pieces are told apart by `index`, the first of a call has its id and name, the
others only arguments. Servers leave out the index, give all calls the same one, repeat the name
with every piece, make up a new id for each, or give none. Nothing that a model wrote is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from routing.translate import wire


@dataclass(slots=True)
class Slot:
    """One call so far. `index` is its place among the answer's blocks, once it is open."""

    order: int
    ident: str = ""
    name: str = ""
    index: int = -1
    is_text: bool = False  # a call of a tool that takes plain text
    parts: list[str] = field(default_factory=list)

    @property
    def arguments(self) -> str:
        """What came of the arguments."""
        return "".join(self.parts)


class CallSlots:
    """The calls of one answer, in the order in which they began."""

    def __init__(self) -> None:
        self.all: list[Slot] = []
        self._by_key: dict[Any, Slot] = {}

    def find(self, piece: Mapping[str, Any], ident: str, name: str) -> Slot:
        """Give the call that a piece belongs to, a new one if it begins one."""
        key = piece.get("index")
        if not isinstance(key, int):
            key = self._key_without_index(ident, name)
        slot = self._by_key.get(key)
        if slot is None or _begins_another(slot, ident, name):
            slot = Slot(len(self.all))
            self._by_key[key] = slot
            self.all.append(slot)
        return slot

    def has_id(self, ident: str) -> bool:
        """Tell whether a call has this id already."""
        return any(slot.ident == ident for slot in self.all)

    def _key_without_index(self, ident: str, name: str) -> Any:
        """Tell calls apart by their ids, and give a piece without one to the last call."""
        for key, slot in self._by_key.items():
            if ident and slot.ident == ident:
                return key
        if self.all and not ident and not name:
            return next(key for key, slot in self._by_key.items() if slot is self.all[-1])
        return ("order", len(self.all))


def _begins_another(slot: Slot, ident: str, name: str) -> bool:
    """Tell whether a piece with an index that is taken begins a call all the same.

    It does if it has another id and a name, and the call before it is complete.
    """
    if not name or not ident or not slot.ident or ident == slot.ident:
        return False
    return not slot.parts or wire.is_whole_object(slot.arguments)
