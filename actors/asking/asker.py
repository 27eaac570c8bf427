"""One model call for an order, from its words and files to an answer in its promised shape.

It brings aiohttp and the schema's validator, so it is imported when the first such order comes,
and not by a session that runs commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.asking import shape, talk
from actors.asking.attachments import (
    TEXT,
    Attachment,
    block_of,
    in_all,
    of_content,
    read_inside,
    too_large,
)
from actors.asking.client import AnswerCut, Answered, GatewayAway, GatewayClient, Refused
from actors.asking.keys import Key, patiently
from actors.asking.question import Question, asked, model_of, sent_back
from actors.asking.refusals import ERROR_HEADER, HALTED, UNFIT, failure_of, refused_content
from actors.backends.base import Bench
from actors.processes import Stream
from engine.errors import BadInput, Halted, NotFound
from engine.failures import Cause, Failure
from engine.messages import Order
from engine.prompts import ARTEFACT
from store.artefacts import Artefacts

_REPAIRS = 1
_CUTS = 1
_MAX_TOKENS, _REFUSAL = "max_tokens", "refusal"


class NoAnswer(Exception):
    """There will be none in this attempt; `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model gave, without secrets; `turns` are for the conversation."""

    text: str
    data: Any
    served: Mapping[str, Any]
    truncated: bool
    turns: Sequence[Mapping[str, Any]]


async def ask_model(order: Order, bench: Bench, key: Key) -> Answer:
    """Ask what the order says.

    Raises:
        NoAnswer: the gateway refused, the answer was cut twice, or it had the wrong shape twice.
        HelioError: the order cannot be asked as it stands, or the house is halted.
    """
    asker = _Asker(order, bench)
    question, attached = await asker.question()
    async with GatewayClient(key, bench.settings.models) as client:
        answered = await asker.hear(client, question)
        text, data = bench.hide(answered.hearing.text), None
        if question.schema is not None:
            answered, text, data = await asker.in_shape(client, question, answered)
    served = served_by(answered)
    prompt = bench.hide(str(order.payload["prompt"]))
    kept = order.payload.get("conversation")
    turns = [talk.turn_of_user(prompt, attached), talk.turn_of_model(text, served)] if kept else []
    truncated = answered.hearing.stop == _MAX_TOKENS
    return Answer(text, data, served, truncated, turns)


def served_by(answered: Answered) -> dict[str, Any]:
    """Say who answered, as the gateway's headers have it."""
    told, hearing = answered.headers, answered.hearing
    model = told.get("x-helio-model", "") or hearing.model
    return {
        "model": model,
        "served": told.get("x-helio-served-model", "") or hearing.model or model,
        "provider": told.get("x-helio-provider", ""),
        "asked": told.get("x-helio-requested-model", ""),
        "substituted": told.get("x-helio-substituted") == "true",
        "call": told.get("x-helio-call", ""),
        "usage": dict(hearing.usage),
    }


class _Asker:
    """What the steps of one call have in common."""

    def __init__(self, order: Order, bench: Bench) -> None:
        self._order = order
        self._bench = bench
        self._llm = bench.settings.llm

    async def question(self) -> tuple[Question, Sequence[Attachment]]:
        """Gather everything that is said to the model."""
        said, hide = self._order.payload, self._bench.hide
        if not str(said.get("prompt") or "").strip():
            raise BadInput("The prompt is empty.", remedy="Say what the model shall do.")
        desk = self._bench.lines.find_desk()
        turns = await patiently(
            lambda: talk.last_turns(self._order, desk, self._llm.turns), self._bench.lines
        )
        attached = await self._attachments(said.get("attach") or ())
        blocks = [block_of(one, self._shown(one)) for one in attached]
        prompt = sent_back(str(said["prompt"]), (self._order.resume or {}).get("given"))
        question = Question(
            model=model_of(said),
            messages=[*talk.messages_of(turns), asked(blocks, hide(prompt))],
            max_tokens=said.get("max_tokens") or self._llm.max_tokens,
            system=hide(str(said.get("system") or "")),
            temperature=said.get("temperature"),
            schema=said.get("schema"),
        )
        return question, attached

    async def hear(self, client: GatewayClient, question: Question) -> Answered:
        """Ask until there is an answer: a router that is away comes back, a cut one is rare.

        Where no model can be held to a schema by its provider, it is asked for in words.
        """
        reply = await self._reply(client, question)
        unfit = isinstance(reply, Refused) and reply.headers.get(ERROR_HEADER) == UNFIT
        if unfit and question.schema is not None:
            reply = await self._reply(client, question.in_words())
        return self._judged(reply)

    async def _reply(self, client: GatewayClient, question: Question) -> Answered | Refused:
        body = question.body()
        for cuts in range(_CUTS + 1):
            try:
                reply = await patiently(
                    lambda: client.ask(body, self._say), self._bench.lines, away=GatewayAway
                )
            except GatewayAway as away:
                raise NoAnswer(Failure(cause=Cause.OTHER, message=str(away))) from None
            except AnswerCut as cut:
                self._bench.recorder.pause(Stream.OUT)
                if cuts == _CUTS:
                    raise NoAnswer(Failure(cause=Cause.OTHER, message=str(cut))) from None
                self._bench.recorder.note(f"\n[{cut} It is asked again.]")
            else:
                self._bench.recorder.pause(Stream.OUT)
                return reply
        raise AssertionError("the last round returns or raises")

    async def in_shape(
        self, client: GatewayClient, question: Question, answered: Answered
    ) -> tuple[Answered, str, Any]:
        """Give an answer that fits the schema, asking once more for one that does not."""
        assert question.schema is not None
        for repairs in range(_REPAIRS + 1):
            text = self._bench.hide(answered.hearing.text)
            value, why = shape.read_json(text)
            faults = [why] if why else await _check(question.schema, value)
            if not faults:
                return answered, text, value
            if answered.hearing.stop == _MAX_TOKENS:
                raise NoAnswer(_cut_short(question.max_tokens))
            if repairs == _REPAIRS:
                raise NoAnswer(_misshapen(faults))
            self._bench.recorder.note(f"\n[It lacks its shape: {'; '.join(faults)}. Asked again.]")
            answered = await self.hear(client, question.again(text, faults))
        raise AssertionError("the last round returns or raises")

    def _judged(self, reply: Answered | Refused) -> Answered:
        if isinstance(reply, Refused):
            if reply.headers.get(ERROR_HEADER) == HALTED:
                raise Halted(reply.message)
            now = self._bench.lines.clock.now()
            raise NoAnswer(failure_of(reply.status, reply.headers, reply.message, now))
        if reply.hearing.stop == _REFUSAL:
            raise NoAnswer(refused_content(reply.headers.get("x-helio-model", "")))
        return reply

    def _say(self, text: str) -> None:
        """Show text as it comes; even without any, it is a sign of life."""
        if text:
            self._bench.recorder.heard(Stream.OUT, text.encode(errors="replace"))
        self._bench.signs.alive(len(text))

    def _shown(self, attachment: Attachment) -> str:
        return self._bench.hide(attachment.text) if attachment.media_type == TEXT else ""

    async def _attachments(self, paths: Sequence[str]) -> list[Attachment]:
        attached: list[Attachment] = []
        for path in paths:
            left = self._llm.attachment_bytes - in_all(attached)
            named = ARTEFACT.fullmatch(path)
            one = (
                await self._artefact(named[1], named[2], left)
                if named
                else await self._file(path, left)
            )
            if in_all([*attached, one]) > self._llm.attachment_bytes:
                raise too_large(self._llm.attachment_bytes)
            attached.append(one)
        return attached

    async def _file(self, path: str, left: int) -> Attachment:
        if not self._bench.cwd:
            raise BadInput(
                f"The job names no directory, so there is no file {path} to attach.",
                remedy="Name its directory with cwd, or attach a file of a job as JOB:NAME.",
            )
        return await asyncio.to_thread(read_inside, self._bench.cwd, path, left)

    async def _artefact(self, job: str, name: str, left: int) -> Attachment:
        desk = self._bench.lines.find_desk()
        shown = await patiently(lambda: desk.query("job.show", {"id": job}), self._bench.lines)
        kept = next((row for row in shown["artefacts"] if row["name"] == name), None)
        if kept is None:
            raise NotFound(
                f"Job {job} left no file {name!r}.", remedy=f"List them: helio job artefact {job}"
            )
        if kept["size_bytes"] > left:
            raise too_large(self._llm.attachment_bytes)
        files = Artefacts(self._bench.home.artefacts, self._bench.settings.store)
        content = await asyncio.to_thread(files.path_of(kept["sha256"]).read_bytes)
        return of_content(name, content)


async def _check(schema: Mapping[str, Any], value: Any) -> list[str]:
    return await asyncio.to_thread(shape.faults_of, schema, value)


def _misshapen(faults: Sequence[str]) -> Failure:
    told = "; ".join(faults)
    return Failure(
        cause=Cause.MALFORMED,
        message=f"The answer did not fit its schema, not even when asked again: {told}.",
    )


def _cut_short(max_tokens: int) -> Failure:
    return Failure(
        cause=Cause.MALFORMED,
        message=f"The answer was cut at {max_tokens} tokens, so it is no whole JSON value.",
        remedy="Raise max_tokens, or ask for less.",
    )
