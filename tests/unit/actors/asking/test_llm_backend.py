"""The llm backend inside a whole session, against a gateway of paper."""

from __future__ import annotations

import asyncio

import pytest

from actors.session import Session
from engine.errors import Fenced
from engine.failures import Cause
from engine.messages import ReportKind
from engine.outcomes import Cancelled, Done, Drained, Failed, Lost
from tests.unit.actors.asking.conftest import question
from tests.unit.actors.asking.kit import Gateway, breaks, hangs_up, refuses, says
from tests.unit.actors.sessions.kit import House, order, until


async def failure(house: House, job: str = "j1") -> Failed:
    outcome = await house.desk.outcome(job)
    assert isinstance(outcome, Failed)
    return outcome


async def test_an_answer_streams_as_it_comes_and_tells_who_gave_it(
    house: House, session: Session, gateway: Gateway
) -> None:
    hold = asyncio.Event()
    gateway.scripts = [says("I am ", "a model.", hold=hold)]
    house.desk.answers["job.show"] = {
        "calls": [{"epoch": 1, "usd": 0.002}, {"epoch": 1, "usd": 0.001}, {"epoch": 0, "usd": 9.0}]
    }
    await session.start([order(**question())])
    await until(lambda: house.hub.text("j1") == "I am ", "the first words, live")
    assert house.desk.outcomes("j1") == []
    hold.set()
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    result = outcome.result
    assert (result.text, result.data, result.truncated) == ("I am a model.", None, False)
    assert house.log("j1") == "I am a model."
    assert result.served == {
        "model": "fake-mid",
        "served": "fake-mid-20260101",
        "provider": "paper",
        "asked": "mid",
        "substituted": False,
        "call": "c1",
        "usage": {"input_tokens": 7, "output_tokens": 3},
        "cost_usd": 0.003,
    }
    assert outcome.cost_usd == 0, "the ledger counts it, and nobody else"


async def test_the_key_stands_for_the_order_and_dies_with_it(
    house: House, session: Session, gateway: Gateway
) -> None:
    said = {"tier": "cheap", "floor": "cheap", "pin": True, "model": "m", "budget_usd": 0.5}
    await session.start([order(**question(**said), epoch=3, lane=1, project="site")])
    await house.desk.outcome("j1")
    incarnation = (await session.health())["incarnation"]
    (who,) = house.router.bound
    assert who == {
        "session": "session/pool-llm-0", "incarnation": incarnation, "job": "j1", "epoch": 3,
        "project": "site", "lane": 1, "backend": "llm", "tier": "cheap", "floor": "cheap",
        "budget_usd": 0.5, "pinned": True, "avoid": [], "project_usd": None,
    }  # fmt: skip
    assert (house.router.living, house.router.released) == ({}, 1)
    assert "hk-" not in house.log("j1", 3)


@pytest.mark.parametrize(
    ("said", "model"),
    [({"model": "m", "tier": "mid"}, "m"), ({"tier": "mid"}, "mid"), ({}, "auto")],
)
async def test_a_model_is_asked_for_by_name_by_tier_or_by_lane(
    house: House, session: Session, gateway: Gateway, said: dict[str, str], model: str
) -> None:
    more = {"system": "Be short.", "temperature": 0.0, "max_tokens": 99}
    await session.start([order(**question(**said, **more))])
    await house.desk.outcome("j1")
    (body,) = gateway.asked
    assert body == {
        "model": model,
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Who are you?"}],
        "stream": True,
        "system": "Be short.",
        "temperature": 0.0,
    }


async def test_many_orders_are_done_at_once_and_no_more_than_the_limit(
    house: House, session: Session, gateway: Gateway
) -> None:
    hold = asyncio.Event()
    gateway.scripts = [says("x", hold=hold)]
    answer = await session.start([order(**question(f"k{n}")) for n in range(10)])
    assert len(answer["accepted"]) == 9, "eight at once, and one in the mailbox"
    await until(lambda: gateway.under_way == 8)
    hold.set()
    for number in range(9):
        assert isinstance(await house.desk.outcome(f"k{number}"), Done)
    assert gateway.most == 8


@pytest.mark.parametrize(("why", "expected"), [("cancel", Cancelled()), ("drain", Drained())])
async def test_a_stop_ends_the_call_at_once_and_frees_the_key(
    house: House, session: Session, gateway: Gateway, why: str, expected: object
) -> None:
    gateway.scripts = [says("begun ", "never", hold=asyncio.Event())]
    await session.start([order(**question())])
    await until(lambda: "begun" in house.hub.text("j1"))
    await session.stop("j1", 1, why)
    assert await house.desk.outcome("j1") == expected
    await until(lambda: gateway.under_way == 0, "the end of the call at the gateway")
    assert house.router.living == {}


