"""Put values into shell text so that they can never become shell text.

A value is never spliced. Each template turns into a reference to a variable, HELIO_1, HELIO_2,
..., whose value travels in the environment; the shell expands it after it has read the command,
so nothing in the value is ever parsed: no quote, backtick, ``$(``, newline or semicolon ends a
word. What depends on the place is only the quoting of the reference:

    grep {{input.word}} notes       grep "${HELIO_1}" notes      one word, no globbing
    echo "found: {{prev_result}}"   echo "found: ${HELIO_1}"
    cat <<END ... {{item}} ... END  ${HELIO_1}

The scanner that finds the place knows POSIX quoting, not the grammar. Should it ever be wrong,
the reference is split into words or left literal; a value still cannot run. Places where the
shell itself would read a value again (arithmetic, backticks, ``eval``, ``[[``, a second shell
with ``-c``, a here-document for a shell) and places where a reference is not expanded (single
quotes) are refused at submit. A program that is handed data and runs it is beyond this guard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.errors import BadInput
from engine.tokens import Ref, parse

PREFIX = "HELIO_"
_READS_AGAIN = re.compile(
    r"(?:^|[\s;&|(){}/`])(?:eval|let|\[\[|ssh|trap|(?:ba|da|z|k|a)?sh\s+(?:-\S+\s+)*-\w*c)\b|\[\["
)
_IS_SHELL = re.compile(r"(?:^|[\s;&|(/])(?:(?:ba|da|z|k|a)?sh|ssh)(?=[\s;&|)]|$)")
_WORD_ENDS = frozenset(" \t\n;&|<>()")


class Place(StrEnum):
    """Where in a shell text one stands."""

    PLAIN = "plain text"
    DOUBLE = "double quotes"
    SINGLE = "single quotes"
    BACKTICK = "backticks"
    ARITHMETIC = "arithmetic"
    BRACES = "${...}"
    COMMENT = "a comment"
    HEREDOC = "a here-document"
    RAW_HEREDOC = "a quoted here-document"


_REFUSED = {Place.SINGLE, Place.BACKTICK, Place.ARITHMETIC, Place.BRACES, Place.RAW_HEREDOC}


@dataclass(slots=True)
class _Frame:
    place: Place
    closes: str = ""  # PLAIN: ")" inside parentheses; here-documents: the delimiter
    depth: int = 0  # ARITHMETIC: open parentheses
    strips_tabs: bool = False


@dataclass(frozen=True, slots=True)
class ShellText:
    """Shell text with references, and the template behind each variable."""

    text: str
    variables: Mapping[str, Ref]


def with_variables(text: str) -> ShellText:
    """Turn every template of a shell text into a variable reference.

    Raises:
        BadInput: a template stands where its value would be read as code or not at all.
        UnknownName: as `engine.tokens.parse`.
    """
    tokens = parse(text)
    if not any(isinstance(token, Ref) for token in tokens):
        return ShellText("".join(str(token) for token in tokens), {})
    return _Scanner(tokens).run()


@dataclass(slots=True)
class _Scanner:
    """Walks over single characters and templates, with a stack of places."""

    tokens: tuple[str | Ref, ...]
    items: list[str | Ref] = field(default_factory=list)
    at: int = 0
    out: list[str] = field(default_factory=list)
    names: dict[Ref, str] = field(default_factory=dict)
    frames: list[_Frame] = field(default_factory=lambda: [_Frame(Place.PLAIN)])
    pending: list[_Frame] = field(default_factory=list)  # here-documents of this line
    command: str = ""  # the outermost command so far, as written

    def run(self) -> ShellText:
        for token in self.tokens:
            self.items += [token] if isinstance(token, Ref) else list(token)
        handlers: dict[Place, Callable[[str], None]] = {
            Place.PLAIN: self._plain,
            Place.DOUBLE: self._double,
            Place.SINGLE: self._single,
            Place.BACKTICK: self._backtick,
            Place.ARITHMETIC: self._arithmetic,
            Place.BRACES: self._braces,
            Place.COMMENT: self._comment,
            Place.HEREDOC: self._heredoc,
            Place.RAW_HEREDOC: self._raw_heredoc,
        }
        while self.at < len(self.items):
            item = self.items[self.at]
            if isinstance(item, Ref):
                self._refer(item)
            else:
                handlers[self.top.place](item)
        return ShellText("".join(self.out), {name: ref for ref, name in self.names.items()})

    @property
    def top(self) -> _Frame:
        return self.frames[-1]

    # -- moving -------------------------------------------------------------------------------
    def _take(self, count: int = 1) -> None:
        for item in self.items[self.at : self.at + count]:
            assert isinstance(item, str)
            self.out.append(item)
            self.command += item
        self.at += count

    def _ahead(self, text: str) -> bool:
        return self.items[self.at : self.at + len(text)] == list(text)

    def _push(self, place: Place, width: int, *, closes: str = "", depth: int = 0) -> None:
        self._take(width)
        self.frames.append(_Frame(place, closes, depth))

    def _pop(self) -> None:
        self._take()
        self.frames.pop()

    def _escape(self) -> None:
        following = self.items[self.at + 1 : self.at + 2]
        if following and isinstance(following[0], Ref):
            raise _refusal(following[0], "behind a backslash")
        self._take(1 + len(following))

    def _expansion(self) -> bool:
        """Enter what begins with ``$`` or a backtick, which quotes do not switch off."""
        if self._ahead("$(("):
            self._push(Place.ARITHMETIC, 3, depth=2)
        elif self._ahead("$("):
            self._push(Place.PLAIN, 2, closes=")")
        elif self._ahead("${"):
            self._push(Place.BRACES, 2)
        elif self._ahead("`"):
            self._push(Place.BACKTICK, 1)
        else:
            return False
        return True

    # -- one method for each place ------------------------------------------------------------
    def _plain(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif char == "'":
            self._push(Place.SINGLE, 1)
        elif char == '"':
            self._push(Place.DOUBLE, 1)
        elif self._expansion():
            pass
        elif char == "(":
            self._open_parenthesis()
        elif char == ")" and self.top.closes:
            self._pop()
        elif char == "#" and self._at_word_start():
            self._push(Place.COMMENT, 1)
        elif self._ahead("<<") and not self._ahead("<<<"):
            self._announce_heredoc()
        else:
            self._plain_rest(char)

    def _plain_rest(self, char: str) -> None:
        width = 3 if self._ahead("<<<") else 1
        self._take(width)
        if len(self.frames) == 1 and char in ";&|\n" and not self.pending:
            self.command = ""
        if char == "\n" and self.pending:
            self.frames += reversed(self.pending)
            self.pending.clear()
            self._end_heredoc()

    def _open_parenthesis(self) -> None:
        if self._ahead("(("):
            self._push(Place.ARITHMETIC, 2, depth=2)
        else:
            self._push(Place.PLAIN, 1, closes=")")

    def _at_word_start(self) -> bool:
        if self.at == 0:
            return True
        before = self.items[self.at - 1]
        return isinstance(before, str) and before in _WORD_ENDS

    def _double(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif char == '"':
            self._pop()
        elif not self._expansion():
            self._take()

    def _single(self, char: str) -> None:
        if char == "'":
            self._pop()
        else:
            self._take()

    def _backtick(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif char == "`":
            self._pop()
        else:
            self._take()

    def _arithmetic(self, char: str) -> None:
        self.top.depth += {"(": 1, ")": -1}.get(char, 0)
        if self.top.depth == 0:
            self._pop()
        else:
            self._take()

    def _braces(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif char == "}":
            self._pop()
        elif char == '"':
            self._push(Place.DOUBLE, 1)
        elif not self._expansion():
            self._take()

    def _comment(self, char: str) -> None:
        if char == "\n":
            self.frames.pop()  # the newline belongs to the text around
        else:
            self._take()

    # -- here-documents -----------------------------------------------------------------------
    def _announce_heredoc(self) -> None:
        self._take(2)
        strips = self._ahead("-")
        if strips:
            self._take()
        while self._ahead(" ") or self._ahead("\t"):
            self._take()
        word = ""
        while self.at < len(self.items) and self.items[self.at] not in _WORD_ENDS:
            item = self.items[self.at]
            if isinstance(item, Ref):
                raise _refusal(item, "in the delimiter of a here-document")
            word += item
            self._take()
        delimiter = re.sub(r"[\\'\"]", "", word)
        place = Place.HEREDOC if delimiter == word else Place.RAW_HEREDOC
        self.pending.append(_Frame(place, delimiter, strips_tabs=strips))

    def _heredoc(self, char: str) -> None:
        if char == "\\":
            self._escape()
        elif not self._expansion():
            self._take()
            if char == "\n":
                self._end_heredoc()

    def _raw_heredoc(self, char: str) -> None:
        self._take()
        if char == "\n":
            self._end_heredoc()

    def _end_heredoc(self) -> None:
        """At the start of a line: close every here-document whose delimiter stands here."""
        while self.top.place in {Place.HEREDOC, Place.RAW_HEREDOC}:
            line: list[str | Ref] = []
            for item in self.items[self.at :]:
                if item == "\n":
                    break
                line.append(item)
            text = "".join(item if isinstance(item, str) else "\0" for item in line)
            if (text.lstrip("\t") if self.top.strips_tabs else text) != self.top.closes:
                return
            self._take(len(line))
            self.frames.pop()
            if self._ahead("\n"):
                self._take()
        if len(self.frames) == 1:
            self.command = ""

    # -- templates ----------------------------------------------------------------------------
    def _refer(self, ref: Ref) -> None:
        for frame in self.frames:
            if frame.place in _REFUSED:
                raise _refusal(ref, f"inside {frame.place}")
        in_heredoc = any(frame.place is Place.HEREDOC for frame in self.frames)
        if _READS_AGAIN.search(self.command) or (in_heredoc and _IS_SHELL.search(self.command)):
            raise _refusal(ref, "in text that is read as code a second time")
        if self.items[self.at - 1 : self.at] == ["$"]:
            raise _refusal(ref, "behind a dollar sign")
        name = self.names.setdefault(ref, f"{PREFIX}{len(self.names) + 1}")
        reference = f"${{{name}}}"
        quoted = f'"{reference}"' if self.top.place is Place.PLAIN else reference
        self.out.append(quoted)
        self.command += quoted
        self.at += 1


def _refusal(ref: Ref, where: str) -> BadInput:
    return BadInput(
        f"{{{{{ref.name}}}}} stands {where} in shell text, where its value is not safe.",
        remedy="Put it in double quotes in a plain command, or give it to the job as `env` or "
        "`stdin`; `run` takes it as a whole argument.",
        template=ref.name,
    )
