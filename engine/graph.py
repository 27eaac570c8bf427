"""Order in a graph of names: who comes first, who stands upstream, and one concrete circle.

It knows names and what each waits for; not what they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping

from engine.errors import CycleFound

Waits = Mapping[str, Collection[str]]


def toposort(waits: Waits) -> list[str]:
    """Give the names so that each comes after all it waits for, else in the order given.

    Names that are waited for but are no keys (promises stored earlier) are left out.

    Raises:
        CycleFound: names one circle, ``a -> b -> a``: each waits for the next.
    """
    followers: dict[str, list[str]] = {name: [] for name in waits}
    missing: dict[str, int] = {}
    for name, parents in waits.items():
        inside = [parent for parent in parents if parent in followers]
        missing[name] = len(inside)
        for parent in inside:
            followers[parent].append(name)
    free = deque(name for name, count in missing.items() if count == 0)
    order: list[str] = []
    while free:
        order.append(free.popleft())
        for name in followers[order[-1]]:
            missing[name] -= 1
            if missing[name] == 0:
                free.append(name)
    if len(order) < len(waits):
        stuck = {name for name, count in missing.items() if count}
        raise _cycle(_circle(waits, stuck))
    return order


def upstream(waits: Waits, name: str) -> set[str]:
    """Give everything that `name` waits for, directly or through others."""
    seen: set[str] = set()
    ahead = list(waits.get(name, ()))
    while ahead:
        parent = ahead.pop()
        if parent not in seen:
            seen.add(parent)
            ahead.extend(waits.get(parent, ()))
    return seen


def _circle(waits: Waits, stuck: set[str]) -> list[str]:
    """Walk among names that all wait for another stuck one until a name comes again."""
    at = next(name for name in waits if name in stuck)
    path: dict[str, None] = {}
    while at not in path:
        path[at] = None
        at = next(parent for parent in waits[at] if parent in stuck)
    walked = list(path)
    return [*walked[walked.index(at) :], at]


def _cycle(path: list[str]) -> CycleFound:
    drawn = " -> ".join(path)
    return CycleFound(
        f"These wait for each other in a circle: {drawn}.",
        remedy="Take one of these needs away.",
        path=path,
    )