async def test_a_stop_while_the_router_is_away_waits_for_nobody(
    house: House, session: Session
) -> None:
    house.router.gate = asyncio.Event()
    await session.start([order(**question())])
    await session.stop("j1", 1, "cancel")
    assert await house.desk.outcome("j1") == Cancelled()


async def test_a_throttled_order_is_delayed_until_the_reset(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [says("begun ", "never", hold=asyncio.Event())]
    await session.start([order(**question())])
    await until(lambda: "begun" in house.hub.text("j1"))
    await session.throttle("j1", 1, 77, "All models are closed.")
    failed = (await failure(house)).failure
    assert (failed.cause, failed.retry_at) == (Cause.RATE_LIMIT, 77)
    assert failed.message == "All models are closed."


async def test_a_router_that_is_away_is_waited_for(
    house: House, session: Session, gateway: Gateway
) -> None:
    house.router.away = 2
    gateway.scripts = [hangs_up(), says("Back again.")]
    await session.start([order(**question())])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert outcome.result.text == "Back again."
    assert len(gateway.asked) == 2


async def test_a_gateway_that_stays_away_is_a_failure_that_is_tried_again(
    house: House, session: Session, gateway: Gateway
) -> None:
    await gateway.close()
    await session.start([order(**question())])
    await until(lambda: house.router.bound)
    house.clock.moved_s += 61
    failed = (await failure(house)).failure
    assert failed.cause is Cause.OTHER
    assert failed.treatment.retryable
    assert "does not answer" in failed.message


async def test_a_router_that_stays_away_is_a_failure_that_is_tried_again(
    house: House, session: Session
) -> None:
    house.router.away = 10_000
    await session.start([order(**question())])
    await until(lambda: house.router.away < 10_000)
    house.clock.moved_s += 61
    assert (await failure(house)).failure.cause is Cause.OTHER


async def test_whoever_was_fenced_gets_no_key_and_no_failure_of_the_job(
    house: House, session: Session
) -> None:
    house.router.refusal = Fenced("A newer attempt of job j1 is under way.")
    await session.start([order(**question())])
    outcome = await house.desk.outcome("j1")
    assert outcome == Lost(counts=False, message="A newer attempt of job j1 is under way.")


async def test_an_answer_that_is_cut_is_asked_for_once_more_and_never_spliced(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [breaks("half a ", fault="The provider broke."), says("The whole.")]
    await session.start([order(**question())])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert outcome.result.text == "The whole."
    assert house.log("j1") == "half a \n[The provider broke. It is asked again.]\nThe whole."


@pytest.mark.parametrize("fault", ["The provider broke.", ""])
async def test_an_answer_that_is_cut_twice_is_a_failure_that_is_tried_later(
    house: House, session: Session, gateway: Gateway, fault: str
) -> None:
    gateway.scripts = [breaks("half", fault=fault)]
    await session.start([order(**question())])
    failed = (await failure(house)).failure
    assert failed.cause is Cause.OTHER
    assert len(gateway.asked) == 2


async def test_a_refusal_tells_until_when_and_is_not_asked_again(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [refuses(429, "All models are closed.", retry_after="30")]
    before = house.clock.now()
    await session.start([order(**question())])
    failed = (await failure(house)).failure
    assert failed.cause is Cause.RATE_LIMIT
    assert 30 <= (failed.retry_at - before) / 1_000_000 < 60
    assert len(gateway.asked) == 1


async def test_a_halted_house_sends_the_job_back_uncounted(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [refuses(503, "Heliograph is halted.", x_helio_error="halted")]
    await session.start([order(**question())])
    assert await house.desk.outcome("j1") == Drained()


async def test_a_model_that_declines_is_not_asked_again(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [says("I will not.", stop="refusal")]
    await session.start([order(**question())])
    failed = (await failure(house)).failure
    assert (failed.cause, failed.treatment.retryable) == (Cause.TOOL, False)
    assert "fake-mid declines" in failed.message


async def test_an_answer_that_was_cut_at_its_longest_says_so(
    house: House, session: Session, gateway: Gateway
) -> None:
    gateway.scripts = [says("And so on", stop="max_tokens")]
    await session.start([order(**question())])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, Done)
    assert (outcome.result.text, outcome.result.truncated) == ("And so on", True)


async def test_no_process_is_started_for_it(house: House, session: Session) -> None:
    await session.start([order(**question())])
    await house.desk.outcome("j1")
    assert [report.kind for report in house.desk.reports] == [ReportKind.OUTCOME]
    assert session._place.keepers._warm is None
    assert not (house.home.tasks / "j1").exists()
