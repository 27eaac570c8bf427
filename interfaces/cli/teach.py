"""Help that teaches: every command shows examples, which a test parses as they stand."""

from __future__ import annotations

PROMPT = "$ "


def examples(*lines: str) -> str:
    """Give the epilogue of a command's help: one example a line, each a whole command."""
    return "\n".join(("\b", "Examples:", *(f"  {PROMPT}{line}" for line in lines)))


def lines_of(epilogue: str) -> list[str]:
    """Read the examples back out of an epilogue."""
    found = (line.strip() for line in epilogue.splitlines())
    return [line.removeprefix(PROMPT) for line in found if line.startswith(PROMPT)]
