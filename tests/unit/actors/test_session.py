"""A whole session in this process: real commands, a desk and a hub in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random

import pytest

from actors.session import Session
from engine.failures import Cause
from engine.messages import ReportKind
from engine.outcomes import Cancelled, Done, Drained, Failed
from tests.unit.actors.sessions.kit import House, marked, order, until

FAST = "[clocks]\nkill_grace_s = 0.05\n[sessions]\nreport_batch_s = 0.01\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home", FAST)


@pytest.fixture
async def born() -> AsyncIterator[Callable[[Session], Session]]:
    """Close at the end whatever session was born in the test."""
    sessions: list[Session] = []

    def note(session: Session) -> Session:
        sessions.append(session)
        return session

    yield note
    for session in sessions:
        await session.close()


def mark() -> str:
    return f"8{Random().randrange(10**8, 10**9)}.5"


async def test_a_command_runs_in_a_fresh_directory_and_its_output_streams(
    house: House, born: Callable[[Session], Session]
) -> None:
    session = born(house.session())
    text = "echo one; echo two >&2; pwd; sleep 0.1; printf '%s\\n' \"$GREETING\""
    answer = await session.start([order(sh=text, env={"GREETING": "grüß dich"})])
    assert answer["accepted"] == [["j1", 1]]
    outcome = await house.desk.outcome("j1")
    fresh = house.home.tasks / "j1"
    assert isinstance(outcome, Done)
    assert outcome.result.text == f"one\n{fresh}\ngrüß dich"
    assert outcome.result.exit_code == 0
    await until(lambda: house.hub.text("j1") == house.log("j1"), "the stream of the whole log")
    assert sorted(house.log("j1").splitlines()) == sorted(["one", "two", str(fresh), "grüß dich"])
    kinds = [report.kind for report in house.desk.reports]
    assert kinds == [ReportKind.STARTED, ReportKind.OUTCOME]


async def test_events_tell_where_in_the_log_their_text_stands(
    house: House, born: Callable[[Session], Session]
) -> None:
    session = born(house.session())
    await session.start([order(sh="for i in 1 2 3; do echo ä$i; sleep 0.05; done")])
    await house.desk.outcome("j1")
    await until(lambda: house.hub.text("j1") == house.log("j1"))
    log = house.home.log_of("j1", 1).read_bytes()
    for event in house.hub.events:
        data = event["data"]
        text = data["text"].encode()
        assert log[data["offset"] : data["offset"] + len(text)] == text
        assert (event["seq"], event["kind"], data["epoch"]) == (0, "job.output", 1)


async def test_stdin_arrives_whole_and_json_on_stdout_becomes_data(
    house: House, born: Callable[[Session], Session]
) -> None:
    session = born(house.session())
    words = "x" * 300_000
    await session.start([order(run=["wc", "-c"], stdin=words)])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert (outcome.result.text, outcome.result.data) == ("300000", 300000)


async def test_cancelled_is_told_when_the_whole_tree_is_gone(
    house: House, born: Callable[[Session], Session]
) -> None:
    session, sleep = born(house.session()), f"sleep {mark()}"
    text = f"(setsid sh -c 'trap \"\" TERM; {sleep}; :' &) ; trap '' TERM; {sleep}; :"
    await session.start([order(sh=text)])
    await until(lambda: len(marked(sleep.split()[1])) >= 3)
    await session.stop("j1", 1, "cancel")
    assert await house.desk.outcome("j1") == Cancelled()
    assert marked(sleep.split()[1]) == []


async def test_a_stop_right_behind_the_start_finds_its_order(
    house: House, born: Callable[[Session], Session]
) -> None:
    session = born(house.session())
    for number in range(20):
        await session.start([order(f"k{number}", sh="sleep 60")])
        await session.stop(f"k{number}", 1, "cancel")
        assert await house.desk.outcome(f"k{number}") == Cancelled()


async def test_a_halt_grants_no_grace_even_to_what_has_one_already(
    tmp_path: Path, born: Callable[[Session], Session]
) -> None:
    house = House(tmp_path / "home", "[clocks]\nkill_grace_s = 3600\n")
    session = born(house.session())
    await session.start([order(sh="trap '' TERM; echo deaf; while :; do sleep 1; done")])
    await until(lambda: "deaf" in house.hub.text("j1"))
    await session.stop("j1", 1, "cancel")
    assert house.desk.outcomes("j1") == []
    await session.stop("j1", 1, "halt")
    assert await house.desk.outcome("j1") == Cancelled()


@pytest.mark.parametrize(
    ("limits", "jump_s", "sentence"),
    [
        ({"silence_s": 900.0}, 900, "It gave no sign of progress for 900 s."),
        ({"silence_s": 0.0, "total_s": 60.0}, 60, "It was not done after 60 s, its limit in all."),
    ],
)
async def test_a_stuck_command_is_ended_when_its_clock_runs_out(
    house: House,
    born: Callable[[Session], Session],
    limits: dict[str, float],
    jump_s: float,
    sentence: str,
) -> None:
    session = born(house.session())
    await session.start([order(sh="echo begun; exec sleep 600", **limits)])
    await house.desk.started("j1")
    await until(lambda: house.home.log_of("j1", 1).exists() and "begun" in house.log("j1"))
    house.clock.moved_s = jump_s - 30
    session.tick()
    assert (await session.status())["running"] == [["j1", 1]]
    house.clock.moved_s = jump_s + 1
    session.tick()
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.cause, outcome.failure.message) == (Cause.STUCK, sentence)
    assert outcome.result is not None
    assert outcome.result.text == "begun"


async def test_reports_are_sent_until_they_are_taken_and_then_no_more(
    house: House, born: Callable[[Session], Session]
) -> None:
    house.desk.failures = 5
    session = born(house.session())
    await session.start([order(sh="echo hi")])
    assert isinstance(await house.desk.outcome("j1"), Done)
    assert house.desk.calls >= 6
    assert [report.kind for report in house.desk.reports] == ["started", "outcome"]
    await until(lambda: session._core.idle)
    assert (await session.status())["unreported"] == []


async def test_the_next_order_runs_when_the_first_is_done(
    house: House, born: Callable[[Session], Session]
) -> None:
    session = born(house.session())
    text = "mkdir /tmp/$LOCK || exit 9; sleep 0.05; rmdir /tmp/$LOCK"
    env = {"LOCK": f"lock-{mark()}"}
    answer = await session.start([order(job, sh=text, env=env) for job in "abc"])
    assert answer["accepted"] == [["a", 1], ["b", 1]]
    assert answer["refused"] == [["c", 1, "full"]]
    for job in "ab":
        assert isinstance(await house.desk.outcome(job), Done)


async def test_a_retired_session_sends_its_orders_back_and_leaves_the_directory(
    house: House, tmp_path: Path, born: Callable[[Session], Session]
) -> None:
    first = born(house.session(directory=str(tmp_path)))
    await first.start([order("a", sh="sleep 60", cwd=str(tmp_path)), order("b", sh="true")])
    await house.desk.started("a")
    await first.retire()
    assert house.desk.outcomes("a") == [Drained()]
    assert house.desk.outcomes("b") == [Drained()]
    second = born(house.session("session/other-0", directory=str(tmp_path)))
    await until(second._ready.is_set)


async def test_two_sessions_never_live_in_one_directory(
    house: House, tmp_path: Path, born: Callable[[Session], Session]
) -> None:
    first = born(house.session(directory=str(tmp_path)))
    await until(first._ready.is_set)
    second = born(house.session("session/other-0", directory=str(tmp_path)))
    await until(lambda: "another session" in second._said)
    assert not (await second.health())["ready"]
    assert not (await second.status())["ready"]
    await first.close()
    await until(second._ready.is_set)


async def test_bad_settings_keep_a_session_waiting_and_not_dying(
    house: House, born: Callable[[Session], Session]
) -> None:
    house.home.config.write_text("[sessions]\nprefetch = -3\n")
    session = born(house.session())
    await until(lambda: "prefetch" in session._said)
    assert not (await session.health())["ready"]
    house.home.config.write_text(FAST)
    await until(session._ready.is_set)


async def test_a_session_sweeps_what_an_earlier_one_left(
    house: House, born: Callable[[Session], Session]
) -> None:
    session = born(house.session())
    await until(session._ready.is_set)
    sleep = mark()
    await session.start([order(sh=f"env HELIO_JOB= setsid sleep {sleep}", env={})])
    await until(lambda: marked(sleep))
    stray = await asyncio.create_subprocess_exec(
        "setsid", "sleep", sleep, env={"HELIO_SESSION": session._tag, "PATH": "/usr/bin:/bin"}
    )
    await session.close()
    assert stray.returncode is None
    again = born(house.session())
    await until(again._ready.is_set)
    assert await stray.wait() == -9
    assert marked(sleep) == []
