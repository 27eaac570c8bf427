"""OpenAI's Responses dialect: POST /v1/responses, to clients and to providers."""

from routing.translate.responses.face import ResponsesDialect

__all__ = ["ResponsesDialect"]
