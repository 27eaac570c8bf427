"""How a request without an answer is told so, by cause and in every dialect."""

from __future__ import annotations

import json

import pytest

from actors.gateway.errors import GaveUp, of_error, of_giving_up, of_surprise, retry_after_s
from engine.errors import PayloadTooLarge, WrongMethod
from routing.conversation import Dialect
from routing.faults import Fault, FaultKind
from routing.models import Slot
from routing.requests import Refusal, RefusalKind, Skip, SkipReason

NOW = 1_000_000_000_000


def gave(kind: RefusalKind | None, fault: Fault | None = None, until: int = 0, skips=()) -> GaveUp:
    refusal = Refusal(kind=kind, message="No.", remedy="Wait.", until=until, skips=skips)
    return GaveUp(refusal if kind else None, fault, {"x-helio-call": "c"}, Dialect.ANTHROPIC)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (RefusalKind.CLOSED, 429),
        (RefusalKind.BUDGET, 429),
        (RefusalKind.UNKNOWN_MODEL, 404),
        (RefusalKind.NOTHING_CONFIGURED, 503),
        (RefusalKind.UNFIT, 400),
        (RefusalKind.FAILED, 502),
    ],
)
@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_refusal_has_its_status_and_says_not_to_try_again(kind, status, dialect):
    reply = of_giving_up(gave(kind), dialect, NOW)
    assert reply.status == status
    assert reply.headers["x-should-retry"] == "false"
    assert reply.headers["x-helio-call"] == "c"
    assert "No. Wait." in json.dumps(reply.worded(dialect))
    assert ("retry-after" in reply.headers) == (status == 429)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.RATE_LIMIT, 429),
        (FaultKind.QUOTA, 429),
        (FaultKind.OVERLOADED, 503),
        (FaultKind.SERVER, 502),
        (FaultKind.CONNECT, 502),
        (FaultKind.CUT, 502),
        (FaultKind.MALFORMED, 502),
        (FaultKind.TIMEOUT, 504),
        (FaultKind.AUTH, 502),
        (FaultKind.NOT_FOUND, 502),
        (FaultKind.CONTEXT, 400),
    ],
)
def test_when_all_failed_the_last_fault_gives_the_status(kind, status):
    reply = of_giving_up(gave(RefusalKind.FAILED, Fault(kind, "why")), Dialect.CHAT, NOW)
    assert reply.status == status
    assert reply.headers["x-should-retry"] == "false"
    assert ('said: "why".' in reply.message) == (kind not in (FaultKind.AUTH, FaultKind.CONTEXT))


def test_the_wait_is_told_in_whole_seconds_rounded_up():
    assert retry_after_s(NOW + 1, NOW) == 1
    assert retry_after_s(NOW + 1_000_001, NOW) == 2
    assert retry_after_s(NOW - 5, NOW) == 1
    reply = of_giving_up(gave(RefusalKind.CLOSED, until=NOW + 61_500_000), Dialect.CHAT, NOW)
    assert reply.headers["retry-after"] == "62"


def test_a_providers_words_pass_only_to_a_client_of_its_dialect():
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": "no good"}}
    fault = Fault(FaultKind.REFUSED, "no good", status=422, body=body)
    same = of_giving_up(gave(None, fault), Dialect.ANTHROPIC, NOW)
    assert (same.status, same.worded(Dialect.ANTHROPIC)) == (422, body)
    other = of_giving_up(gave(None, fault), Dialect.GEMINI, NOW)
    assert other.worded(Dialect.GEMINI)["error"]["message"] == "no good"


def test_a_larger_model_that_is_closed_is_waited_for_before_the_prompt_is_shortened():
    fault = Fault(FaultKind.CONTEXT, "too long", status=400)
    assert of_giving_up(gave(RefusalKind.CLOSED, fault), Dialect.CHAT, NOW).status == 429
    assert of_giving_up(gave(RefusalKind.UNFIT, fault), Dialect.CHAT, NOW).status == 400


def test_a_prompt_that_fits_nowhere_is_a_matter_of_its_length():
    small = Skip(Slot("p", "k", "m"), SkipReason.CONTEXT_TOO_SMALL)
    reply = of_giving_up(gave(RefusalKind.UNFIT, skips=(small,)), Dialect.CHAT, NOW)
    assert (reply.status, reply.code) == (400, "context_length_exceeded")
    assert reply.message.startswith("prompt is too long")


def test_flaws_of_a_request_keep_their_status():
    assert of_error(PayloadTooLarge("Too large.")).status == 413
    reply = of_error(WrongMethod("Not so.", remedy="Use POST.", allow="POST"))
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_a_bug_is_told_without_its_words():
    assert of_surprise().status == 500
