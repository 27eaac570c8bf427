"""Durations as people write them: seconds as a number, or 90s, 15m, 1h30m, 2d."""

from __future__ import annotations

import re

from engine.errors import BadInput

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SHAPE = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")


def seconds(value: object) -> float:
    """Read a duration.

    Raises:
        BadInput: it is neither a number of seconds nor made of parts like 2h and 30m.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(value)
    if isinstance(value, str) and _SHAPE.fullmatch(value.strip()):
        return sum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(value))
    raise BadInput(
        f"{value!r} is no duration.", remedy="Write seconds (90) or parts: 90s, 15m, 1h30m, 2d."
    )
