"""What a provider says in the middle of an answer is understood, and never tells its own key."""

from __future__ import annotations

import json

import pytest

from actors.transports.listening import Listener, answer_of
from routing.catalogue import read_catalogue
from routing.conversation import Ask, Dialect
from routing.faults import Fault
from routing.models import Candidate
from routing.ports import Call, Timeouts

SECRET = "sk-echoed-0123456789"
MODELS = """
[providers.p]
url = "http://127.0.0.1:1"
dialect = "{dialect}"
transport = "direct"
keys = ["secret:K"]
[[models]]
name = "m"
provider = "p"
input_usd = 1.0
output_usd = 1.0
"""
TOLD = {
    Dialect.CHAT: ({"error": {"message": f"No: {SECRET}", "type": "server_error"}}, ""),
    Dialect.ANTHROPIC: (
        {"type": "error", "error": {"type": "api_error", "message": f"No: {SECRET}"}},
        "error",
    ),
    Dialect.RESPONSES: ({"type": "error", "code": "x", "message": f"No: {SECRET}"}, "error"),
    Dialect.GEMINI: ({"error": {"code": 500, "message": f"No: {SECRET}"}}, ""),
}


def call(dialect: Dialect) -> Call:
    catalogue = read_catalogue(MODELS.format(dialect=dialect))
    provider, deployment = catalogue.providers["p"], catalogue.deployments[0]
    return Call(
        grant="g", provider=provider, secret=SECRET, ask=Ask(model="m", messages=()),
        candidate=Candidate(deployment=deployment, key=provider.keys[0]),
        timeouts=Timeouts(connect_s=1, first_byte_s=1, idle_s=1),
    )  # fmt: skip


@pytest.mark.parametrize("dialect", TOLD)
def test_an_error_in_a_stream_does_not_show_the_key_that_it_echoes(dialect: Dialect) -> None:
    body, event = TOLD[dialect]
    head = f"event: {event}\n" if event else ""
    listener = Listener(call(dialect), {})
    listener.hear(f"{head}data: {json.dumps(body)}\n\n".encode())
    fault = listener.fault
    assert fault is not None
    assert fault.message.startswith("No: ")
    assert SECRET not in fault.message + json.dumps(dict(fault.body))


@pytest.mark.parametrize("dialect", [Dialect.CHAT, Dialect.GEMINI])
def test_an_error_with_a_good_status_does_not_either(dialect: Dialect) -> None:
    body, _ = TOLD[dialect]
    with pytest.raises(Fault) as caught:
        answer_of(call(dialect), {}, json.dumps(body).encode())
    assert SECRET not in caught.value.message + json.dumps(dict(caught.value.body))
