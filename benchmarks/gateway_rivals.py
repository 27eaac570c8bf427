"""The gateways that are measured: how each is installed, configured, started and ended."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from benchmarks.gateway_load import Target

CCR = "@musistudio/claude-code-router@2.0.0"
LITELLM = "litellm[proxy]==1.106.2"
OURS = "Heliograph"
KEY = "sk-benchmark-0123456789"
_START_S = 90.0
_TROUBLE_CHARS = 300
_ASK = [{"role": "user", "content": "Say fifty words, one after another. " * 8}]
MESSAGES = {"max_tokens": 1000, "messages": _ASK}
CHAT = {"max_tokens": 1000, "messages": _ASK}


class Absent(Exception):
    """A gateway cannot be measured here; the text says why."""


@dataclass(slots=True)
class Stage:
    """Where everything happens: a directory, and the address of the provider behind all."""

    directory: Path
    upstream: str
    environment: dict[str, str] = field(default_factory=dict)


@contextmanager
def child(
    words: list[str], directory: Path, environment: dict[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run a process with a tied stdin; end it, and whatever it left, at the end."""
    with (directory / "said.log").open("w") as said:
        process = subprocess.Popen(
            words,
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if "-m" in words else said,
            stderr=said,
            text=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            assert process.stdin
            process.stdin.close()
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


@contextmanager
def upstream(directory: Path) -> Iterator[str]:
    """Run the provider behind all gateways; give its address."""
    words = [sys.executable, "-P", "-m", "benchmarks.gateway_upstream"]
    with child(words, directory, dict(os.environ)) as process:
        assert process.stdout
        yield process.stdout.readline().strip()


@contextmanager
def direct(stage: Stage) -> Iterator[list[Target]]:
    """Nothing in between: what all others are compared with."""
    url = f"{stage.upstream}/v1/chat/completions"
    yield [Target(name="no gateway", url=url, headers={}, body=CHAT)]


@contextmanager
def ours(stage: Stage) -> Iterator[list[Target]]:
    """Heliograph's router, gateway and ledger."""
    home = stage.directory / "home"
    (home / "empty").mkdir(parents=True)
    (home / "config.toml").write_text("[models]\nport = 0\n")
    (home / "models.toml").write_text(_catalogue(stage.upstream))
    token = home / "token"
    token.write_text(KEY)
    token.chmod(0o600)
    environment = {**os.environ, "BENCHMARK_KEY": "sk-upstream"}
    words = [sys.executable, "-P", "-m", "benchmarks.gateway_ours", str(home)]
    with child(words, stage.directory, environment) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        if not url:
            raise Absent(_last_words(stage.directory))
        yield _faces(OURS, url, {"x-api-key": KEY}, process.pid)


@contextmanager
def claude_code_router(stage: Stage) -> Iterator[list[Target]]:
    """claude-code-router, from npm."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise Absent("needs npm and node, which are not here")
    place, port = stage.directory, _free_port()
    _run([npm, "install", "--prefix", str(place), "--no-audit", "--no-fund", CCR])
    config = place / ".claude-code-router"
    config.mkdir()
    provider = {"name": "up", "api_key": "sk-upstream", "models": ["m", "paced"]}
    provider["api_base_url"] = f"{stage.upstream}/v1/chat/completions"
    (config / "config.json").write_text(
        json.dumps(
            {
                "LOG": False,
                "HOST": "127.0.0.1",
                "PORT": port,
                "APIKEY": KEY,
                "NON_INTERACTIVE_MODE": True,
                "Providers": [provider],
                "Router": {"default": "up,m"},
            }
        )
    )
    script = place / "node_modules" / "@musistudio" / "claude-code-router" / "dist" / "cli.js"
    environment = {"HOME": str(place), "PATH": os.environ["PATH"], "SERVICE_PORT": str(port)}
    with child([node, str(script), "start"], place, environment) as process:
        target = Target(
            name="claude-code-router 2.0.0, /v1/messages",
            url=f"http://127.0.0.1:{port}/v1/messages",
            headers={"x-api-key": KEY},
            body=MESSAGES,
            prefix="up,",
            pids=(process.pid,),
        )
        _await(target, place)
        yield [target]


@contextmanager
def litellm_proxy(stage: Stage) -> Iterator[list[Target]]:
    """The LiteLLM proxy, in an environment of its own."""
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        raise Absent("needs uv, which is not in this environment")
    place, port = stage.directory, _free_port()
    _run([str(uv), "venv", "-q", str(place / "venv"), "--python", sys.executable])
    python = place / "venv" / "bin" / "python"
    _run([str(uv), "pip", "install", "-q", "--python", str(python), LITELLM])
    names = [("m", "hosted_vllm/m"), ("paced", "hosted_vllm/paced")]
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": model,
                "api_base": f"{stage.upstream}/v1",
                "api_key": "sk-upstream",
            },
        }
        for name, model in names
    ]
    (place / "config.yaml").write_text(json.dumps({"model_list": models}))  # JSON is YAML
    environment = {
        "HOME": str(place),
        "PATH": os.environ["PATH"],
        "LITELLM_MASTER_KEY": KEY,
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
        "LITELLM_TELEMETRY": "False",
    }
    program = str(place / "venv" / "bin" / "litellm")
    words = [program, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with child(words, place, environment) as process:
        url = f"http://127.0.0.1:{port}"
        targets = _faces(
            "LiteLLM proxy 1.106.2", url, {"authorization": f"Bearer {KEY}"}, process.pid
        )
        _await(targets[0], place)
        yield targets


RIVALS = (direct, ours, claude_code_router, litellm_proxy)


def _faces(name: str, url: str, headers: dict[str, str], pid: int) -> list[Target]:
    return [
        Target(
            name=f"{name}, /v1/messages",
            url=f"{url}/v1/messages",
            headers={**headers, "anthropic-version": "2023-06-01"},
            body=MESSAGES,
            pids=(pid,),
        ),
        Target(
            name=f"{name}, /v1/chat/completions",
            url=f"{url}/v1/chat/completions",
            headers=headers,
            body=CHAT,
            pids=(pid,),
        ),
    ]


def _catalogue(url: str) -> str:
    model = 'provider = "up"\nfamily = "fake"\ntier = "mid"\ninput_usd = 1.0\noutput_usd = 2.0\n'
    provider = f'dialect = "chat"\nurl = "{url}"\nkeys = ["env:BENCHMARK_KEY"]\n'
    return (
        f'[providers.up]\n{provider}transport = "relay"\n\n'
        f'[[models]]\nname = "m"\nid = "m"\n{model}\n'
        f'[[models]]\nname = "paced"\nid = "paced"\n{model}'
    )


def _run(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Absent(f"could not be installed: {last}"[:_TROUBLE_CHARS])


def _await(target: Target, directory: Path) -> None:
    """Return when a gateway answers.

    Raises:
        Absent: it does not.
    """
    end = time.monotonic() + _START_S
    with httpx.Client(headers=dict(target.headers), timeout=10) as client:
        while time.monotonic() < end:
            try:
                if (
                    client.post(
                        target.url, json={**target.body, "model": f"{target.prefix}m"}
                    ).status_code
                    == 200
                ):
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.2)  # noqa: TID251  # nothing tells us when a stranger listens
    raise Absent(f"did not answer within {_START_S:.0f} s: {_last_words(directory)}")


def _last_words(directory: Path) -> str:
    said = (directory / "said.log").read_text().strip().splitlines()
    return (said[-1] if said else "it said nothing")[:_TROUBLE_CHARS]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
