"""Where providers' endpoints are, and how a key is shown there."""

from __future__ import annotations

import pytest

from actors.transports.places import answer_url, direct_headers, key_betas, passage_url
from routing.conversation import Dialect
from routing.models import Provider


def provider(dialect: Dialect, url: str, **headers: str) -> Provider:
    return Provider(name="p", dialect=dialect, url=url, headers=headers)


@pytest.mark.parametrize(
    ("dialect", "base", "stream", "url"),
    [
        (Dialect.ANTHROPIC, "https://a.test", False, "https://a.test/v1/messages"),
        (Dialect.ANTHROPIC, "https://a.test/v1", False, "https://a.test/v1/messages"),
        (Dialect.CHAT, "https://a.test/api/", True, "https://a.test/api/v1/chat/completions"),
        (Dialect.CHAT, "https://a.test/api/v1", True, "https://a.test/api/v1/chat/completions"),
        (Dialect.CHAT, "https://a.test/v4", True, "https://a.test/v4/chat/completions"),
        (Dialect.RESPONSES, "https://a.test/b/codex", True, "https://a.test/b/codex/responses"),
        (Dialect.GEMINI, "https://a.test", False, "https://a.test/v1beta/models/m:generateContent"),
        (
            Dialect.GEMINI,
            "https://a.test/v1beta",
            True,
            "https://a.test/v1beta/models/m:streamGenerateContent?alt=sse",
        ),
    ],
)
def test_a_base_with_or_without_its_version_means_the_same(dialect, base, stream, url):
    assert answer_url(provider(dialect, base), "m", stream=stream) == url


def test_a_models_name_cannot_leave_its_place():
    found = answer_url(provider(Dialect.GEMINI, "https://a.test"), "m?x=#/../y", stream=False)
    assert found.startswith("https://a.test/v1beta/models/m%3Fx%3D%23/")


def test_other_endpoints_are_openais_or_nowhere():
    path = "/v1/embeddings"
    assert passage_url(provider(Dialect.ANTHROPIC, "https://a.test"), path) == ""
    assert passage_url(provider(Dialect.CHAT, "https://a.test"), path) == "https://a.test" + path
    google = provider(Dialect.GEMINI, "https://a.test")
    assert passage_url(google, path) == "https://a.test/v1beta/openai/embeddings"
    assert passage_url(google, "/v1/audio/transcriptions") == ""


@pytest.mark.parametrize(
    ("dialect", "name", "value"),
    [
        (Dialect.ANTHROPIC, "x-api-key", "s"),
        (Dialect.CHAT, "authorization", "Bearer s"),
        (Dialect.RESPONSES, "authorization", "Bearer s"),
        (Dialect.GEMINI, "x-goog-api-key", "s"),
    ],
)
def test_each_dialect_shows_its_key_its_own_way(dialect, name, value):
    headers = direct_headers(provider(dialect, "https://a.test", x_mine="1"), "s", {})
    assert headers[name] == value
    assert headers["x_mine"] == "1"
    assert name not in direct_headers(provider(dialect, "https://a.test"), "", {})


def test_betas_of_a_login_do_not_go_with_a_key():
    assert key_betas("a-1, oauth-2025-04-20,b-2") == "a-1,b-2"
    headers = direct_headers(
        provider(Dialect.ANTHROPIC, "https://a.test"), "s", {"anthropic-beta": "oauth-2025-04-20"}
    )
    assert "anthropic-beta" not in headers
