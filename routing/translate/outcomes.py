"""Failures of tools, told in dialects whose tool results cannot say that they are failures.

The Chat and Responses dialects carry only what a tool gave. A failure is told by words in front,
plain for the model to read, and taken for a failure again when it comes back. Knows no dialect.
"""

from __future__ import annotations

_FAILED = "The tool failed"


def tell(text: str, *, is_error: bool) -> str:
    """Give a tool's text as it is told: a failure with the words in front."""
    if not is_error:
        return text
    return f"{_FAILED}:\n{text}" if text else f"{_FAILED}."


def understand(text: str) -> tuple[str, bool]:
    """Give (text, whether it is a failure)."""
    if text == f"{_FAILED}.":
        return "", True
    return text.removeprefix(f"{_FAILED}:\n"), text.startswith(f"{_FAILED}:\n")
