"""`/v1`, the documents about it and the pages: one ASGI application over a desk and a hub."""

from serve.api.app import build_app

__all__ = ["build_app"]
