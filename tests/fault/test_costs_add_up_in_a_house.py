"""What models cost in a real house: counted once whoever dies, and held by budgets."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from time import gmtime
from typing import Any

import pytest

from tests.fault.house import eventually
from tests.fault.provided import IN_USD, Provided, price, provided

pytestmark = pytest.mark.fault
DAY_USD, EMERGENCY_USD = 1.0, 0.2
AT_ONCE = 20
USAGES = {"claude-middle": (1000, 100), "gpt-middle": (2000, 50), "gemini-middle": (500, 300)}
BY = ("project", "model", "day", "worker", "provider")


def settings(day_usd: float) -> str:
    """Give settings whose day has its noon now, so that no test meets a midnight."""
    hour = gmtime().tm_hour
    zone = f"Etc/GMT{'+' if hour > 12 else '-'}{abs(hour - 12)}"
    return (
        f'[house]\ntime_zone = "{zone}"\n'
        f"[budgets]\nday_usd = {day_usd}\nemergency_day_usd = {EMERGENCY_USD}\n"
    )


@pytest.fixture(scope="module")
def shop() -> Iterator[Provided]:
    with provided(settings(DAY_USD)) as shop:
        shop.register_keys()
        shop.provide("ant", "oai", "gem")
        yield shop


def calls_of(shop: Provided, jobs: list[str]) -> list[dict[str, Any]]:
    """Give all calls of these jobs, each of which must cost what its calls cost."""
    found = []
    for job in jobs:
        view = shop.house.call("GET", f"/v1/jobs/{job}")
        assert view["cost_usd"] == pytest.approx(sum(one["usd"] for one in view["calls"]))
        found += view["calls"]
    return found


def spend(shop: Provided, usd: float) -> None:
    """Let the owner pay for one call that costs this."""
    usage = {"input": round(usd / IN_USD * 1_000_000), "output": 0}
    shop.script({"text": "dear", "usage": usage})
    assert shop.answered("spend", model="claude-middle", lane="P2")["state"] == "succeeded"


def adds_up(shop: Provided, by: str, calls: list[dict[str, Any]]) -> None:
    """See that `helio cost` tells of these calls and of no others."""
    told = json.loads(shop.helio("cost", "--by", by, "--json").out)
    assert told["total"]["calls"] == len(calls)
    assert told["total"]["usd"] == pytest.approx(sum(one["usd"] for one in calls))
    sums: dict[str, float] = defaultdict(float)
    for one in calls:
        sums[str(one.get({"worker": "session"}.get(by, by)))] += one["usd"]
    if by != "day":
        assert {one["key"]: one["usd"] for one in told["items"]} == pytest.approx(sums)


def test_each_call_is_counted_once_although_router_and_dispatcher_are_killed(
    shop: Provided,
) -> None:
    for model, (tokens_in, tokens_out) in USAGES.items():
        usage = {"input": tokens_in, "output": tokens_out}
        shop.script({"usage": usage, "delay_s": 0.1}, times=0, model=model)
    models = list(USAGES)
    wanted = {"backend": "llm", "max_tokens": 200}  # a call that is lost counts as so many
    batch = [
        wanted | {"prompt": f"n {n}", "model": models[n % 3], "project": f"p{n % 2}"}
        for n in range(AT_ONCE)
    ]
    jobs = shop.house.call("POST", "/v1/jobs", {"jobs": batch})["ids"]
    eventually(lambda: len(shop.log(outcome="under way")) > 2, 20, "calls are under way")
    router = shop.house.kill("router")
    shop.house.await_another("router", router, 30)
    eventually(lambda: len(shop.log(outcome="under way")) > 2, 30, "calls are under way again")
    dispatcher = shop.house.kill("dispatcher")
    shop.house.await_another("dispatcher", dispatcher, 30)
    shop.house.await_ready()
    ended = [shop.at_rest(job, 60) for job in jobs]
    assert {one["state"] for one in ended} == {"succeeded"}

    calls = calls_of(shop, jobs)
    counted = [one for one in calls if one["fault"] != "lost"]
    assert len(counted) <= len(shop.log()) <= len(calls)  # what a dead router began may be unsent
    assert len({one["id"] for one in calls}) == len(calls)
    for one in counted:
        assert one["ok"], one
        assert one["usd"] == pytest.approx(price(USAGES[one["model"]]))
    assert len([one for one in counted if one["ok"]]) >= AT_ONCE
    for by in BY:
        adds_up(shop, by, calls)


def test_a_job_may_not_spend_more_than_it_was_given(shop: Provided) -> None:
    shop.forget()
    view = shop.answered("dear", model="claude-middle", budget_usd=0.0001)
    assert view["state"] == "failed"
    assert "budget" in view["error"]["remedy"], view["error"]
    assert shop.log() == []
    assert shop.answered("cheap", model="claude-middle", budget_usd=0.5)["state"] == "succeeded"


# The last one: what it spends stays spent for the day.
def test_a_day_steps_down_stops_and_spares_emergencies(shop: Provided) -> None:
    shop.forget()
    spent = shop.costs()["total"]["usd"]
    assert spent < 0.5 * DAY_USD
    spend(shop, 0.82 * DAY_USD - spent)
    stepped = shop.answered("lower", tier="mid")
    assert (stepped["state"], stepped["result"]["served"]["model"]) == ("succeeded", "claude-small")

    spend(shop, 0.2 * DAY_USD)
    asked = len(shop.log())
    waits = shop.ask("tomorrow", model="claude-middle")
    view = shop.house.await_job(waits, "delayed")
    assert view["reason"] == "budget"
    midnight = datetime.fromtimestamp(view["run_at"] / 1_000_000, UTC)
    assert (midnight.minute, midnight.second) == (0, 0)
    router = shop.house.kill("router")
    shop.house.await_another("router", router, 30)
    again = shop.ask("tomorrow too", model="claude-middle")
    shop.house.await_job(again, "delayed")
    assert len(shop.log()) == asked  # nobody was asked, also by a router that has just begun

    usage = {"input": round(EMERGENCY_USD / IN_USD * 1_000_000), "output": 0}
    shop.script({"text": "fire", "usage": usage})
    assert shop.answered("SOS", model="claude-middle", lane="P0")["state"] == "succeeded"
    refused = shop.ask("SOS again", model="claude-middle", lane="P0")
    assert shop.house.await_job(refused, "delayed")["reason"] == "budget"
    assert len(shop.log()) == asked + 1
    for job in (waits, again, refused):
        assert "budget" in shop.helio("job", "show", job).out

    told = shop.house.home.config.read_text().replace(f"day_usd = {DAY_USD}", "day_usd = 9.0", 1)
    shop.house.home.config.write_text(told)
    shop.house.kill("router")  # it reads its settings when it begins
    for job in (waits, again, refused):
        assert shop.at_rest(job, 40)["state"] == "succeeded"
