"""Commands that reach models: a key of their own, and a stop when nobody may answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from actors.secrecy import HouseSecrets
from actors.session import Session
from engine.failures import Cause
from engine.outcomes import Cancelled, Done, Drained, Failed
from tests.unit.actors.sessions.kit import House, order, until

URL = "http://127.0.0.1:1"
SHOW = 'printf "%s\\n" "$ANTHROPIC_BASE_URL" "$OPENAI_BASE_URL" "$GOOGLE_GEMINI_BASE_URL"'
ALIKE = 'test "$ANTHROPIC_API_KEY$OPENAI_API_KEY" = "$GEMINI_API_KEY$HELIOGRAPH_MODELS_KEY"'


@pytest.fixture
async def session(house: House) -> AsyncIterator[Session]:
    """A session that runs commands."""
    made = house.session()
    yield made
    await made.close()


async def test_a_command_finds_the_gateway_and_its_key_in_its_environment(
    house: House, session: Session
) -> None:
    text = f'{SHOW}; {ALIKE} || exit 3; test "$HELIOGRAPH_MODELS_URL" = {URL} || exit 4'
    await session.start([order(sh=text, models=True, tier="cheap", budget_usd=2.0)])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert outcome.result.text == f"{URL}\n{URL}/v1\n{URL}"
    (who,) = house.router.bound
    assert (who["job"], who["backend"], who["tier"], who["budget_usd"]) == (
        "j1", "shell", "cheap", 2.0,
    )  # fmt: skip
    assert (house.router.living, house.router.released) == ({}, 1)


async def test_the_key_lives_while_the_command_runs_and_never_after(
    house: House, session: Session
) -> None:
    await session.start([order(sh="echo begun; sleep 60", models=True)])
    await until(lambda: "begun" in house.hub.text("j1"))
    assert len(house.router.living) == 1
    await session.stop("j1", 1, "cancel")
    assert await house.desk.outcome("j1") == Cancelled()
    assert house.router.living == {}


async def test_the_jobs_own_variables_win(house: House, session: Session) -> None:
    env = {"ANTHROPIC_BASE_URL": "http://mine"}
    await session.start([order(sh='printf "$ANTHROPIC_BASE_URL"', models=True, env=env)])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert outcome.result.text == "http://mine"


async def test_a_command_that_asked_for_none_gets_none(house: House, session: Session) -> None:
    await session.start([order(sh="env | grep -c API_KEY || true")])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert (outcome.result.text, house.router.bound) == ("0", [])


async def test_a_command_whose_models_are_all_closed_is_interrupted_and_delayed(
    house: House, session: Session
) -> None:
    await session.start([order(sh="echo begun; sleep 60", models=True)])
    await until(lambda: "begun" in house.hub.text("j1"))
    await session.throttle("j1", 1, 77, "")
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Failed)
    assert (outcome.failure.cause, outcome.failure.retry_at) == (Cause.RATE_LIMIT, 77)
    assert outcome.failure.message == "Every model that may answer it is closed."
    assert outcome.result is not None
    assert outcome.result.text == "begun"


@pytest.mark.parametrize(("ends", "expected"), [("exit 1", Drained), ("exit 0", Done)])
async def test_a_command_whose_calls_a_halt_has_cut_goes_on_when_the_house_does(
    house: House, session: Session, ends: str, expected: type
) -> None:
    house.router.halted = True
    await session.start([order(sh=ends, models=True)])
    assert isinstance(await house.desk.outcome("j1"), expected)


async def test_a_command_can_be_stopped_before_it_has_its_key(
    house: House, session: Session
) -> None:
    house.router.gate = asyncio.Event()
    await session.start([order(sh="echo never", models=True)])
    await until(lambda: session._works)
    await session.stop("j1", 1, "cancel")
    assert await house.desk.outcome("j1") == Cancelled()
    assert house.hub.text("j1") == ""


async def test_a_key_that_a_command_prints_is_hidden(house: House) -> None:
    house.book = HouseSecrets(house.home)
    session = house.session()
    await session.start([order(sh='echo "key: $OPENAI_API_KEY."', models=True)])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert outcome.result.text == "key: [redacted]."
    assert "hk-" not in house.log("j1")
    await session.close()
