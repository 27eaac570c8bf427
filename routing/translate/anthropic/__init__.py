"""Anthropic's dialect: POST /v1/messages, to clients and to providers."""

from routing.translate.anthropic.face import AnthropicDialect

__all__ = ["AnthropicDialect"]
