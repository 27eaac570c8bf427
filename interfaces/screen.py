"""What a job wrote, made safe for a terminal: a pure function of pieces, which knows no terminal.

Output is anybody's: it may hold sequences that move the cursor, rename the window or write to the
clipboard. Text, tabs, line ends, a return to the line's beginning, colours and "erase this line"
pass; every other control character is shown instead of obeyed. A pipe or a file gets the bytes as
they are: this is for screens only.
"""

from __future__ import annotations

import re

_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_TOKEN = re.compile(r"\x1b\[(?:[0-9;:]*m|[0-2]?K)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CUT = re.compile(r"\x1b(?:\[[0-9;:]{0,32})?\Z")  # what may yet become a colour
RESET = "\x1b[0m"


class Screen:
    """Makes one stream of output safe, piece by piece; a sequence may be cut between two."""

    def __init__(self, *, colours: bool = True) -> None:
        self._colours = colours
        self._cut = ""
        self._coloured = False

    def take(self, piece: str) -> str:
        """Give what may be shown of the next piece."""
        text = self._cut + piece
        cut = _CUT.search(text)
        self._cut = cut.group() if cut else ""
        return self._shown(text.removesuffix(self._cut))

    def end(self) -> str:
        """Give what was held back, and end a colour that the output left on."""
        rest = "".join(map(_visible, self._cut))
        self._cut = ""
        return rest + (RESET if self._coloured else "")

    def _shown(self, text: str) -> str:
        return _TOKEN.sub(self._token, text)

    def _token(self, found: re.Match[str]) -> str:
        token = found.group()
        if len(token) == 1:
            return _visible(token)
        if not _COLOUR.fullmatch(token):
            return token
        self._coloured = self._coloured or self._colours
        return token if self._colours else ""


def _visible(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()
