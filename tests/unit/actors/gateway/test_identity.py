"""Which key a request shows, and when a login of its own stands beside it."""

from __future__ import annotations

import pytest

from actors.gateway.identity import Address, address, identify
from engine.errors import Denied
from routing.requests import Who

WHO = Who(session="s")
KNOWN = {"hk-live": WHO}.get


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        ("/v1/messages", Address("/v1/messages")),
        ("/v1/messages?beta=true", Address("/v1/messages", "beta=true")),
        ("/k/hk-1/v1/messages?a=b", Address("/v1/messages", "a=b", "hk-1")),
        ("/k/hk-1", Address("/", "", "hk-1")),
        ("/v1beta/x?key=hk%2D1&alt=sse", Address("/v1beta/x", "alt=sse", "", "hk-1")),
        ("/v1beta/x?alt=sse&key=a", Address("/v1beta/x", "alt=sse", "", "a")),
        ("/v1beta/x?monkey=a", Address("/v1beta/x", "monkey=a")),
    ],
)
def test_an_address_holds_no_key_afterwards(target, wanted):
    assert address(target) == wanted


@pytest.mark.parametrize(
    ("target", "headers", "login"),
    [
        ("/v1", {"x-api-key": "hk-live"}, False),
        ("/v1", {"authorization": "bearer hk-live"}, False),
        ("/v1", {"x-api-key": "other", "authorization": "Bearer hk-live"}, False),
        ("/v1", {"x-helio-key": "hk-live"}, False),
        ("/v1", {"x-helio-key": "hk-live", "x-api-key": "hk-live"}, False),
        ("/k/hk-live/v1", {"x-api-key": "hk-live"}, False),
        ("/k/hk-live/v1", {"authorization": "Bearer sk-own"}, True),
        ("/v1", {"x-helio-key": "hk-live", "authorization": "Bearer sk-own"}, True),
        ("/k/hk-live/v1", {"x-goog-api-key": "own"}, True),
        ("/v1?key=hk-live", {}, False),
    ],
)
def test_a_known_key_is_found_and_a_login_beside_it_is_noticed(target, headers, login):
    assert identify(KNOWN, address(target), headers) == (WHO, login)


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/v1", {}),
        ("/v1", {"authorization": "Basic hk-live"}),
        ("/v1", {"x-api-key": "hk-dead"}),
        ("/k/hk-dead/v1", {"x-api-key": "hk-live"}),
        ("/v1", {"x-helio-key": "hk-dead", "x-api-key": "hk-live"}),
    ],
)
def test_who_is_not_known_is_refused_without_quoting_the_key(target, headers):
    with pytest.raises(Denied) as refused:
        identify(KNOWN, address(target), headers)
    assert "hk-" not in str(refused.value.as_problem())
