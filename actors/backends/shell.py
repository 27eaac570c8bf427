"""The `shell` backend: an argv (`run`), or a text for /bin/sh (`sh`), as it was rendered.

A template's value is never part of the text of `sh`: it arrives in the environment, as
`engine.shells` arranged it. This module adds nothing to either. A job with `models: true` finds
the gateway and a key of its own in its environment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from actors.asking.keys import Key, open_key, release, unless_halted
from actors.backends.base import Bench
from actors.backends.environment import asked
from actors.backends.verdict import verdict
from actors.processes import Command, Fate, KeptProcess, NotStarted, Stream, Unkept
from actors.sessions.effects import Ending
from engine.errors import BadInput
from engine.messages import Order
from engine.outcomes import Drained

SHELL = "/bin/sh"
_ORPHAN_GRACE_S = 1.0
_STOPPED = Ending(Drained(), by_itself=False)


def argv_of(order: Order) -> list[str]:
    """Give the argv of an order.

    Raises:
        BadInput: it has neither `run` nor `sh`.
    """
    run, text = order.payload.get("run"), order.payload.get("sh")
    if isinstance(run, (list, tuple)) and run:
        return [str(word) for word in run]
    if isinstance(text, str):
        return [SHELL, "-c", text]
    raise BadInput(
        "The job has no command.",
        remedy='Give it `run`, a list of words, or `sh`, a text: helio job submit -- echo "hello"',
    )


class ShellAttempt:
    """One command from start to the end of its whole tree."""

    def __init__(self, order: Order, bench: Bench) -> None:
        self._order = order
        self._bench = bench
        self._process: KeptProcess | None = None
        self._binding: asyncio.Task[Key] | None = None
        self._stopped = False

    async def run(self) -> Ending:
        """Run the command.

        Raises:
            HelioError: no command, or a secret that is not set.
        """
        argv_of(self._order)
        if self._order.payload.get("models"):
            return await self._run_with_models()
        return await self._run({})

    async def _run_with_models(self) -> Ending:
        """Let the command reach models with a key of its own, which dies with it."""
        if self._stopped:
            return _STOPPED
        lines = self._bench.lines
        self._binding = asyncio.get_running_loop().create_task(open_key(self._order, lines))
        try:
            key = await self._binding
        except asyncio.CancelledError:
            if not self._stopped:
                raise
            return _STOPPED
        try:
            ending = await self._run(key.environment())
        finally:
            halted = await release(key, lines)
        return unless_halted(ending, halted=halted)

    async def _run(self, reach: Mapping[str, str]) -> Ending:
        command = self._command(reach)
        if self._stopped:
            return _STOPPED
        self._process = self._bench.take_keeper()
        self._process.begin(command, self)
        fate = await self._process.fate()
        recorder = self._bench.recorder
        recorder.finish()
        out, err = recorder.tail(Stream.OUT), recorder.tail(Stream.ERR)
        outcome = verdict(fate, command.argv[0], command.cwd, out, err)
        return Ending(outcome, by_itself=_by_itself(fate))

    def stop(self, grace_s: float) -> None:
        """Begin to end the tree."""
        self._stopped = True
        if self._binding is not None:
            self._binding.cancel()
        if self._process is not None:
            self._process.stop(grace_s)

    def started(self, pid: int) -> None:
        """Pass on that the main process runs."""
        self._bench.signs.started(pid)

    def heard(self, stream: Stream, data: bytes) -> None:
        """Record output; it is a sign of life."""
        self._bench.recorder.heard(stream, data)
        self._bench.signs.alive(len(data))

    def _command(self, reach: Mapping[str, str]) -> Command:
        bench, grace_s = self._bench, self._bench.settings.clocks.kill_grace_s
        extra = asked(self._order, bench.secrets, bench.scratch)
        return Command(
            argv=argv_of(self._order),
            cwd=bench.cwd,
            env={**bench.inherited, "PWD": bench.cwd, **reach, **extra, **bench.marks},
            stdin=str(self._order.payload.get("stdin") or "").encode(errors="replace"),
            grace_s=grace_s,
            orphan_grace_s=min(grace_s, _ORPHAN_GRACE_S),
        )


def _by_itself(fate: Fate) -> bool:
    match fate:
        case NotStarted() | Unkept():
            return True
        case _:
            return fate.by_itself
