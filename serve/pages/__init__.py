"""The pages: the state of the house for a browser, and the documents about `/v1`.

Plain files that come with the wheel; nothing is fetched from anywhere else.
"""

from serve.pages.routes import mount, router

__all__ = ["mount", "router"]
