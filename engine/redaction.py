"""Hide registered secrets in text, also while it streams. Pure; it reads no secret and no file.

Registered values are matched exactly, as they stand and in the forms in which programs print
them: base64 (all three alignments, both alphabets), URL-encoded, escaped as by JSON and by
Python, hexadecimal and reversed. Private keys between BEGIN and END marks are swallowed whole.
Key shapes that nobody registered come from a callable (`store.patterns`), so that this module
needs no regex engine for untrusted text.

A stream is redacted before it is released: what may be the beginning of a secret is held back
until it is decided. The result does not depend on where the stream was cut.

A value of fewer than MIN_CHARS characters is not hidden: it would blacken ordinary words and
numbers, and so tell where it stands. A long value is hidden piece by piece, and so is each long
line of a value with several lines. Base64 that is wrapped into lines is not recognised across
the break.
"""

from __future__ import annotations

import base64
import codecs
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
MIN_CHARS = 8
_PIECE_CHARS = 240
_LINE_CHARS = 16
_BASE64_LOST = (0, 2, 3)  # characters that also depend on what stands before, by alignment
_KEY_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_KEY_BEGIN_CHARS = 75
_KEY_END = "-----END "
_KEY_END_CHARS = 75
_KEY_CHARS = 32_768

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Key shapes found by a callable: leftmost spans that do not overlap.

    A span is made of characters of `alphabet` only. Whether one begins at i, and where it ends,
    may depend on text[i-1], on the run of such characters from i on, and on nothing beyond
    i + reach. So a stream that pauses behind any other character is released up to there.
    """

    find: Callable[[str], Iterable[Span]]
    alphabet: str
    reach: int


@dataclass(frozen=True, slots=True)
class Needles:
    """All forms of all registered values, ready to be searched."""

    forms: tuple[str, ...] = ()  # in alphabetical order
    pattern: re.Pattern[str] | None = None
    longest: int = 0
    first: frozenset[str] = frozenset()


def needles(values: Iterable[str]) -> Needles:
    """Prepare registered values; those that are too short are left out."""
    forms = sorted({form for value in values for form in _forms_of(value)})
    if not forms:
        return Needles()
    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(form) for form in longest_first))
    first = frozenset(form[0] for form in forms)
    return Needles(tuple(forms), pattern, len(longest_first[0]), first)


def hide(text: str, hidden: Needles, shapes: Shapes | None = None) -> str:
    """Give a whole text without secrets."""
    redactor = Redactor(hidden, shapes)
    return redactor.feed(text) + redactor.flush()


def hide_json(value: Any, hidden: Needles, shapes: Shapes | None = None) -> Any:
    """Give a JSON value with every text inside it hidden, keys too."""
    match value:
        case str():
            return hide(value, hidden, shapes)
        case Mapping():
            return {
                hide(str(key), hidden, shapes): hide_json(part, hidden, shapes)
                for key, part in value.items()
            }
        case list() | tuple():
            return [hide_json(part, hidden, shapes) for part in value]
        case _:
            return value


class _Layer(Protocol):
    def feed(self, text: str) -> str: ...
    def flush(self) -> str: ...


class Redactor:
    """Hides secrets in a text that arrives in pieces."""

    def __init__(self, hidden: Needles, shapes: Shapes | None = None) -> None:
        self._layers: list[_Layer] = [_Exact(hidden)] if hidden.forms else []
        self._layers.append(_PrivateKeys())
        if shapes is not None:
            self._layers.append(_Shaped(shapes))

    def feed(self, text: str) -> str:
        """Take a piece and give what can be released."""
        for layer in self._layers:
            text = layer.feed(text)
        return text

    def flush(self) -> str:
        """Give the rest: the stream has ended."""
        text = ""
        for layer in self._layers:
            text = layer.feed(text) + layer.flush()
        return text


class ByteRedactor:
    """Hides secrets in bytes; what is not UTF-8 passes unchanged."""

    def __init__(self, hidden: Needles, shapes: Shapes | None = None) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._redactor = Redactor(hidden, shapes)

    def feed(self, data: bytes) -> bytes:
        """Take a piece and give what can be released."""
        return self._redactor.feed(self._decode.decode(data)).encode("utf-8", "surrogateescape")

    def flush(self) -> bytes:
        """Give the rest: the stream has ended."""
        rest = self._redactor.feed(self._decode.decode(b"", final=True)) + self._redactor.flush()
        return rest.encode("utf-8", "surrogateescape")


class _Exact:
    """Registered values, in all their forms."""

    def __init__(self, hidden: Needles) -> None:
        assert hidden.pattern is not None
        self._hidden = hidden
        self._pattern = hidden.pattern
        self._held = ""

    def feed(self, text: str) -> str:
        return self._release(self._held + text, ended=False)

    def flush(self) -> str:
        return self._release(self._held, ended=True)

    def _release(self, text: str, *, ended: bool) -> str:
        out: list[str] = []
        at = 0
        open_from = len(text) if ended else self._undecided(text, 0)
        for hit in self._pattern.finditer(text):
            if hit.start() >= open_from:
                break
            out += (text[at : hit.start()], MARK)
            at = hit.end()
            if at > open_from:  # what could begin inside a secret begins nothing
                open_from = self._undecided(text, at)
        self._held = text[max(at, open_from) :]
        out.append(text[at : max(at, open_from)])
        return "".join(out)

    def _undecided(self, text: str, start: int) -> int:
        """Give the first place from which the rest is the beginning of a longer form."""
        forms = self._hidden.forms
        for at in range(max(start, len(text) - self._hidden.longest + 1), len(text)):
            if text[at] not in self._hidden.first:
                continue
            tail = text[at:]
            place = bisect_left(forms, tail)
            if place < len(forms) and forms[place] == tail:
                place += 1
            if place < len(forms) and forms[place].startswith(tail):
                return at
        return len(text)


class _PrivateKeys:
    """Everything from a BEGIN mark of a private key to its END mark, or 32 KiB of it."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = 0  # characters swallowed of the key that is open

    def feed(self, text: str) -> str:
        return "".join(self._steps(self._held + text, ended=False))

    def flush(self) -> str:
        return "".join(self._steps(self._held, ended=True))

    def _steps(self, text: str, *, ended: bool) -> Iterator[str]:
        while True:
            if self._inside:
                rest = self._swallow(text, ended=ended)
                if rest is None:
                    return
                text = rest
            found = _KEY_BEGIN.search(text)
            if found is None:
                keep = len(text) if ended else _possible_begin(text)
                self._held = text[keep:]
                yield text[:keep]
                return
            yield text[: found.start()] + MARK
            self._inside = 1
            text = text[found.end() :]

    def _swallow(self, text: str, *, ended: bool) -> str | None:
        """Drop text up to the end of the key; None while its end is not in sight."""
        room = _KEY_CHARS - self._inside
        end = text.find(_KEY_END)
        if end >= 0 and end < room:
            closing = text.find("-----", end + len(_KEY_END), end + _KEY_END_CHARS)
            whole = ended or closing >= 0 or len(text) >= end + _KEY_END_CHARS
            if not whole:
                self._inside, self._held = self._inside + end, text[end:]
                return None
            self._inside, self._held = 0, ""
            return text[closing + 5 if closing >= 0 else end + len(_KEY_END) :]
        if len(text) >= room + len(_KEY_END):
            self._inside, self._held = 0, ""
            return text[room:]
        if ended:
            self._held = ""
            return None
        keep = max(0, min(len(text) - len(_KEY_END), room))
        self._inside, self._held = self._inside + keep, text[keep:]
        return None


