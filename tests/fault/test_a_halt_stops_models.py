"""`helio halt` ends every model call at once, whoever is dead, and for as long as it stands."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import httpx
import psutil
import pytest

from tests.fake_provider.fixtures import running
from tests.fault.house import House, eventually, short_dir
from tests.unit.actors.routing.kit import PROVIDER

pytestmark = pytest.mark.fault
CHUNKS = 1000


class Models:
    """A house with one provider of models, which this test runs."""

    def __init__(self, house: House, provider: str) -> None:
        self.house = house
        self.provider = provider

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.house.home.token.read_text().strip()}

    def url(self) -> str:
        told = json.loads(self.house.home.gateway.read_text())
        return f"{told['url']}/v1/chat/completions"

    def ask(self) -> httpx.Response:
        body = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}]}
        return httpx.post(self.url(), json=body, headers=self.headers, timeout=10)

    def asked(self) -> int:
        return len(httpx.get(f"{self.provider}/_control/log?after=0").json()["requests"])

    def stream(self) -> tuple[float, bytes]:
        """Read a stream that never ends by itself; gives when it ended, and its last bytes."""
        script = {"match": {}, "answer": {"text": "a " * CHUNKS, "chunks": CHUNKS, "delay_s": 0.1}}
        httpx.post(f"{self.provider}/_control/scripts", json=script).raise_for_status()
        body = {"model": "tiny", "stream": True}
        body |= {"messages": [{"role": "user", "content": "hi"}]}
        last = b""
        try:
            with httpx.stream(
                "POST", self.url(), json=body, headers=self.headers, timeout=30
            ) as answer:
                for chunk in answer.iter_raw():
                    last = chunk
        except httpx.HTTPError:
            pass
        return monotonic(), last


@pytest.fixture(scope="module")
def models() -> Iterator[Models]:
    with (
        running() as provider,
        short_dir() as directory,
        House(directory / "home", settings="[models]\nport = 0\n") as house,
    ):
        house.home.secrets.mkdir(mode=0o700, exist_ok=True)
        secret = house.home.secrets / "ONE_KEY"
        secret.write_text("sk-of-one")
        secret.chmod(0o600)
        said = {"name": "one", "url": provider, "secret": "ONE_KEY", "model": "tiny"}
        house.home.models.write_text(PROVIDER.format(**said))
        made = Models(house, provider)
        eventually(lambda: made.ask().status_code == 200, 20, "the model answers")
        yield made


def ends_in_time(models: Models, within_s: float) -> None:
    """Halt while a stream is under way, and see it end."""
    before = models.asked()
    with ThreadPoolExecutor(1) as thread:
        streaming = thread.submit(models.stream)
        eventually(lambda: models.asked() > before, 10, "the stream is under way")
        began = monotonic()
        halting = ThreadPoolExecutor(1).submit(models.house.ask, {"do": "halt", "by": "test"}, 30)
        ended, last = streaming.result(30)
        assert ended - began < within_s
        assert b"[DONE]" not in last
        halting.result(30)
    refused = models.ask()
    assert (refused.status_code, refused.headers["x-should-retry"]) == (503, "false")


def test_a_halt_ends_streams_and_outlives_the_router(models: Models) -> None:
    ends_in_time(models, 2)
    asked = models.asked()
    killed = models.house.kill("router")
    models.house.await_another("router", killed, 20)
    eventually(lambda: _answers(models), 20, "the gateway answers")
    assert models.ask().status_code == 503
    assert models.asked() == asked
    models.house.ask({"do": "resume", "by": "test"})
    assert models.ask().status_code == 200


def test_a_halt_ends_streams_while_the_dispatcher_hangs(models: Models) -> None:
    dispatcher = psutil.Process(models.house.pid("dispatcher"))
    dispatcher.send_signal(signal.SIGSTOP)
    try:
        ends_in_time(models, 2)
    finally:
        dispatcher.send_signal(signal.SIGCONT)
    eventually(lambda: not models.house.home.halted.exists(), 20, "the dispatcher took the order")
    assert models.ask().status_code == 503
    models.house.ask({"do": "resume", "by": "test"})
    eventually(lambda: models.ask().status_code == 200, 10, "models answer again")


def test_every_call_is_in_the_costs_once_although_the_router_was_killed(models: Models) -> None:
    asked = models.asked()

    def counted() -> int:
        return int(models.house.call("GET", "/v1/costs?by=model")["total"]["calls"])

    eventually(lambda: counted() >= asked, 20, "all calls are in the costs")
    assert counted() == asked
    assert models.house.call("GET", "/v1/models")["items"][0]["state"] == "open"


def _answers(models: Models) -> bool:
    try:
        return models.ask().status_code > 0
    except httpx.HTTPError:
        return False
