"""The shapes of what `/v1/conversations` and `/v1/turns` answer, for the documents."""

from __future__ import annotations

from pydantic import Field

from serve.api.shapes import Json, Shape, Time


class ConversationView(Shape):
    """A kept conversation."""

    id: str = Field(description="The session of its turns.", examples=["talk:site-web/mirrors"])
    project: str = Field(examples=["site-web"])
    name: str = Field(examples=["mirrors"])
    turns: int
    model: str = Field(description="That answered last.", examples=["claude-sonnet-5-5"])
    created_at: Time
    used_at: Time


class TurnView(Shape):
    """What one side said."""

    id: str = Field(examples=["talk:site-web/mirrors:000000000000042"])
    session: str = Field(examples=["talk:site-web/mirrors"])
    idx: int
    job: str = Field(description="Whose question and answer it is.")
    role: str = Field(examples=["user"])
    blocks: list[Json] = Field(examples=[[{"type": "text", "text": "What is it?"}]])
    artefact: str
    model: str = Field(description="Of an answer: who gave it.")
    usage: Json
    created_at: Time
