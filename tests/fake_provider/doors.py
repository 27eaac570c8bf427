"""Sockets that providers listen on; a door that is shut refuses connections."""

from __future__ import annotations

from aiohttp import web

from tests.fake_provider.beside import Beside
from tests.fake_provider.place import Place
from tests.fake_provider.provider import Provider

HOST = "127.0.0.1"
MOST_BYTES = 64 * 2**20


def face(place: Place, door: str) -> web.Application:
    """Build the endpoints of all dialects; under /at/NAME they are another provider's."""
    app = web.Application(client_max_size=MOST_BYTES)
    provider = Provider(place, door)
    beside = Beside(provider, place)
    for at in ("", "/at/{door}"):
        for base in (f"{at}/v1", at, f"{at}/v1/v1"):
            app.router.add_post(f"{base}/messages", provider.messages)
            app.router.add_post(f"{base}/messages/count_tokens", provider.messages)
            app.router.add_post(f"{base}/chat/completions", provider.chat)
            app.router.add_post(f"{base}/responses", provider.responses)
            app.router.add_post(f"{base}/embeddings", beside.embeddings)
            app.router.add_post(f"{base}/audio/transcriptions", beside.transcriptions)
            app.router.add_get(f"{base}/models", beside.models)
        named = "/models/{model}:{verb:generateContent|streamGenerateContent|countTokens}"
        for base in (f"{at}/v1beta", f"{at}/v1", at):
            app.router.add_post(base + named, provider.gemini)
        app.router.add_get(f"{at}/v1beta/models", beside.models)
        app.router.add_post(f"{at}/v2/chat", provider.cohere)
        app.router.add_post(f"{at}/api/chat", provider.ollama)
    return app


class Doors:
    """The sockets that are open, by name."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._open: dict[str, web.AppRunner] = {}

    async def open(self, name: str, port: int = 0, app: web.Application | None = None) -> str:
        """Listen, and give the address."""
        runner = web.AppRunner(
            app or face(self._place, name),
            handler_cancellation=True,
            access_log=None,
            shutdown_timeout=0.1,
        )
        await runner.setup()
        await web.TCPSite(runner, HOST, port, reuse_address=True).start()
        self._open[name] = runner
        return f"http://{HOST}:{runner.addresses[0][1]}"

    async def shut(self, name: str) -> None:
        """Stop listening and end every connection."""
        runner = self._open.pop(name, None)
        if runner is not None:
            await runner.cleanup()

    async def shut_all(self, but: str = "") -> None:
        """Shut every door but one."""
        for name in [one for one in self._open if one != but]:
            await self.shut(name)
