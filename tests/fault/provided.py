"""A private house with models: a fake provider beside it, three makers behind it, and `helio`.

`provided()` gives a `Provided`. Its provider answers at three doors (`ant`, `oai`, `gem`), each in
the dialect and the family of another maker; what reached them is in `log()`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.fake_provider.fixtures import running
from tests.fault.house import House, eventually, short_dir

HELIO = Path(sys.executable).with_name("helio")
KEYS = {
    "ANT_KEY": "sk-ant-1f7d0c55e3",
    "OAI_KEY": "sk-oai-92ab64c1d8",
    "GEM_KEY": "sk-gem-5b3e77f0a4",
}
IN_USD, OUT_USD = 3.0, 15.0  # of a million tokens, at every maker
AT_REST = ("succeeded", "failed", "cancelled", "skipped")
_MAKER = """
[providers.{door}]
url = "{url}/at/{door}"
dialect = "{dialect}"
transport = "{transport}"
keys = ["secret:{key}"]
"""
_MODEL = """
[[models]]
name = "{model}"
provider = "{door}"
family = "{family}"
tier = "{tier}"
input_usd = {price_in}
output_usd = {price_out}
context = 200000
abilities = ["tools", "vision", "json", "documents"]
"""
MAKERS = (
    ("ant", "anthropic", "relay", "ANT_KEY", "claude"),
    ("oai", "chat", "direct", "OAI_KEY", "gpt"),
    ("gem", "gemini", "relay", "GEM_KEY", "gemini"),
)
SIZES = (("large", "ultra"), ("middle", "mid"), ("small", "cheap"))


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


class Provided:
    """A house and its provider."""

    def __init__(self, house: House, provider: str) -> None:
        self.house = house
        self.provider = provider

    # -- what is configured ---------------------------------------------------------------------
    def catalogue(self, *doors: str) -> str:
        """Give a models.toml with these makers, each with a large, a middle and a small model."""
        told = []
        for door, dialect, transport, key, family in MAKERS:
            if door not in doors:
                continue
            said = {"door": door, "dialect": dialect, "transport": transport, "key": key}
            told.append(_MAKER.format(url=self.provider, **said))
            for size, tier in SIZES:
                price = {"price_in": IN_USD, "price_out": OUT_USD}
                one = {"model": f"{family}-{size}", "family": family, "tier": tier}
                told.append(_MODEL.format(door=door, **one, **price))
        return "".join(told)

    def provide(self, *doors: str, more: str = "") -> None:
        """Configure these makers, and wait until the running house knows them."""
        keys = {f"{door}/{key}" for door, _, _, key, _ in MAKERS if door in doors}
        self.house.home.models.write_text(self.catalogue(*doors) + more)

        def known() -> bool:
            listed = self.models()
            return {f"{one['provider']}/{one['key']}" for one in listed} >= keys and all(
                one["provider"] in more or one["provider"] in doors for one in listed
            )

        eventually(known, 10, f"the house knows {', '.join(doors)}")

    def register_keys(self) -> None:
        """Give each maker's key to the house, as its owner does."""
        for name, value in KEYS.items():
            said = self.helio("secret", "set", name, stdin=value)
            assert said.code == 0, said.err

    # -- what the owner does --------------------------------------------------------------------
    def helio(self, *words: str, stdin: str = "", cwd: Path | None = None) -> Said:
        """Run the real command."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment |= {"HELIOGRAPH_HOME": str(self.house.home.root), "NO_COLOR": "1"}
        done = subprocess.run(
            [str(HELIO), *words], input=stdin, env=environment, cwd=cwd or self.house.home.root,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def ask(self, prompt: str, **request: Any) -> str:
        """Submit one `llm` job; gives its id."""
        return self.submit(prompt=prompt, backend="llm", **request)

    def submit(self, **request: Any) -> str:
        """Submit one job; gives its id."""
        return str(self.house.call("POST", "/v1/jobs", {"jobs": [request]})["ids"][0])

    def answered(self, prompt: str, **request: Any) -> dict[str, Any]:
        """Submit one `llm` job and wait for its end; gives its view."""
        return self.at_rest(self.ask(prompt, **request))

    def at_rest(self, job: str, within_s: float = 30.0) -> dict[str, Any]:
        """Wait for a job's end; gives its view."""
        return self.house.await_job(job, *AT_REST, deadline_s=within_s)

    def gateway_url(self) -> str:
        """Tell where the gateway listens now."""
        return str(json.loads(self.house.home.gateway.read_text())["url"])

    def models(self) -> list[dict[str, Any]]:
        """Give every candidate as the router sees it."""
        return list(self.house.call("GET", "/v1/models")["items"])

    def costs(self, by: str = "day") -> dict[str, Any]:
        """Give the sums of the main store."""
        return dict(self.house.call("GET", f"/v1/costs?by={by}"))

    # -- what the provider does and saw ---------------------------------------------------------
    def script(self, answer: Any = None, fault: Any = None, times: int = 1, **match: str) -> None:
        """Queue an answer or a fault for the next requests of a door or a model."""
        said = {"match": match, "times": times}
        said |= {} if answer is None else {"answer": answer}
        self._post("scripts", said | ({} if fault is None else {"fault": fault}))

    def close_door(self, door: str, closed_s: float, style: str = "anthropic", **match: str) -> int:
        """Let a door answer 429 for so long; gives until when, in microseconds."""
        more = {"limit": 1000, "style": style, "closed_s": closed_s}
        told = self._post("quotas", {"match": {"door": door, **match}, **more})
        return int(told["closed_until"])

    def log(self, **match: Any) -> list[dict[str, Any]]:
        """Give the requests that reached the provider and are as named."""
        told = httpx.get(f"{self.provider}/_control/log?after=0", timeout=10).json()["requests"]
        return [one for one in told if all(one[name] == value for name, value in match.items())]

    def forget(self) -> None:
        """Let the provider forget everything, and the router what it holds against it."""
        self._post("reset", {})
        for door in {one["provider"] for one in self.models()}:
            self.house.call("POST", f"/v1/models/{door}/reset", {})

    def _post(self, name: str, body: Any) -> Any:
        answer = httpx.post(f"{self.provider}/_control/{name}", json=body, timeout=10)
        return answer.raise_for_status().json()


@contextmanager
def provided(settings: str = "", env: Mapping[str, str] | None = None) -> Iterator[Provided]:
    """Run a fake provider and a house; nothing is configured yet."""
    told = f"[models]\nport = 0\nship_every_s = 0.05\n{settings}"
    with (
        running() as provider,
        short_dir() as directory,
        House(directory / "home", settings=told, env=env) as house,
    ):
        yield Provided(house, provider)


def words_of(request: Mapping[str, Any]) -> str:
    """Give everything that a logged request says, in one text."""
    return json.dumps(request["body"])


def price(usage: tuple[int, int]) -> float:
    """Give what a call with so many tokens in and out costs."""
    return (usage[0] * IN_USD + usage[1] * OUT_USD) / 1_000_000
