"""What is wrong with a catalogue's file, gathered with the place of each. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from routing.cataloguing.file import Places


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong (`fatal`), or that the owner should know, as a sentence."""

    sentence: str
    fatal: bool = True


class Findings:
    """Gathers flaws while a file is read."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.flaws: list[Flaw] = []

    def wrong(self, name: str, said: str) -> None:
        """Note a fault: `said` goes on from the dotted name and needs no full stop."""
        self.flaws.append(Flaw(f"{name} {said}{self._places.behind(name)}."))

    def odd(self, name: str, said: str) -> None:
        """Note what can be used but should be known."""
        self.flaws.append(Flaw(f"{name} {said}{self._places.behind(name)}.", fatal=False))
