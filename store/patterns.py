"""Shapes of well-known keys, for secrets that nobody registered.

Untrusted text is searched with RE2, which cannot be made to hang. RE2 finds the head of a key:
a known prefix behind a boundary, and the least that must follow. How far the key goes on is then
a walk over its alphabet. Registered values are the first defence (`engine.redaction`); this is
the second, and knows only shapes that are hardly ever anything else.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

import re2

from engine.redaction import Shapes, Span

_WORD = "[A-Za-z0-9_-]"
_HEADS = (
    rf"sk-ant-{_WORD}{{16}}",  # Anthropic
    rf"sk-(?:proj-|svcacct-|admin-|or-v1-)?{_WORD}{{0,12}}[A-Za-z0-9]{{16}}",  # OpenAI and its kin
    r"gh[pousr]_[A-Za-z0-9]{30}",  # GitHub
    r"github_pat_[A-Za-z0-9_]{30}",
    rf"[0-9]{{8,10}}:AA{_WORD}{{32}}",  # Telegram bot
    r"(?:AKIA|ASIA)[A-Z0-9]{16}",  # AWS
    rf"xox[abeoprs]-{_WORD}{{10}}",  # Slack
    r"xapp-[0-9]-[A-Z0-9]{8}",
    r"AIza[A-Za-z0-9_-]{35}",  # Google
    r"hf_[A-Za-z0-9]{30}",  # Hugging Face
    r"xai-[A-Za-z0-9]{40}",
    r"gsk_[A-Za-z0-9]{40}",
    rf"hk-{_WORD}{{43}}",  # our own gateway's, which live as long as an attempt
)
_HEAD = re2.compile(rf"(?:^|[^A-Za-z0-9])({'|'.join(_HEADS)})")
_REST = re.compile(r"[A-Za-z0-9_-]*")
_KEY_CHARS = 512


def find(text: str) -> Iterator[Span]:
    """Give the spans of what looks like a key, from left to right."""
    at = 0
    # the boundary may be the last character of the key before, hence one back
    while (head := _HEAD.search(text, max(at - 1, 0))) is not None:
        start, end = head.span(1)
        rest = _REST.match(text, end, start + _KEY_CHARS)
        end = rest.end() if rest else end
        yield start, end
        at = end


KEY_SHAPES = Shapes(find, string.ascii_letters + string.digits + "_-:", _KEY_CHARS + 1)
