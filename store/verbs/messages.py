"""Messages to a session: durable before they are acknowledged, delivered with their id."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import BadInput, NotFound
from engine.events import EventKind
from engine.records import Message, Worker
from store.work import Work

MODES = ("queue", "steer", "interrupt")


def send(work: Work, session: str, body: str, *, mode: str = "queue", trust: str = "owner") -> str:
    """Store a message for a session and give its id.

    Raises:
        BadInput: the mode is none of queue, steer, interrupt.
        NotFound: there is no such session.
    """
    if mode not in MODES:
        raise BadInput(f"{mode!r} is not a way to deliver.", remedy=f"Use one of {MODES}.")
    if work.record(Worker, session) is None:
        raise NotFound(f"There is no worker {session}.", remedy="List them: helio worker list")
    now = work.moment.steady
    message = Message(
        id=work.mint.mint(now), session=session, mode=mode, body=body, trust=trust, created_at=now
    )
    work.save(message)
    work.tell(EventKind.MESSAGE_QUEUED, message.id, session=session, mode=mode)
    return message.id


def undelivered(work: Work, session: str) -> list[Message]:
    """Give a session's messages that it has not acknowledged, oldest first."""
    work.flush()
    return work.tables.find(Message, session=session, delivered_at=0)


def delivered(work: Work, message_id: str) -> bool:
    """Note that the session has the message; False when that was known already."""
    message = work.record(Message, message_id)
    if message is None or message.delivered_at:
        return False
    work.save(replace(message, delivered_at=work.moment.steady))
    return True
