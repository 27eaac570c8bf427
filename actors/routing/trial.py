"""`helio model test`: one short call to one candidate, through the same door as every other.

The core decides, reserves and learns from it as from any call; only the choice is made already.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from actors.routing.office import OWNER, Office
from engine.errors import HelioError
from routing.conversation import Ask, Message, Role, Text
from routing.faults import Fault, FaultKind
from routing.models import Slot, Tier
from routing.ports import Call, Timeouts, Whole
from routing.requests import Grant, Refusal, Spent, Wanted

_QUESTION = "Answer with the one word: ready"
_INPUT_TOKENS = 12
_MAX_TOKENS = 64  # enough for a model that thinks a little first
_US = 1_000_000
_NO_ANSWERS = frozenset({Tier.EMBED, Tier.AUDIO})


async def try_out(office: Office, slot: str) -> dict[str, Any]:
    """Call one candidate; gives how it went, never raises for what the provider does.

    Raises:
        StoreFull, HouseFault: the ledger did not take it, so nobody was called.
    """
    told: dict[str, Any] = {"slot": slot, "ok": False}
    with office.under_way(OWNER):
        decided = office.core.decide(_wanted(slot), office.clock.now())
        await office.durable()
        if isinstance(decided, Refusal):
            return told | {"message": decided.message, "until": decided.until}
        if decided.candidate.deployment.tier in _NO_ANSWERS:
            spent = Spent(ok=False, fault="cancelled")
            office.core.settle(decided, spent, office.clock.now())
            return told | {"message": "Only models that answer in words can be tested."}
        return told | await _call(office, decided)


def _wanted(slot: str) -> Wanted:
    provider, key, model = slot.split("/", 2)
    return Wanted(
        id=f"test-{uuid4().hex[:12]}",
        asked="",
        who=OWNER,
        input_tokens=_INPUT_TOKENS,
        max_tokens=_MAX_TOKENS,
        only=Slot(provider, key, model),
    )


async def _call(office: Office, grant: Grant) -> dict[str, Any]:
    spent = Spent(ok=False, fault="cancelled")
    message = "It was interrupted."
    began = office.clock.monotonic()
    try:
        whole = await _carried(office, grant)
        office.core.head(grant, whole.headers, office.clock.now())
        spent = _success(whole, round((office.clock.monotonic() - began) * _US))
        message = f"{whole.answer.model or grant.candidate.deployment.id} answered."
    except Fault as fault:
        spent = Spent(
            ok=False,
            fault=str(fault.kind),
            status=fault.status,
            headers=fault.headers,
            body=fault.body,
            took_us=round((office.clock.monotonic() - began) * _US),
        )
        message = fault.message
    except HelioError as missing:
        message = missing.detail
    finally:
        call = office.core.settle(grant, spent, office.clock.now())
    await office.durable()
    shown = ("ok", "fault", "status", "served", "usd", "took_us", "input", "output")
    return {name: call.get(name) for name in shown} | {"message": message}


async def _carried(office: Office, grant: Grant) -> Whole:
    candidate = grant.candidate
    provider = office.catalogue.providers[candidate.deployment.provider]
    numbers = office.settings.models
    call = Call(
        grant=grant.id,
        provider=provider,
        candidate=candidate,
        secret=office.secret(candidate),
        ask=Ask(
            model=candidate.deployment.id,
            messages=(Message(Role.USER, (Text(_QUESTION),)),),
            max_tokens=_MAX_TOKENS,
        ),
        timeouts=Timeouts(
            connect_s=numbers.connect_s,
            first_byte_s=numbers.first_byte_s,
            idle_s=numbers.idle_s,
        ),
    )
    try:
        async with asyncio.timeout(numbers.first_byte_s):
            return await office.carrier(provider).whole(call)
    except TimeoutError as late:
        why = f"no answer within {numbers.first_byte_s:g} s"
        raise Fault(FaultKind.TIMEOUT, why) from late


def _success(whole: Whole, took_us: int) -> Spent:
    usage = whole.answer.usage
    if usage is None:
        return Spent(ok=True, served=whole.answer.model, headers=whole.headers, took_us=took_us)
    return Spent(
        ok=True,
        usage_known=True,
        input=usage.input,
        output=usage.output,
        cache_read=usage.cache_read,
        cache_write=usage.cache_write,
        reasoning=usage.reasoning,
        served=whole.answer.model,
        headers=whole.headers,
        first_byte_us=took_us,
        took_us=took_us,
    )
