"""Gemini's dialect: POST /v1beta/models/M:generateContent, to clients and to providers."""

from routing.translate.gemini.face import GeminiDialect

__all__ = ["GeminiDialect"]
