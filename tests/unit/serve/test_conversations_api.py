"""Conversations and their turns through `/v1`."""

import pytest

from engine.jobs import Result
from engine.messages import Report, ReportKind
from engine.outcomes import Done, to_wire
from serve.api.shapes_of_talks import ConversationView, TurnView


@pytest.fixture
async def talk(house):
    """A conversation of two questions, each with its answer."""
    for number in range(2):
        body = {"backend": "llm", "prompt": "x", "conversation": "mirrors", "project": "site"}
        made = await house.desk.command("job.submit", {"jobs": [body]})
        order = await house.ordered(made["ids"][0])
        told = [
            {"role": role, "blocks": [{"type": "text", "text": f"{role} {number}"}]}
            for role in ("user", "assistant")
        ]
        data = to_wire(Done(Result(text="x"))) | {"turns": told}
        report = Report(job=order.job, epoch=1, kind=ReportKind.OUTCOME, at=1, data=data)
        await house.dispatcher.report("s", "paper", [report.to_wire()])
    return {"conversation": "mirrors", "project": "site"}


async def test_conversations_are_listed(owner, talk):
    (one,) = (await owner.get("/v1/conversations")).json()["items"]
    assert ConversationView.model_validate(one).turns == 4
    elsewhere = await owner.get("/v1/conversations", params={"project": "other"})
    assert elsewhere.json() == {"items": [], "next_cursor": None}


async def test_turns_are_read_from_the_newest_back(owner, talk):
    page = (await owner.get("/v1/turns", params=talk | {"limit": 3})).json()
    turns = [TurnView.model_validate(one) for one in page["items"]]
    assert [turn.blocks[0]["text"] for turn in turns] == ["assistant 0", "user 1", "assistant 1"]
    older = await owner.get("/v1/turns", params=talk | {"cursor": page["next_cursor"]})
    assert [one["role"] for one in older.json()["items"]] == ["user"]


async def test_turns_of_nobody_in_particular_are_refused(owner):
    refused = await owner.get("/v1/turns")
    assert refused.status_code == 400
    assert "either session or conversation" in refused.json()["detail"]
