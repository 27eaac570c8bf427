"""What a refusal of the gateway means for a job: cause, time and remedy, as a table."""

from __future__ import annotations

import pytest

from actors.asking.hearing import Hearing
from actors.asking.refusals import failure_of
from engine.failures import Cause

NOW = 1_000_000_000
SAID = "No model is called 'x'. Did you mean y?"


@pytest.mark.parametrize(
    ("status", "headers", "cause", "retry_at"),
    [
        (429, {"x-helio-until": "2000000000", "retry-after": "9"}, Cause.RATE_LIMIT, 2_000_000_000),
        (429, {"retry-after": "9"}, Cause.RATE_LIMIT, NOW + 9_000_000),
        (429, {}, Cause.RATE_LIMIT, None),
        (429, {"retry-after": "soon"}, Cause.RATE_LIMIT, None),
        (429, {"x-helio-error": "budget_exceeded", "x-helio-until": "5"}, Cause.BUDGET, 5),
        (429, {"x-helio-error": "budget_exceeded", "retry-after": "1"}, Cause.DEPENDENCY, None),
        (404, {"x-helio-error": "model_not_found"}, Cause.DEPENDENCY, None),
        (404, {}, Cause.DEPENDENCY, None),
        (503, {"x-helio-error": "nothing_configured"}, Cause.DEPENDENCY, None),
        (400, {"x-helio-error": "no_fitting_model"}, Cause.DEPENDENCY, None),
        (400, {"x-helio-error": "content_policy"}, Cause.TOOL, None),
        (403, {"x-helio-error": "content_policy"}, Cause.TOOL, None),
        (400, {}, Cause.TOOL, None),
        (413, {}, Cause.TOOL, None),
        (401, {}, Cause.OTHER, None),
        (502, {}, Cause.OTHER, None),
        (503, {"retry-after": "3"}, Cause.OTHER, None),
        (504, {}, Cause.OTHER, None),
    ],
)
def test_a_refusal_has_a_cause_and_perhaps_an_end(
    status: int, headers: dict[str, str], cause: Cause, retry_at: int | None
) -> None:
    failure = failure_of(status, headers, SAID, NOW)
    assert (failure.cause, failure.retry_at) == (cause, retry_at)
    assert failure.message == SAID


def test_limits_and_budgets_with_an_end_count_as_no_failure() -> None:
    for headers in (
        {"retry-after": "9"},
        {"x-helio-error": "budget_exceeded", "x-helio-until": "5"},
    ):
        treatment = failure_of(429, headers, SAID, NOW).treatment
        assert (treatment.retryable, treatment.counts) == (True, False)


def test_what_the_owner_must_mend_comes_with_the_gateways_remedy() -> None:
    failure = failure_of(404, {"x-helio-remedy": "Did you mean y?"}, SAID, NOW)
    assert (failure.message, failure.remedy) == ("No model is called 'x'.", "Did you mean y?")
    spent = failure_of(429, {"x-helio-error": "budget_exceeded"}, "The job's budget is spent.", NOW)
    assert "budget_usd" in spent.remedy


STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"model":"m","usage":'
    b'{"input_tokens":4}}}\n\n: a comment\n\nevent: ping\ndata: {"type": "ping"}\n\n'
    b'data: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"hm"}}\n\n'
    b'data: {"type":"content_block_delta","delta":{"type":"text_delta",'
    b'"text":"gr\xc3\xbc\xc3\x9f"}}\n\n'
    b"data: no json\n\ndata: [1]\n\n"
    b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":" dich"}}\r\n\r\n'
    b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}'
    b'\n\ndata: {"type":"message_stop"}\n\n'
)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_a_stream_is_heard_the_same_however_it_is_cut(size: int) -> None:
    hearing = Hearing()
    said = "".join(hearing.feed(STREAM[at : at + size]) for at in range(0, len(STREAM), size))
    assert said + hearing.finish() == hearing.text == "grüß dich"
    assert (hearing.model, hearing.stop, hearing.over) == ("m", "end_turn", True)
    assert hearing.usage == {"input_tokens": 4, "output_tokens": 2}
    assert hearing.fault is None


def test_a_failure_inside_the_stream_is_heard() -> None:
    hearing = Hearing()
    hearing.feed(
        b'data: {"type":"error","error":{"type":"overloaded_error","message":"Later."}}\n\n'
    )
    assert (hearing.fault, hearing.over) == (("overloaded_error", "Later."), False)
