"""A session is told once that all is closed, and again only if it did not hear it."""

from __future__ import annotations

import asyncio

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

    async def throttle(self, job, epoch, until, why):
        if self.away:
            raise Unavailable("The session is away.")
        self.heard.append((self.name, job, epoch, until, why))


@pytest.fixture
async def made():
    sessions = Sessions()
    throttling = Throttling(sessions.find)
    yield sessions, throttling
    await throttling.close()


async def turn():
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_session_is_told_once_about_one_end_of_the_wait(made):
    sessions, throttling = made
    for _ in range(5):
        throttling.refused(WHO, closed())
        await turn()
    assert sessions.heard == [("session/web", "j1", 2, 500, "Every model is closed.")]
    throttling.refused(WHO, closed(until=900))
    await turn()
    assert [heard[3] for heard in sessions.heard] == [500, 900]


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
        (WHO, closed(kind=RefusalKind.BUDGET)),
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
