"""The router in one process: its words, its keys, its halts, and what outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import aiohttp
import pytest

from engine.errors import BadInput, Fenced, NotFound
from tests.fake_provider.fixtures import fake_provider, fake_provider_url  # noqa: F401
from tests.unit.actors.routing.kit import TOKEN, House, chat, messages, new_key, ok, until, who


@pytest.fixture
async def house(tmp_path):
    made = House(tmp_path / "home")
    yield made
    await made.close()


@pytest.fixture
async def provided(house, fake_provider):  # noqa: F811
    house.provide({"name": "one", "url": fake_provider.at("one")})
    return house


async def list_of(router):
    return ok(await router.query("model.list", {}))


async def state_of(router, slot="one/ONE_KEY/tiny-1"):
    shown = (await list_of(router))["candidates"]
    return next(one["state"] for one in shown if one["slot"] == slot)


# -- words ----------------------------------------------------------------------------------------
async def test_a_house_without_providers_has_a_router_that_says_so(house):
    router = await house.ready()
    listed = await list_of(router)
    assert (listed["candidates"], listed["problem"], listed["halted"]) == ([], None, False)
    status, body, headers = await chat(router)
    assert status == 503
    assert headers["x-should-retry"] == "false"
    assert "models.toml" in str(body) or "helio model" in str(body)


async def test_the_address_is_told_and_written_down(house):
    router = await house.ready()
    where = ok(await router.query("gateway.where", {}))
    assert where["url"].startswith("http://127.0.0.1:")
    assert house.home.gateway.stat().st_mode & 0o777 == 0o600
    assert where["url"] in house.home.gateway.read_text()
    health = await router.health()
    assert health["url"] == where["url"]


async def test_a_call_is_answered_recorded_and_shipped(provided):
    router = await provided.ready()
    status, body, headers = await chat(router, text="ahoy")
    assert status == 200
    assert body["choices"][0]["message"]["content"] == "echo: ahoy"
    assert headers["x-helio-provider"] == "one"
    call = (await until(lambda: _given(provided.desk.calls), "the shipped call"))[0]
    assert (call["provider"], call["ok"], call["project"]) == ("one", True, "default")
    assert call["usd"] > 0


async def _given(value):
    return value


async def test_a_name_is_shown_tripped_and_reset(provided):
    router = await provided.ready()
    assert len(ok(await router.query("model.show", {"name": "tiny"}))["candidates"]) == 1
    with pytest.raises(NotFound, match="nobody"):
        ok(await router.query("model.show", {"name": "nobody"}))
    with pytest.raises(NotFound):
        ok(await router.command("model.trip", {"name": "nobody"}))
    with pytest.raises(BadInput, match="for_s"):
        ok(await router.command("model.trip", {"name": "one", "for_s": -1}))
    with pytest.raises(BadInput, match="no query"):
        ok(await router.query("model.guess", {}))
    assert ok(await router.command("model.trip", {"name": "one"}))["matched"]
    assert await state_of(router) == "closed"
    ok(await router.command("model.reset", {"name": "one"}))
    assert await state_of(router) == "open"
    await until(lambda: _opened_by_hand(provided, "provider:one"), "the notice")


async def _opened_by_hand(house, slot):
    return any((one["slot"], one.get("by")) == (slot, "owner") for one in house.desk.notices)


async def test_other_budgets_are_told_so_that_what_waits_for_money_may_go_on(provided):
    first = await provided.ready()
    await first.close()
    second = await provided.ready()
    await second.close()
    assert not await _opened_by_hand(provided, "budgets")
    provided.home.config.write_text("[budgets]\nday_usd = 7\n")
    await provided.ready()
    await until(lambda: _opened_by_hand(provided, "budgets"), "the notice")


async def test_models_are_tried_out_by_name(provided, fake_provider):  # noqa: F811
    router = await provided.ready()
    (tried,) = ok(await router.command("model.test", {"name": "one"}))["tries"]
    assert (tried["ok"], tried["slot"]) == (True, "one/ONE_KEY/tiny-1")
    await fake_provider.fault({"status": 401}, door="one")
    (tried,) = ok(await router.command("model.test", {"name": "tiny"}))["tries"]
    assert (tried["ok"], tried["fault"], tried["status"]) == (False, "auth", 401)
    (provided.home.secrets / "ONE_KEY").unlink()
    await until(lambda: _is(router, "no_key"), "the missing key")
    (tried,) = ok(await router.command("model.test", {"name": "one"}))["tries"]
    assert "ONE_KEY is not there" in tried["message"]


async def _is(router, state):
    return await state_of(router) == state


async def test_an_edited_file_is_taken_over_and_a_bad_one_is_shown(provided):
    router = await provided.ready()
    provided.home.models.write_text("nonsense = = 1")
    reloaded = ok(await router.command("model.reload", {}))
    assert (reloaded["changed"], "TOML" in reloaded["problem"]["detail"]) == (False, True)
    assert (await list_of(router))["problem"]
    assert (await chat(router))[0] == 200, "the last good one is in force"
    provided.home.models.write_text("")
    await until(lambda: _empty(router), "the empty catalogue")
    await until(lambda: _opened_by_hand(provided, "catalogue"), "the notice")


async def _empty(router):
    return not (await list_of(router))["candidates"]


# -- keys -----------------------------------------------------------------------------------------
async def test_a_bound_key_calls_on_behalf_of_its_job_and_dies_with_it(provided):
    router = await provided.ready()
    key = new_key()
    assert (await chat(router, key))[0] == 401
    assert ok(await router.bind(key, who()))["url"]
    assert (await chat(router, key))[0] == 200
    ok(await router.release(key))
    assert [call["job"] for call in provided.desk.calls] == ["j1"], "taken before release answers"
    assert (await chat(router, key))[0] == 401
    ok(await router.release(key))


async def test_a_key_lives_over_a_restart_and_a_fenced_one_stays_dead(provided):
    router = await provided.ready()
    old, new = new_key(), new_key()
    ok(await router.bind(old, who(incarnation="i1")))
    ok(await router.bind(new, who(incarnation="i2", epoch=2)))
    await router.close()
    router = await provided.ready()
    assert (await chat(router, old))[0] == 401
    assert (await chat(router, new))[0] == 200
    with pytest.raises(Fenced):
        ok(await router.bind(new_key(), who(incarnation="i1", job="another")))


async def test_the_calls_of_a_superseded_incarnation_end(provided, fake_provider):  # noqa: F811
    router = await provided.ready()
    await fake_provider.fault({"hang": "head"}, door="one")
    old = new_key()
    ok(await router.bind(old, who(incarnation="i1")))
    hanging = asyncio.create_task(chat(router, old))
    await fake_provider.until(lambda seen: len(seen) == 1, door="one")
    ok(await router.bind(new_key(), who(incarnation="i2", epoch=2)))
    assert (await hanging)[0] == 401
    assert (await router.health())["under_way"] == 0


async def test_a_release_says_when_the_dispatcher_is_away_and_the_key_is_dead_all_the_same(
    provided, monkeypatch
):
    monkeypatch.setattr("actors.routing.office._SHIP_S", 0.2)
    router = await provided.ready()
    key = new_key()
    ok(await router.bind(key, who()))
    assert (await chat(router, key))[0] == 200
    provided.desk.down = True
    ok_or_not = await router.release(key)
    assert "problem" in ok_or_not or provided.desk.calls
    assert (await chat(router, key))[0] == 401
    provided.desk.down = False
    await until(lambda: _given(provided.desk.calls), "the shipped call")
    assert len(provided.desk.calls) == 1


# -- halt -----------------------------------------------------------------------------------------
async def test_a_halt_cuts_what_is_under_way_and_refuses_the_rest_until_resumed(
    provided,
    fake_provider,  # noqa: F811
):
    router = await provided.ready()
    url = ok(await router.query("gateway.where", {}))["url"]
    await fake_provider.answer({"text": "a b c d e f", "chunks": 60, "delay_s": 0.5}, door="one")
    body = {"model": "tiny", "messages": messages("hi"), "stream": True}
    async with (
        aiohttp.ClientSession(headers={"x-api-key": TOKEN}) as client,
        client.post(f"{url}/v1/chat/completions", json=body) as stream,
    ):
        assert await stream.content.readany()
        provided.desk.halted_at = 1
        ok(await router.command("house.halt", {"by": "me"}))
        rest = b""
        with contextlib.suppress(aiohttp.ClientError):
            rest = await asyncio.wait_for(stream.content.read(), 5)
        assert b"[DONE]" not in rest
    status, _, headers = await chat(router)
    assert (status, headers["x-should-retry"]) == (503, "false")
    await router.close()
    provided.desk.down = True  # nobody can tell it
    router = await provided.ready()
    assert (await chat(router))[0] == 503, "a halt outlives the router"
    provided.desk.down, provided.desk.halted_at = False, 0
    ok(await router.command("house.resume", {}))
    assert (await chat(router))[0] == 200
    assert len(await fake_provider.log(door="one")) == 2


async def test_an_order_that_no_dispatcher_has_taken_halts_as_well(provided):
    router = await provided.ready()
    provided.desk.down = True
    provided.home.halted.write_text("{}")
    await until(lambda: _halted(router), "the halt")
    assert (await chat(router))[0] == 503


async def _halted(router):
    return (await router.health())["halted"]


async def test_a_halt_that_the_router_was_not_told_is_learned_from_the_store(provided, monkeypatch):
    monkeypatch.setattr("actors.router._AGREE_EVERY_S", 0.02)
    router = await provided.ready()
    provided.desk.halted_at = 5
    await until(lambda: _halted(router), "the halt")
    provided.desk.halted_at = 0
    await until(lambda: _not_halted(router), "the end of the halt")


async def _not_halted(router):
    return not await _halted(router)


# -- restarts -------------------------------------------------------------------------------------
async def test_a_closed_provider_is_not_asked_after_a_restart_before_its_reset(
    provided,
    fake_provider,  # noqa: F811
):
    router = await provided.ready()
    throttled = {"status": 429, "style": "retry-after", "reset_s": 60}
    await fake_provider.fault(throttled, door="one", times=0)
    assert (await chat(router))[0] == 429
    for _ in range(3):
        await router.close()
        router = await provided.ready()
        status, _, headers = await chat(router)
        assert (status, headers["x-should-retry"]) == (429, "false")
        assert 30 <= int(headers["retry-after"]) <= 90
    assert len(await fake_provider.log(door="one")) == 1
    await fake_provider.unscript()
    provided.clock.moved_us += 90_000_000
    assert (await chat(router))[0] == 200


async def test_a_session_is_told_that_all_is_closed(provided, fake_provider):  # noqa: F811
    router = await provided.ready()
    throttled = {"status": 429, "style": "retry-after", "reset_s": 60}
    await fake_provider.fault(throttled, door="one", times=0)
    key = new_key()
    ok(await router.bind(key, who()))
    await chat(router, key)
    await chat(router, key)
    told = await until(lambda: _given(provided.sessions.throttled), "the word to the session")
    assert [one[:3] for one in told] == [("session/web", "j1", 1)]
    assert told[0][3] > provided.clock.now()


async def test_the_gateway_comes_back_at_the_same_port_and_finds_another_if_it_is_taken(house):
    first = ok(await (await house.ready()).query("gateway.where", {}))["url"]
    await house.living[-1].close()
    second = ok(await (await house.ready()).query("gateway.where", {}))["url"]
    assert first == second
    await house.living[-1].close()
    with socket.create_server(("127.0.0.1", int(first.rpartition(":")[2]))):
        third = ok(await (await house.ready()).query("gateway.where", {}))["url"]
    assert third != first


async def test_a_port_that_the_owner_named_is_taken_or_the_problem_is_told(house):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        house.home.config.write_text(f"[models]\nport = {port}\n")
        router = house.router()
        health = await until(lambda: _troubled(router), "the problem")
        assert str(port) in health["problem"]["detail"]
        assert "port-busy" in health["problem"]["type"]
    await until(lambda: _is_well(router), "a router that is well again")


async def _troubled(router):
    health = await router.health()
    return health if health["problem"] else None


async def _is_well(router):
    health = await router.health()
    return health["ready"] and health["problem"] is None


async def test_a_damaged_ledger_is_told_with_its_remedy_and_a_new_one_is_taken(house):
    house.home.router_ledger.write_bytes(b"no ledger at all, but enough bytes to be one" * 99)
    router = house.router()
    health = await until(lambda: _troubled(router), "the problem")
    assert "damaged-ledger" in health["problem"]["type"]
    assert "router.db" in health["problem"]["remedy"]
    assert not health["ready"]
    house.home.router_ledger.unlink()
    await until(lambda: _is_well(router), "a router that is well again")


async def test_after_a_fault_of_its_ledger_the_router_opens_anew_from_what_is_durable(provided):
    router = await provided.ready()
    key = new_key()
    ok(await router.bind(key, who()))
    ledger = router._office.ledger
    ledger._file.execute("PRAGMA query_only = ON")  # every write fails from now on
    status, _, _ = await chat(router, key)
    assert status >= 500, "nobody is called when the reservation cannot be written"
    await until(lambda: _reopened(router, ledger), "another ledger")
    assert (await chat(router, key))[0] == 200


async def _reopened(router, before):
    office = router._office
    return office is not None and office.ledger is not before and (await router.health())["ready"]


async def test_a_refused_key_is_tried_again_when_its_value_is_another(provided, fake_provider):  # noqa: F811
    secret = provided.home.secrets / "ONE_KEY"
    secret.write_text("bad-one")
    router = await provided.ready()
    await chat(router)
    assert await state_of(router) == "closed"
    secret.write_text("a-good-one-instead")
    await until(lambda: state_is_open(router))


async def state_is_open(router):
    return await state_of(router) == "open"
