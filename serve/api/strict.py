"""Request bodies read strictly: JSON as its standard has it, so what goes in can come out again.

Python's reader also takes NaN and Infinity, which no other reader understands and which our own
answers could not carry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute


class StrictRoute(APIRoute):
    """A route whose JSON is JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler so that it reads strictly."""
        handler = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handler(_StrictRequest(request.scope, request.receive))

        return strictly


class _StrictRequest(Request):
    """A request that refuses what is no JSON."""

    async def json(self) -> Any:
        """Read the body."""
        try:
            return json.loads(await self.body(), parse_constant=_refuse)
        except RecursionError:
            raise HTTPException(400, "its JSON is nested too deeply") from None
        except UnicodeDecodeError:
            raise HTTPException(400, "its JSON is not UTF-8") from None


def _refuse(constant: str) -> NoReturn:
    raise HTTPException(400, f"{constant} is no JSON number")
