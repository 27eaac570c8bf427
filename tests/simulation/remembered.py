"""A ledger in memory: applies entries as the real one does, and gives what a restart would read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from routing.ports import Entry, EntryKind, Restored

_REPLACING = {
    EntryKind.STATE: "states",
    EntryKind.TRIPPED: "tripped",
    EntryKind.RESERVED: "reserved",
}


class Remembered:
    """What was appended, by kind and key. Everything goes through JSON once, as on a disk."""

    def __init__(self, sums: Callable[[Mapping[str, Any]], Sequence[str]]) -> None:
        self._sums = sums
        self._tables: dict[str, dict[str, Any]] = {name: {} for name in _REPLACING.values()}
        self.calls: dict[str, Any] = {}
        self.spent: dict[str, float] = {}
        self.notices: list[Any] = []
        self.entries = 0

    def append(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.entries += 1
            self._apply(entry.kind, entry.key, json.loads(json.dumps(dict(entry.data))))

    def _apply(self, kind: EntryKind, key: str, data: dict[str, Any]) -> None:
        if kind is EntryKind.CALL:
            self._tables["reserved"].pop(key, None)
            if key not in self.calls:
                self.calls[key] = data
                for name in self._sums(data):
                    self.spent[name] = self.spent.get(name, 0.0) + data["usd"]
        elif kind is EntryKind.NOTICE:
            self.notices.append(data)
        elif data:
            self._tables[_REPLACING[kind]][key] = data
        else:
            self._tables[_REPLACING[kind]].pop(key, None)

    def restored(self) -> Restored:
        calls = sorted(self.calls.values(), key=lambda call: call["at"])
        tables = {name: dict(rows) for name, rows in self._tables.items()}
        return Restored(calls=tuple(calls[-5000:]), spent=dict(self.spent), **tables)
