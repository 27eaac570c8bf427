"""What stands in an answer's headers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.headers import of_request, returned, safe, skips_text
from routing.models import Slot
from routing.requests import Skip, SkipReason


def skip(n: int) -> Skip:
    return Skip(Slot(f"provider{n}", "key", "model"), SkipReason.RATE_LIMITED, until=n)


def test_skips_are_told_in_short():
    assert skips_text([skip(1), skip(2)]) == (
        "provider1/key/model=rate_limited;provider2/key/model=rate_limited"
    )
    assert "x-helio-skips" not in of_request("c", "m", 1, ())


def test_many_skips_stay_within_what_a_header_may_be():
    told = skips_text([skip(n) for n in range(1000)])
    assert len(told) < 2100
    named = told.count("=rate_limited")
    assert told.endswith(f";+{1000 - named}")


@given(st.text())
def test_whatever_a_client_asked_for_may_stand_in_a_header(asked):
    told = safe(asked)
    assert told.isascii()
    assert told.isprintable()
    assert len(told) <= 256


def test_an_answer_keeps_the_providers_limits_and_not_its_connection():
    came = {
        "anthropic-ratelimit-requests-remaining": "5",
        "request-id": "r",
        "content-type": "text/event-stream",
        "content-encoding": "gzip",
        "content-length": "5",
        "transfer-encoding": "chunked",
        "set-cookie": "a=b",
        "anthropic-organization-id": "o",
        "x-should-retry": "true",
    }
    assert set(returned(came)) == {
        "anthropic-ratelimit-requests-remaining",
        "request-id",
        "content-type",
    }
