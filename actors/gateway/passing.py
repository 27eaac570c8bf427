"""Embeddings and transcriptions: chosen by the waterfall, then passed on to a provider as they are.

An embedding never falls to another model: its vectors would lie in another space (the waterfall
sees to that). A transcription's form keeps all its bytes except the model's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from aiohttp import web

from actors.gateway.answering import of_record
from actors.gateway.attempts import Attempts
from actors.gateway.carrying import WholeOutcome, provider_of, secret_of, timeouts
from actors.gateway.errands import Errands
from actors.gateway.headers import of_grant, returned
from actors.gateway.intake import purpose_wanted, read_json
from actors.gateway.multipart import find_model
from actors.gateway.office import GatewayOffice
from actors.gateway.trial import Trial
from actors.transports.byte_edits import EditFailed, with_model
from actors.transports.passage import Passage, understood
from engine.errors import BadInput
from routing.conversation import Ask
from routing.faults import Fault, FaultKind
from routing.ports import Call, Whole
from routing.requests import Grant, Purpose, Wanted, Who


@runtime_checkable
class Embedder(Protocol):
    """A transport that makes embeddings its own way."""

    async def embed(self, call: Call) -> Whole:
        """Pass on a request for embeddings, `call.raw`.

        Raises:
            Fault: it failed.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One request to be passed on; `named` gives its bytes with another model's name."""

    who: Who
    purpose: Purpose
    path: str
    asked: str
    named: Callable[[str], bytes]
    size: int
    headers: Mapping[str, str] = field(default_factory=dict)


def embeddings(who: Who, path: str, raw: bytes) -> Parcel:
    """Read a request for embeddings.

    Raises:
        BadInput: it is no JSON object, or names its model in no way that can be replaced.
    """
    model = read_json(raw).get("model", "")

    def named(other: str) -> bytes:
        try:
            return with_model(raw, other)
        except EditFailed as error:
            raise Fault(FaultKind.REFUSED, str(error), status=400) from error

    if not isinstance(model, str) or not model:
        raise BadInput("The request names no model.", remedy="Say which: model is a text.")
    return Parcel(
        who=who, purpose=Purpose.EMBED, path=path, asked=model, named=named, size=len(raw)
    )


def transcription(who: Who, path: str, raw: bytes, content_type: str) -> Parcel:
    """Read a request for a transcription.

    Raises:
        BadInput: it is no form, or names no model.
    """
    begin, end = find_model(raw, content_type)
    return Parcel(
        who=who,
        purpose=Purpose.TRANSCRIBE,
        path=path,
        asked=raw[begin:end].decode(errors="replace").strip(),
        named=lambda other: raw[:begin] + other.encode() + raw[end:],
        size=0,
        headers={"content-type": content_type},
    )


class Passing:
    """Passes parcels on."""

    def __init__(self, office: GatewayOffice, errands: Errands, passage: Passage) -> None:
        self._office = office
        self._errands = errands
        self._passage = passage

    async def answer(self, parcel: Parcel, request_id: str) -> web.Response:
        """Get a parcel's answer, from whoever can give it.

        Raises:
            GaveUp: nobody did.
        """
        attempts = Attempts(
            self._office, self._errands, _wanted(parcel, request_id), self._maker(parcel)
        )
        outcome = await attempts.run()
        record = outcome.trial.won()
        self._errands.run(self._office.durable())
        headers = returned(outcome.whole.headers) | attempts.headers()
        headers |= of_grant(outcome.trial.grant) | of_record(record)
        headers.setdefault("content-type", "application/json")
        return web.Response(body=outcome.whole.raw, headers=headers)

    def _maker(self, parcel: Parcel) -> Callable[[Trial], Awaitable[WholeOutcome]]:
        async def make(trial: Trial) -> WholeOutcome:
            call = self._call(parcel, trial.grant)
            carrier = self._office.carrier(call.provider)
            if parcel.purpose is Purpose.EMBED and isinstance(carrier, Embedder):
                whole = await carrier.embed(call)
            else:
                whole = await self._passage.send(call)
            told = understood(whole.raw)
            trial.learn(whole.headers, told.model, told.usage)
            return WholeOutcome(trial, whole, relayed=True)

        return make

    def _call(self, parcel: Parcel, grant: Grant) -> Call:
        candidate = grant.candidate
        return Call(
            grant=grant.id,
            provider=provider_of(self._office, grant),
            candidate=candidate,
            secret=secret_of(self._office, grant),
            ask=Ask(model=candidate.deployment.id, messages=()),
            path=parcel.path,
            raw=parcel.named(candidate.deployment.id),
            raw_headers=parcel.headers,
            timeouts=timeouts(self._office.settings.models, stream=False),
        )


def _wanted(parcel: Parcel, request_id: str) -> Wanted:
    return purpose_wanted(parcel.who, request_id, parcel.purpose, parcel.asked, parcel.size)
