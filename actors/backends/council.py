"""The `council` backend: several models answer the job's prompt, and one weighs what they said.

It starts no process. The sitting is held by the council actor under this attempt's own key, so
lane, budget and record of every call are the job's. Whether there is an answer, and how many
gave one, stands in the result as the council says it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from actors.asking.keys import open_key, patiently, release, unless_halted
from actors.backends.base import Bench
from actors.processes import Stream
from actors.sessions.effects import Ending
from engine.errors import BadInput
from engine.failures import Cause, Failure
from engine.jobs import Result
from engine.messages import Order
from engine.outcomes import Done, Drained, Failed
from engine.ports import CouncilFace

_PATIENCE_S = 30.0
_SITTING_SHARE = 0.9  # of the job's own limit; the rest is for its key and the way back
_TAKEN_OVER = ("system", "members", "quorum", "max_tokens")


def _find_council() -> CouncilFace:
    from actors.refs import council  # noqa: PLC0415  # Ray is imported only where it is used

    return council()


class CouncilAttempt:
    """One sitting for one order."""

    def __init__(
        self,
        order: Order,
        bench: Bench,
        find_council: Callable[[], CouncilFace] = _find_council,
    ) -> None:
        self._order = order
        self._bench = bench
        self._find_council = find_council
        self._stopped = False
        self._task: asyncio.Task[Ending] | None = None

    async def run(self) -> Ending:
        """Hold the sitting.

        Raises:
            HelioError: there is no prompt, or the council or the router refuses.
        """
        if self._stopped:
            return Ending(Drained(), by_itself=False)
        self._task = asyncio.get_running_loop().create_task(self._sit())
        try:
            return await self._task
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            return Ending(Drained(), by_itself=False)

    def stop(self, grace_s: float) -> None:  # noqa: ARG002  # there is nobody to be patient with
        """End the sitting at once."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _sit(self) -> Ending:
        lines = self._bench.lines
        question = self._question()
        key = await open_key(self._order, lines)
        self._bench.signs.started(os.getpid())
        try:
            door = {"key": key.text, "url": key.url, "socket": key.socket}
            body = question | door
            verdict = await patiently(lambda: self._find_council().ask(body), lines, _PATIENCE_S)
        finally:
            halted = await release(key, lines)
        return unless_halted(self._ending(verdict), halted=halted)

    def _question(self) -> dict[str, Any]:
        said = self._order.payload
        if not said.get("prompt"):
            raise BadInput(
                "A council needs a question.",
                remedy='Give the job a prompt: helio council ask "..."',
            )
        more = {name: said[name] for name in _TAKEN_OVER if said.get(name)}
        if self._order.total_s:
            more["total_s"] = self._order.total_s * _SITTING_SHARE
        return {"question": str(said["prompt"])} | more

    def _ending(self, verdict: dict[str, Any]) -> Ending:
        self._show(verdict)
        if verdict["answer"]:
            shown = self._hidden(verdict)
            return Ending(Done(Result(text=shown["answer"], data=shown)))
        reasons = {f"{vote['model']}: {vote['why']}" for vote in verdict["votes"] if vote["why"]}
        told = f"The council has no answer: {verdict['label']}. {'; '.join(sorted(reasons))}"
        return Ending(Failed(Failure(cause=Cause.OTHER, message=told)))

    def _hidden(self, value: Any) -> Any:
        """Give a JSON value without the secrets that are registered."""
        match value:
            case str():
                return self._bench.hide(value)
            case dict():
                return {name: self._hidden(one) for name, one in value.items()}
            case list():
                return [self._hidden(one) for one in value]
            case _:
                return value

    def _show(self, verdict: dict[str, Any]) -> None:
        """Write every voice to the log, so that dissent can be read there as well."""
        voices = [
            f"## {vote['model']}\n{vote['text'] or 'No answer: ' + vote['why']}\n"
            for vote in verdict["votes"]
        ]
        head = f"{verdict['label']}\n" + (
            f"weighed by {verdict['synthesis']}\n" if verdict["synthesis"] else ""
        )
        recorder = self._bench.recorder
        text = "\n".join([head, *voices, f"## The answer\n{verdict['answer']}\n"])
        recorder.heard(Stream.OUT, text.encode())
        recorder.finish()
