"""What a plain command's end means: one pure function from facts to an outcome.

Exit 0 is success. The result's text is what went to stdout, without its last line ends, just as
a shell's ``$(...)`` gives it; its data is the JSON document that stdout was, if it was one.
"""

from __future__ import annotations

import errno
import json
import os
import signal
from typing import Any, NoReturn

from actors.output import Tail
from actors.processes import Exited, Fate, Killed, NotStarted, Unkept
from engine.failures import Cause, Failure
from engine.jobs import Result
from engine.outcomes import Done, Failed, Lost, Outcome

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # what a shell exits with when it could not run a command
_LINE_CHARS = 300


def verdict(fate: Fate, program: str, cwd: str, out: Tail, err: Tail) -> Outcome:
    """Say how the attempt ended."""
    match fate:
        case Exited(0):
            return Done(result_of(out, 0))
        case Exited(code):
            return _failed(
                _cause_of(code), f"It exited with code {code}", result_of(out, code), err
            )
        case Killed(number):
            text = f"It was ended by signal {number} ({_signal_name(number)})"
            return _failed(Cause.TOOL, text, result_of(out, None), err)
        case NotStarted(stage, number):
            return Failed(_refusal(stage, number, program, cwd))
        case Unkept():
            return Lost(counts=True, message="The keeper of its process was killed.")


def result_of(out: Tail, exit_code: int | None) -> Result:
    """Make the result from the end of stdout."""
    text = out.text.rstrip("\r\n")
    data = None if out.truncated else parsed(text)
    return Result(
        text=text,
        data=data,
        exit_code=exit_code,
        truncated=out.truncated,
        exited=exit_code is not None,
    )


def parsed(text: str) -> Any:
    """Give the JSON value that the whole text is, or None.

    Refused are numbers that JSON does not have (NaN, 1e999) and text that UTF-8 does not have
    (lone surrogates): what is accepted here can be stored and sent everywhere.
    """
    try:
        value = json.loads(text, parse_constant=_refuse)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _failed(cause: Cause, text: str, result: Result, err: Tail) -> Failed:
    last = err.text.rstrip().rpartition("\n")[2].strip()[:_LINE_CHARS]
    message = f"{text}: {last}" if last else f"{text}."
    return Failed(Failure(cause=cause, message=message), result)


def _cause_of(code: int) -> Cause:
    return {NOT_EXECUTABLE: Cause.PERMISSION, NOT_FOUND: Cause.DEPENDENCY}.get(code, Cause.TOOL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "a real-time signal"


def _refusal(stage: str, number: int, program: str, cwd: str) -> Failure:
    """Say what could not be started and why, naming the thing."""
    reason = os.strerror(number)
    cause = Cause.PERMISSION if number in {errno.EACCES, errno.EPERM} else Cause.DEPENDENCY
    match stage, number:
        case "cwd", errno.ENOENT | errno.ENOTDIR:
            text = f"The working directory {cwd} is not there."
        case "cwd", _:
            text = f"The working directory {cwd} cannot be entered: {reason}."
        case "exec", errno.ENOENT:
            text = f"There is no program {program}, or the interpreter it names is missing."
        case "exec", errno.EACCES:
            text = f"{program} may not be executed: {reason}."
        case "exec", errno.ENOEXEC:
            cause, text = Cause.TOOL, f"{program} is no program: it has no #! line."
        case "exec", errno.E2BIG:
            cause = Cause.TOOL
            text = f"Arguments and environment of {program} are too long; give it them as stdin."
        case _:
            cause, text = Cause.OTHER, f"{program} could not be started: {reason}."
    return Failure(cause=cause, message=text)
