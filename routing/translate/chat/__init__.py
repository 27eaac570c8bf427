"""The chat dialect: POST /v1/chat/completions, to clients and to providers."""

from routing.translate.chat.face import ChatDialect

__all__ = ["ChatDialect"]
