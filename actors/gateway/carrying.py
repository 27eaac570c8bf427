"""From a grant to a call of its transport, and from there to an outcome that can be shown.

Here it is decided what may be relayed. A request goes byte for byte only to a provider of its
own dialect that serves what was asked for; where signatures of thinking could be taken for
somebody else's, it is worded anew, so that they are marked on the way back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from actors.gateway.intake import Intake
from actors.gateway.office import GatewayOffice
from actors.gateway.trial import Trial
from engine.errors import HelioError
from engine.settings import ModelSettings
from routing.conversation import Ask, Closed, Ended, Event, Grew, Opened, ToolCall
from routing.faults import Fault, FaultKind
from routing.models import Provider, ProviderKind, Transport
from routing.ports import Call, Piece, Stream, Timeouts, Whole
from routing.requests import Grant
from routing.translate.signatures import NATIVE, marked


@dataclass(frozen=True, slots=True)
class WholeOutcome:
    """A whole answer. `relayed`: its raw bytes go to the client."""

    trial: Trial
    whole: Whole
    relayed: bool

    async def drop(self) -> None:
        """Settle it as not wanted; it is charged all the same."""
        self.trial.abandon()


@dataclass(frozen=True, slots=True)
class StreamOutcome:
    """A stream that has begun to say something: the pieces so far, and those to come."""

    trial: Trial
    stream: Stream
    held: tuple[Piece, ...]
    rest: AsyncIterator[Piece]
    relayed: bool

    async def drop(self) -> None:
        """End it."""
        self.trial.abandon()
        await self.stream.close()


class Carrying:
    """Carries out the attempts of one request for an answer."""

    def __init__(self, office: GatewayOffice, intake: Intake) -> None:
        self._office = office
        self._intake = intake

    async def whole(self, trial: Trial) -> WholeOutcome:
        """Get a whole answer.

        Raises:
            Fault: there is none.
        """
        call = self._call(trial.grant)
        limit_s = self._office.settings.models.whole_s
        try:
            async with asyncio.timeout(limit_s):
                whole = await self._office.carrier(call.provider).whole(call)
        except TimeoutError as error:
            raise Fault(FaultKind.TIMEOUT, f"no whole answer within {limit_s:g} s") from error
        trial.learn(whole.headers, whole.answer.model, whole.answer.usage)
        return WholeOutcome(trial, whole, bool(call.raw))

    async def stream(self, trial: Trial) -> StreamOutcome:
        """Get a stream up to its first meaningful piece: until then another may still answer.

        Raises:
            Fault: it failed before that.
        """
        call = self._call(trial.grant)
        stream = await self._office.carrier(call.provider).stream(call)
        try:
            trial.head(stream.headers)
            rest = stream.pieces()
            held = await _first_pieces(rest, trial, unread=_is_login(call.provider))
        except BaseException:
            await stream.close()
            raise
        return StreamOutcome(trial, stream, held, rest, bool(call.raw))

    def _call(self, grant: Grant) -> Call:
        """Word the call.

        Raises:
            Fault: its key is not there.
        """
        intake, candidate = self._intake, grant.candidate
        provider = provider_of(self._office, grant)
        same = provider.dialect is intake.dialect
        relayed = same and may_relay(intake, provider, grant)
        if _is_login(provider) and not relayed:
            raise Fault(FaultKind.REFUSED, "a subscription can only be relayed", status=400)
        return Call(
            grant=grant.id,
            provider=provider,
            candidate=candidate,
            secret="" if _is_login(provider) else secret_of(self._office, grant),
            ask=intake.unread if _is_login(provider) else _for(intake.ask, grant),
            path=intake.target,
            raw=intake.raw if relayed else b"",
            raw_headers=intake.headers if same else {},
            timeouts=timeouts(self._office.settings.models, stream=intake.stream),
        )


def provider_of(office: GatewayOffice, grant: Grant) -> Provider:
    """Give the provider of a candidate.

    Raises:
        Fault: the catalogue has changed in this instant.
    """
    provider = office.catalogue.providers.get(grant.candidate.deployment.provider)
    if provider is None:
        raise Fault(FaultKind.NOT_FOUND, "the provider was taken out of the catalogue")
    return provider


def secret_of(office: GatewayOffice, grant: Grant) -> str:
    """Give the value of a candidate's key.

    Raises:
        Fault: it is not there.
    """
    try:
        return office.secret(grant.candidate)
    except HelioError as error:
        raise Fault(FaultKind.AUTH, error.detail) from error


def may_relay(intake: Intake, provider: Provider, grant: Grant) -> bool:
    """Say whether a request may go on as it came, to a provider of its own dialect.

    An unmarked signature counts as that of the dialect's native family. So another family's
    answer is never passed on as it is, nor that of a model that nobody asked for.
    """
    if _is_login(provider):
        return intake.login
    if provider.transport is not Transport.RELAY or grant.substituted or intake.array:
        return False
    native = NATIVE.get(provider.dialect, grant.candidate.deployment.family)
    return native == grant.candidate.deployment.family and not marked(intake.raw)


def _for(ask: Ask, grant: Grant) -> Ask:
    return replace(ask, model=grant.candidate.deployment.id)


def timeouts(models: ModelSettings, *, stream: bool) -> Timeouts:
    """Give the patience of a call; a whole answer may begin as late as it may end."""
    return Timeouts(
        connect_s=models.connect_s,
        first_byte_s=models.first_byte_s if stream else models.whole_s,
        idle_s=models.idle_s,
    )


def _is_login(provider: Provider) -> bool:
    return provider.kind is ProviderKind.SUBSCRIPTION


async def _first_pieces(
    pieces: AsyncIterator[Piece], trial: Trial, *, unread: bool
) -> tuple[Piece, ...]:
    """Read up to the first piece that says something; of an unread stream, the first bytes."""
    held: list[Piece] = []
    async for piece in pieces:
        trial.hear(piece.events)
        held.append(piece)
        if unread or any(_says_something(event) for event in piece.events):
            break
    return tuple(held)


def _says_something(event: Event) -> bool:
    match event:
        case Opened(block=block):
            return isinstance(block, ToolCall) or bool(block.text)
        case Grew() | Closed() | Ended():
            return True
        case _:
            return False
