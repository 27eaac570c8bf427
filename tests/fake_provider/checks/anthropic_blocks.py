"""What `POST /v1/messages` refuses in a single content block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fake_provider import seal
from tests.fake_provider.checks import schemas
from tests.fake_provider.checks.pictures import base64_bytes, picture
from tests.fake_provider.refused import need

_BY_ROLE = {
    "user": {"text", "image", "document", "tool_result", "search_result"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use"},
    "system": {"text"},
}
_FIELDS = {
    "text": {"text", "citations"},
    "image": {"source"},
    "document": {"source", "title", "context", "citations"},
    "search_result": {"content", "source", "title", "citations"},
    "tool_use": {"id", "name", "input", "caller"},
    "tool_result": {"tool_use_id", "content", "is_error"},
    "thinking": {"thinking", "signature"},
    "redacted_thinking": {"data"},
}


def block(one: Any, role: str, where: str) -> None:
    """Refuse a block that Anthropic refuses.

    Raises:
        Refused: it would answer 400.
    """
    need(isinstance(one, Mapping), f"{where}: Input should be a valid dictionary")
    kind = one.get("type")
    allowed = _BY_ROLE[role]
    need(kind in allowed, f"{where}: Input tag '{kind}' found using 'type' does not match {role}")
    extra = set(one) - _FIELDS[str(kind)] - {"type", "cache_control"}
    need(not extra, f"{where}.{kind}.{''.join(sorted(extra)[:1])}: Extra inputs are not permitted")
    mark = one.get("cache_control")
    if mark is not None:
        thinks = kind in {"thinking", "redacted_thinking"}
        need(not thinks, f"{where}.{kind}.cache_control: Extra inputs are not permitted")
        good = mark.get("type") == "ephemeral" and mark.get("ttl", "5m") in {"5m", "1h"}
        need(good, f"{where}.{kind}.cache_control: Input should be 'ephemeral'")
    _CHECKS.get(str(kind), _nothing)(one, where)


def text_of(result: Mapping[str, Any]) -> str:
    """Give the text of a tool's result; pictures are named."""
    content = result.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(one.get("text", f"<{one['type']}>") for one in content)


def _nothing(one: Mapping[str, Any], where: str) -> None:
    del one, where


def _text(one: Mapping[str, Any], where: str) -> None:
    text = one.get("text")
    need(isinstance(text, str), f"{where}.text.text: Field required")
    need(text, "messages: text content blocks must be non-empty")
    need(str(text).strip(), "messages: text content blocks must contain non-whitespace text")


def _image(one: Mapping[str, Any], where: str) -> None:
    source = one.get("source") or {}
    match source.get("type"):
        case "base64":
            extra = set(source) - {"type", "media_type", "data"}
            need(not extra, f"{where}.image.source: Extra inputs are not permitted")
            picture(source.get("media_type"), source.get("data"), f"{where}.image.source.base64")
        case "url":
            good = str(source.get("url", "")).startswith("https://")
            need(good, f"{where}.image.source.url: Only HTTPS URLs are supported.")
        case other:
            need(False, f"{where}.image.source: Input tag '{other}' does not match 'base64', 'url'")


def _document(one: Mapping[str, Any], where: str) -> None:
    source = one.get("source") or {}
    match source.get("type"):
        case "base64":
            data = base64_bytes(source.get("data"), f"{where}.document.source.base64.data")
            pdf = source.get("media_type") == "application/pdf"
            need(
                pdf, f"{where}.document.source.base64.media_type: Input should be 'application/pdf'"
            )
            need(data.startswith(b"%PDF"), f"{where}.document.source: The PDF was not valid.")
        case "text":
            plain = source.get("media_type") == "text/plain" and source.get("data")
            need(plain, f"{where}.document.source.text.media_type: Input should be 'text/plain'")
        case "url" | "content":
            pass
        case other:
            need(False, f"{where}.document.source: Input tag '{other}' does not match")


def _tool_use(one: Mapping[str, Any], where: str) -> None:
    schemas.name_fits(one.get("id"), r"[a-zA-Z0-9_-]+", f"{where}.tool_use.id")
    schemas.name_fits(one.get("name"), r"[a-zA-Z0-9_-]{1,200}", f"{where}.tool_use.name")
    is_object = isinstance(one.get("input"), Mapping)
    need(is_object, f"{where}.tool_use.input: Input should be a valid dictionary")


def _tool_result(one: Mapping[str, Any], where: str) -> None:
    schemas.name_fits(one.get("tool_use_id"), r"[a-zA-Z0-9_-]+", f"{where}.tool_result.tool_use_id")
    wrong = one.get("is_error")
    need(wrong is None or isinstance(wrong, bool), f"{where}.tool_result.is_error: not a boolean")
    content = one.get("content")
    if not isinstance(content, list):
        need(content is None or isinstance(content, str), f"{where}.tool_result.content: invalid")
        return
    for place, inner in enumerate(content):
        kinds = {"text", "image", "document", "search_result"}
        good = inner.get("type") in kinds
        need(good, f"{where}.tool_result.content.{place}: Input tag does not match")
        block(inner, "user", f"{where}.tool_result.content.{place}")
        plain = not wrong or inner["type"] == "text"
        need(plain, f"{where}.tool_result: all content must be type `text` if `is_error` is true")


def _thinking(one: Mapping[str, Any], where: str) -> None:
    need(isinstance(one.get("thinking"), str), f"{where}.thinking.thinking: Field required")
    token = one.get("signature")
    need(isinstance(token, str), f"{where}.thinking.signature: Field required")
    good = seal.signed("anthropic", one["thinking"], str(token))
    need(good, f"{where}: Invalid `signature` in `thinking` block")


def _redacted(one: Mapping[str, Any], where: str) -> None:
    good = seal.opened("anthropic", str(one.get("data", "")))
    need(good, f"{where}: Invalid `data` in `redacted_thinking` block")


_CHECKS = {
    "text": _text,
    "image": _image,
    "document": _document,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
