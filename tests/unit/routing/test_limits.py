"""One parser for all dialects of rate limits."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.limits import MOST_WAIT_S, Reading, read_limits

S = 1_000_000
NOW = 1_790_078_400 * S


def at(seconds):
    return NOW + round(seconds * S)


def rfc(seconds):
    return datetime.fromtimestamp(NOW / S + seconds, UTC).isoformat().replace("+00:00", "Z")


def read(headers=None, body=None):
    return read_limits(headers or {}, body or {}, NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "0.5"}, 0.5),
        ({"Retry-After": "20"}, 20),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW / S + 90, UTC), True)}, 90),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"llm_provider-retry-after": "7"}, 7),
        ({"x-ratelimit-reset-requests": "6m0s", "x-ratelimit-remaining-requests": "0"}, 360),
        ({"x-ratelimit-reset-requests": "12ms", "x-ratelimit-remaining-requests": "0"}, 0.012),
        ({"x-ratelimit-reset-tokens": "1h2m3.5s", "x-ratelimit-remaining-tokens": "0"}, 3723.5),
        ({"x-ratelimit-reset-requests": "6s"}, 6),
        ({"x-ratelimit-reset": str(NOW // S + 30), "x-ratelimit-remaining": "0"}, 30),
        ({"x-ratelimit-reset": str(NOW // 1000 + 30_000), "x-ratelimit-remaining": "0"}, 30),
        ({"ratelimit-reset": "11", "ratelimit-remaining": "0", "ratelimit-limit": "5;w=60"}, 11),
        ({"anthropic-ratelimit-requests-reset": rfc(42)}, 42),
    ],
)
def test_every_header_says_when_a_refused_call_may_come_back(headers, seconds):
    assert read(headers).closed_until() == at(seconds)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"error": {"resets_in_seconds": 1234}}, 1234),
        ({"error": {"type": "usage_limit_reached", "resets_at": NOW // S + 99}}, 99),
        ({"error": {"message": "Rate limit reached. Please try again in 46.72s."}}, 46.72),
        ({"error": {"message": "Please try again in 1m30.5s. Visit ..."}}, 90.5),
        ({"error": {"message": "Please retry in 12.5s."}}, 12.5),
        ({"error": {"message": "try again in 120ms"}}, 0.12),
        ({"text": "Try again in 5 minutes"}, 300),
        ({"error": {"message": "quota resets after 2 hours"}}, 7200),
        ({"error": {"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "34s"}]}}, 34),
        ({"error": {"metadata": {"headers": {"X-RateLimit-Reset": str(NOW // 1000 + 5000)}}}}, 5),
        ({"error": {"retry_after": 3}}, 3),
    ],
)
def test_bodies_say_it_as_well(body, seconds):
    assert read(body=body).closed_until() == at(seconds)


def test_the_word_of_the_provider_comes_before_the_resets_of_its_meters():
    told = {
        "retry-after": "20",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m",
    }
    assert read(told).closed_until() == at(20)
    del told["retry-after"]
    assert read(told).closed_until() == at(360)


def test_of_several_meters_the_exhausted_ones_count_and_the_last_of_them():
    told = {
        "anthropic-ratelimit-requests-remaining": "5",
        "anthropic-ratelimit-requests-reset": rfc(500),
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-input-tokens-reset": rfc(20),
        "anthropic-ratelimit-output-tokens-remaining": "0",
        "anthropic-ratelimit-output-tokens-reset": rfc(30),
    }
    reading = read(told)
    assert reading.exhausted_until() == at(30)
    assert reading.requests.remaining == 5


def test_a_success_tells_limits_and_what_is_left():
    reading = read(
        {
            "x-ratelimit-limit-requests": "500",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-reset-requests": "120ms",
            "x-ratelimit-limit-tokens": "30000",
            "x-ratelimit-remaining-tokens": "0",
            "x-ratelimit-reset-tokens": "6s",
        }
    )
    assert (reading.requests.limit, reading.requests.remaining) == (500, 499)
    assert (reading.tokens.limit, reading.tokens.reset) == (30_000, at(6))
    assert reading.exhausted_until() == at(6)


def test_a_plan_that_is_used_up_is_told_by_the_unified_status():
    told = {
        "anthropic-ratelimit-unified-status": "rejected",
        "anthropic-ratelimit-unified-reset": str(NOW // S + 7200),
    }
    reading = read(told)
    assert (reading.rejected, reading.rejected_until) == (True, at(7200))
    assert not read(told | {"anthropic-ratelimit-unified-status": "allowed_warning"}).rejected
    assert not read(told | {"anthropic-ratelimit-unified-overage-status": "allowed"}).rejected


@pytest.mark.parametrize(
    "text",
    ["", "-5", "0", "soon", "nan", "inf", "1e400", "Tue, 01 Jan 1980 00:00:00 GMT", "9" * 99],
)
def test_what_is_no_time_in_the_future_says_nothing(text):
    assert read({"retry-after": text, "x-ratelimit-reset-requests": text}) == Reading()


def test_no_wait_is_believed_that_is_longer_than_a_month_or_so():
    assert read({"retry-after": str(MOST_WAIT_S)}).retry_at == at(MOST_WAIT_S)
    assert read({"retry-after": str(MOST_WAIT_S + 1)}).retry_at == 0


_NAMES = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-reset-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-limit-requests",
        "anthropic-ratelimit-tokens-reset",
        "anthropic-ratelimit-unified-reset",
        "anthropic-ratelimit-unified-status",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_FIELDS = st.sampled_from(["resets_in_seconds", "resets_at", "retryDelay", "message", "error"])


@given(st.dictionaries(_NAMES, st.text() | st.floats().map(str)), st.dictionaries(_FIELDS, _JSON))
def test_nothing_that_a_provider_sends_can_break_the_parser(headers, body):
    reading = read_limits(headers, body, NOW)
    for moment in (reading.closed_until(), reading.exhausted_until(), reading.rejected_until):
        assert moment == 0 or NOW < moment <= at(MOST_WAIT_S) + 1


@given(st.integers(1, 99), st.integers(0, 59), st.integers(0, 999))
def test_durations_are_read_to_the_millisecond(minutes, seconds, milliseconds):
    text = f"{minutes}m{seconds}.{milliseconds:03}s"
    expected = minutes * 60 + seconds + milliseconds / 1000
    assert read({"x-ratelimit-reset-tokens": text}).tokens.reset == at(expected)
