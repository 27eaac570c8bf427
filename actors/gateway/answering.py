"""A whole answer, told in the client's dialect, with its cost in a header."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from actors.gateway.attempts import Attempts
from actors.gateway.carrying import Carrying, WholeOutcome
from actors.gateway.errands import Errands
from actors.gateway.headers import of_grant, returned, safe
from actors.gateway.intake import Intake
from actors.gateway.office import GatewayOffice
from routing.translate.dialects import DIALECTS


async def answer(
    office: GatewayOffice, errands: Errands, intake: Intake, request_id: str
) -> web.Response:
    """Answer a request whole.

    Raises:
        BadInput: the request is not what its dialect promises.
        GaveUp: nobody answered.
    """
    carrying = Carrying(office, intake)
    attempts = Attempts(office, errands, intake.wanted(request_id), carrying.whole)
    outcome = await attempts.run()
    try:
        body = _body(intake, outcome)
    except BaseException:
        outcome.trial.abandon()
        raise
    finally:
        errands.run(office.durable())
    record = outcome.trial.won()
    headers = attempts.headers() | of_grant(outcome.trial.grant) | of_record(record)
    if outcome.relayed:
        headers = returned(outcome.whole.headers) | headers
    headers.setdefault("content-type", "application/json")
    return web.Response(body=body, headers=headers)


def of_record(record: Mapping[str, Any]) -> dict[str, str]:
    """Give the headers that only a settled call has: who served it, and the cost."""
    told = {"x-helio-cost-usd": f"{record.get('usd', 0.0):.8f}".rstrip("0").rstrip(".")}
    served = str(record.get("served", ""))
    return told | {"x-helio-served-model": safe(served)} if served else told


def _body(intake: Intake, outcome: WholeOutcome) -> bytes:
    if outcome.relayed:
        return outcome.whole.raw
    told = DIALECTS[intake.dialect].write_answer(outcome.whole.answer, intake.ask)
    return json.dumps(told, separators=(",", ":")).encode()
