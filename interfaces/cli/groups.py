"""Options that belong together, written once as a dataclass and taken by any command.

A field is an option: its annotation says how it is spelled, its default stands. A command that is
marked with `takes` and has a parameter of the dataclass gets the fields in its place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar, get_type_hints

R = TypeVar("R")


def takes(group: type) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Put the options of a group in the place of the parameter that is annotated with it."""
    hints = get_type_hints(group, include_extras=True)
    names = [field.name for field in fields(group)]
    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]

    def wrap(command: Callable[..., R]) -> Callable[..., R]:
        signature = inspect.signature(command, eval_str=True)
        (place,) = [n for n, p in signature.parameters.items() if p.annotation is group]

        def run(**given: Any) -> R:
            gathered = group(**{name: given.pop(name) for name in names})
            return command(**given, **{place: gathered})

        flat: list[inspect.Parameter] = []
        for name, parameter in signature.parameters.items():
            flat += options if name == place else [parameter]
        run.__name__, run.__doc__ = command.__name__, command.__doc__
        run.__annotations__ = {one.name: one.annotation for one in flat}
        run.__signature__ = signature.replace(parameters=flat)  # type: ignore[attr-defined]
        return run

    return wrap