def _possible_begin(text: str) -> int:
    """Give where a BEGIN mark may have begun that is not complete."""
    at = max(0, len(text) - _KEY_BEGIN_CHARS)
    while (at := text.find("-", at)) >= 0:
        tail = text[at:]
        if "-----BEGIN ".startswith(tail) or re.fullmatch(r"-----BEGIN [A-Z0-9 ]*-{0,4}", tail):
            return at
        at += 1
    return len(text)


class _Shaped:
    """Unregistered keys, by their shape."""

    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._held = ""
        self._before = ""  # stands for the character before what is held

    def feed(self, text: str) -> str:
        return self._release(self._held + text, ended=False)

    def flush(self) -> str:
        return self._release(self._held, ended=True)

    def _release(self, text: str, *, ended: bool) -> str:
        out: list[str] = []
        at = 0
        decided = len(text) if ended else self._decided(text)
        shift = len(self._before)
        for start, end in self._shapes.find(self._before + text):
            if start - shift >= decided:
                break
            out += (text[at : start - shift], MARK)
            at = end - shift
        cut = max(at, decided)
        out.append(text[at:cut])
        if cut:
            last = text[cut - 1]
            self._before = "q" if last.isascii() and last.isalnum() else " "
        self._held = text[cut:]
        return "".join(out)

    def _decided(self, text: str) -> int:
        run = len(text.rstrip(self._shapes.alphabet))
        return max(run, len(text) - self._shapes.reach)


def _forms_of(value: str) -> Iterator[str]:
    value = value.strip("\r\n")
    lines = [line for line in value.splitlines() if len(line) >= _LINE_CHARS]
    for part in (value, *(lines if "\n" in value else ())):
        for piece in _pieces(part):
            yield from (form for form in _encodings(piece) if len(form) >= MIN_CHARS)


def _pieces(value: str) -> Sequence[str]:
    """Cut a long value so that no piece is longer than about a page's line, and none is short."""
    if len(value) < MIN_CHARS:
        return ()
    count = -(-len(value) // _PIECE_CHARS)
    size = -(-len(value) // count)
    return [value[at : at + size] for at in range(0, len(value), size)]


def _encodings(value: str) -> Iterator[str]:
    data = value.encode("utf-8", "surrogatepass")
    yield value
    yield value[::-1]
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]  # as Python's tracebacks and dictionaries show it
    yield repr(data)[2:-1]
    yield data.hex()
    yield data.hex().upper()
    for encoded in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda hit: hit[0].lower(), encoded)
    for before, lost in enumerate(_BASE64_LOST):
        whole = base64.b64encode(bytes(before) + data).decode()
        core = whole[lost : (before + len(data)) * 8 // 6]
        yield core
        yield core.translate(str.maketrans("+/", "-_"))
