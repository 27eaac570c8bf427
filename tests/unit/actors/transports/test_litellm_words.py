"""What LiteLLM is told, and what its exceptions mean."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

from actors.transports.litellm_words import KEYLESS, embedding_words_of, fault_of, words_of
from routing.conversation import Ask, Dialect, Message, Reasoning, Role, Text, Tool
from routing.faults import Fault, FaultKind
from routing.models import Candidate, Deployment, Key, Provider, Tier
from routing.ports import Call, Timeouts

ROOT = Path(__file__).parents[4]
SECRET = "sk-a-value-that-is-secret"
PROVIDER = Provider(
    name="there", dialect=Dialect.CHAT, url="http://127.0.0.1:1/v1", litellm_prefix="mistral/",
    headers={"x-team": "crew"}, options={"api_version": "7", "max_retries": 9},
)  # fmt: skip
DEPLOYMENT = Deployment(
    model="large", provider="there", id="large-4", family="mistral", tier=Tier.MID, max_output=100
)
ASK = Ask(
    model="whatever", messages=(Message(Role.USER, (Text("hello"),)),), max_tokens=500,
    tools=(Tool("look", "looks", {"type": "object"}),), reasoning=Reasoning(effort="high"),
)  # fmt: skip
CALL = Call(
    grant="r:1", provider=PROVIDER, secret=SECRET, ask=ASK,
    candidate=Candidate(deployment=DEPLOYMENT, key=Key(label="k", source="env:K")),
    timeouts=Timeouts(first_byte_s=5, idle_s=50),
)  # fmt: skip


def told(name: str, **more: object) -> dict:
    return {"type": name, "status": 0, "message": "", "body": "", "headers": {}} | more


def test_a_call_is_worded_as_chat_completions_with_all_that_stands_around_it():
    words = words_of(CALL, stream=True)
    assert words["model"] == "mistral/large-4"
    assert words["messages"] == [{"role": "user", "content": "hello"}]
    assert words["tools"][0]["function"]["name"] == "look"
    assert (words["api_key"], words["api_base"]) == (SECRET, PROVIDER.url)
    assert (words["extra_headers"], words["api_version"]) == ({"x-team": "crew"}, "7")
    assert words["stream_options"] == {"include_usage": True}
    assert "stream" not in words
    assert 100 in (words.get("max_tokens"), words.get("max_completion_tokens"))
    json.dumps(words)


def test_litellm_never_tries_again_whatever_the_options_say():
    words = words_of(CALL, stream=False)
    assert (words["max_retries"], words["num_retries"]) == (0, 0)
    assert "stream_options" not in words


def test_the_child_s_own_patience_is_longer_than_the_carrier_s():
    assert words_of(CALL, stream=False)["timeout"] == 50


def test_a_provider_without_key_and_url_gets_neither():
    bare = replace(PROVIDER, url="", headers={}, options={})
    words = words_of(replace(CALL, provider=bare, secret=""), stream=False)
    assert words["api_key"] == KEYLESS
    assert "api_base" not in words
    assert "extra_headers" not in words


def test_a_request_for_embeddings_tells_nobody_who_asks():
    raw = json.dumps({"input": "a", "model": "x", "user": "me", "dimensions": 3}).encode()
    words = embedding_words_of(replace(CALL, raw=raw))
    assert (words["input"], words["dimensions"], words["model"]) == ("a", 3, "mistral/large-4")
    assert "user" not in words


def test_a_request_for_embeddings_that_is_no_object_is_refused():
    with pytest.raises(Fault) as raised:
        embedding_words_of(replace(CALL, raw=b"[1]"))
    assert raised.value.kind is FaultKind.REFUSED


@pytest.mark.parametrize(
    ("said", "begun", "kind"),
    [
        (told("ContextWindowExceededError", status=400), False, FaultKind.CONTEXT),
        (told("ContentPolicyViolationError", status=400), False, FaultKind.CONTENT),
        (told("Timeout", status=408), False, FaultKind.TIMEOUT),
        (told("Cancelled"), False, FaultKind.CANCELLED),
        (told("APIConnectionError", status=500), False, FaultKind.CONNECT),
        (told("APIConnectionError", status=500), True, FaultKind.CUT),
        (told("MidStreamFallbackError", status=503), True, FaultKind.CUT),
        (told("InternalServerError", status=500), False, FaultKind.CONNECT),
        (told("InternalServerError", status=500, headers={"date": "x"}), False, FaultKind.SERVER),
        (told("RateLimitError", status=429), False, FaultKind.RATE_LIMIT),
        (told("PaymentRequiredError", status=400), False, FaultKind.QUOTA),
        (told("BadRequestError", status=400), False, FaultKind.REFUSED),
        (told("KeyError"), True, FaultKind.CUT),
        (told("APIResponseValidationError", status=500), False, FaultKind.MALFORMED),
    ],
)
def test_each_exception_is_a_fault_of_its_kind(said, begun, kind):
    assert fault_of(CALL, said, begun=begun).kind is kind


def test_the_provider_s_own_body_says_more_than_litellm_s_words():
    body = json.dumps({"error": {"code": "insufficient_quota", "message": "Out of credit."}})
    said = told("RateLimitError", status=429, body=body, message="litellm.RateLimitError: x")
    fault = fault_of(CALL, said, begun=False)
    assert (fault.kind, fault.message) == (FaultKind.QUOTA, "Out of credit.")
    assert fault.body["error"]["code"] == "insufficient_quota"


def test_litellm_s_names_and_the_key_are_taken_out_of_the_message():
    message = f"litellm.APIConnectionError: OpenAIException - no way with {SECRET}\nTraceback: x"
    fault = fault_of(CALL, told("APIConnectionError", message=message), begun=False)
    assert fault.message == "OpenAIException - no way with [redacted]"


def test_only_the_child_imports_litellm():
    importers = [
        str(path.relative_to(ROOT))
        for room in ("engine", "routing", "store", "actors", "interfaces", "serve")
        for path in (ROOT / room).rglob("*.py")
        if "litellm" in imported(path)
    ]
    assert importers == ["routing/litellm_client.py"]


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
