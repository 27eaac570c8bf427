"""A session is told once that all is closed, and again only if it did not hear it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actors.routing.throttling import Throttling
from engine.errors import Unavailable
from routing.requests import Refusal, RefusalKind, Who

WHO = Who(session="session/web", incarnation="i1", job="j1", epoch=2)


def closed(until=500, kind=RefusalKind.CLOSED):
    return Refusal(kind=kind, message="Every model is closed.", until=until)


class Sessions:
    def __init__(self):
        self.heard = []
        self.away = False

    def find(self, name):
        self.name = name
        return self

    async def throttle(self, job, epoch, until, why, cause):
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("The session is away.")
        self.heard.append((self.name, job, epoch, until, why, cause))


class Clock:
    def __init__(self):
        self.at = 100

    def now(self):
        return self.at

    def monotonic(self):
        return 0.0


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def made(clock):
    sessions = Sessions()
    throttling = Throttling(sessions.find, clock)
    yield sessions, throttling
    await throttling.close()


async def turn():
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_session_is_told_once_about_one_wait_and_again_about_the_next(made, clock):
    sessions, throttling = made
    for n in range(5):  # not all shall come back at one instant, so the ends differ
        throttling.refused(WHO, closed(until=500 + n))
        await turn()
    assert sessions.heard == [("session/web", "j1", 2, 500, "Every model is closed.", "rate_limit")]
    clock.at = 501
    throttling.refused(WHO, closed(until=900))
    await turn()
    assert [heard[3] for heard in sessions.heard] == [500, 900]


async def test_another_attempt_of_the_job_is_told_by_itself(made):
    sessions, throttling = made
    throttling.refused(WHO, closed())
    throttling.refused(replace(WHO, epoch=3), closed())
    await turn()
    assert [heard[2] for heard in sessions.heard] == [2, 3]


async def test_one_that_was_away_is_told_at_its_next_refusal(made):
    sessions, throttling = made
    sessions.away = True
    throttling.refused(WHO, closed())
    await turn()
    sessions.away = False
    throttling.refused(WHO, closed())
    await turn()
    assert len(sessions.heard) == 1


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (WHO, closed(kind=RefusalKind.UNFIT)),
        (WHO, closed(until=0, kind=RefusalKind.BUDGET)),
        (WHO, closed(until=0)),
        (Who(), closed()),
        (Who(session="session/web"), closed()),
    ],
)
async def test_nobody_is_told_what_does_not_concern_a_job_or_has_no_end(made, who, refusal):
    sessions, throttling = made
    throttling.refused(who, refusal)
    await turn()
    assert sessions.heard == []


async def test_a_budget_that_renews_is_waited_for_as_a_reset_is(made):
    sessions, throttling = made
    throttling.refused(WHO, closed(kind=RefusalKind.BUDGET))
    await turn()
    assert sessions.heard[0][-1] == "budget"


async def test_whoever_ends_an_attempt_waits_until_its_session_has_heard(made):
    sessions, throttling = made
    throttling.refused(WHO, closed())
    assert sessions.heard == []
    await throttling.heard(WHO, 5)
    assert len(sessions.heard) == 1
    await throttling.heard(replace(WHO, job="j9"), 5)  # about whom nothing is being told
