"""A real Prometheus reads the house's metrics and finds every one of them good."""

import asyncio
import json
import shutil
import socket

import httpx
import pytest

PROMETHEUS = shutil.which("prometheus")

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="Debian's prometheus is not installed")

CONFIG = """
scrape_configs:
  - job_name: heliograph
    scrape_interval: 1s
    static_configs: [{targets: ["%s"]}]
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
async def prometheus(tmp_path, url):
    """A server of its own, with an empty memory, that scrapes the house each second."""
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG % url.removeprefix("http://"))
    address = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}", "--log.level=error",
    )  # fmt: skip
    async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
        yield client
    process.terminate()
    await process.wait()


async def answer(client: httpx.AsyncClient, query: str) -> list[dict]:
    try:
        got = await client.get("/api/v1/query", params={"query": query})
        return json.loads(got.text)["data"]["result"]
    except (httpx.TransportError, ValueError, KeyError):
        return []


async def test_prometheus_scrapes_the_house(prometheus, house):
    job = await house.submit(lane="P1")
    await house.end(await house.ordered(job))
    async with asyncio.timeout(60):
        while not (found := await answer(prometheus, "heliograph_jobs_finished_total")):
            await asyncio.sleep(0.2)
    (series,) = found
    assert (series["metric"]["lane"], series["metric"]["outcome"]) == ("P1", "succeeded")
    assert series["value"][1] == "1"
    (up,) = await answer(prometheus, "up")
    assert up["value"][1] == "1"
