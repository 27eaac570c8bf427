"""The LiteLLM transport against a real server, through its real child process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from actors.transports.litellm import LitellmCarrier
from routing.conversation import Ask, Dialect, Fold, Message, Role, Text, Usage
from routing.faults import Fault, FaultKind
from routing.models import Candidate, Deployment, Key, Price, Provider, Tier
from routing.ports import Call, Timeouts
from tests.unit.actors.transports.upstream import upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
DEADLINE_S = 60
SECRET = "sk-carried-by-pipe"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def provider():
    async with upstream() as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def carrier(tmp_path_factory):
    made = LitellmCarrier(tmp_path_factory.mktemp("empty"))
    yield made
    await made.close()
    assert made.pid == 0


def call(url: str, model: str, prefix: str = "openai/", **timeouts: float) -> Call:
    deployment = Deployment(
        model=model, provider="there", id=model, family="gpt", tier=Tier.MID,
        price=Price(input=1, output=1),
    )  # fmt: skip
    there = Provider(name="there", dialect=Dialect.CHAT, url=url, litellm_prefix=prefix)
    asked = Ask(model=model, messages=(Message(Role.USER, (Text("count"),)),), max_tokens=20)
    return Call(
        grant="r:1", provider=there, secret=SECRET, ask=asked,
        candidate=Candidate(deployment=deployment, key=Key(label="k", source="secret:K")),
        timeouts=replace(Timeouts(), **timeouts),
    )  # fmt: skip


def chat(served, model: str, **timeouts: float) -> Call:
    return call(f"{served.url}/v1", model, **timeouts)


async def streamed(carrier, asked: Call):
    stream, folded = await carrier.stream(asked), Fold()
    await gather(stream, folded)
    await stream.close()
    return stream, folded


async def gather(stream, folded: Fold) -> None:
    async for piece in stream.pieces():
        for event in piece.events:
            folded.add(event)


async def test_a_whole_answer_comes_with_the_provider_s_headers(carrier, provider):
    whole = await carrier.whole(chat(provider, "m"))
    assert whole.answer.blocks == (Text("one two three"),)
    assert (whole.answer.model, whole.answer.usage) == ("served-4", Usage(input=7, output=3))
    assert whole.headers["x-ratelimit-remaining-requests"] == "41"
    assert provider.keys[-1] == f"Bearer {SECRET}"
    assert provider.asked[-1]["messages"] == [{"role": "user", "content": "count"}]


async def test_a_stream_comes_with_headers_usage_and_the_served_model(carrier, provider):
    stream, folded = await streamed(carrier, chat(provider, "m"))
    answer = folded.answer()
    assert answer.blocks == (Text("one two three"),)
    assert (answer.model, answer.usage) == ("served-4", Usage(input=7, output=3))
    assert folded.ended
    assert stream.headers["x-ratelimit-reset-requests"] == "12ms"


@pytest.mark.parametrize(
    ("model", "kind", "status"),
    [("limited", FaultKind.RATE_LIMIT, 429), ("empty", FaultKind.QUOTA, 429),
     ("locked", FaultKind.AUTH, 401), ("missing", FaultKind.NOT_FOUND, 404),
     ("broken", FaultKind.SERVER, 500), ("busy", FaultKind.OVERLOADED, 503),
     ("long", FaultKind.CONTEXT, 400), ("wrong", FaultKind.REFUSED, 400)],
)  # fmt: skip
@pytest.mark.parametrize("way", ["whole", "stream"])
async def test_a_refusal_is_one_request_and_a_fault_with_headers(
    carrier, provider, way, model, kind, status
):
    before = len(provider.asked)
    with pytest.raises(Fault) as raised:
        await getattr(carrier, way)(chat(provider, model))
    fault = raised.value
    assert (fault.kind, fault.status) == (kind, status)
    assert fault.headers["retry-after"] == "17"
    assert len(provider.asked) == before + 1
    assert "litellm" not in fault.message.lower()
    assert SECRET not in fault.message + json.dumps(fault.body)


async def test_a_refused_connection_is_told_as_one(carrier):
    with pytest.raises(Fault) as raised:
        await carrier.whole(call("http://127.0.0.1:9/v1", "m"))
    assert raised.value.kind is FaultKind.CONNECT


async def test_a_stream_that_is_cut_gives_what_came_and_then_a_fault(carrier, provider):
    stream, said = await carrier.stream(chat(provider, "cut")), Fold()
    with pytest.raises(Fault) as raised:
        await gather(stream, said)
    assert raised.value.kind is FaultKind.CUT
    assert said.answer().blocks == (Text("one two three"),)
    assert said.ended is None


async def test_silence_before_the_head_ends_the_call_there_too(carrier, provider):
    provider.left.clear()
    with pytest.raises(Fault) as raised:
        await carrier.whole(chat(provider, "silent", first_byte_s=0.3))
    assert raised.value.kind is FaultKind.TIMEOUT
    async with asyncio.timeout(DEADLINE_S):
        await provider.left.wait()


async def test_silence_inside_a_stream_is_noticed(carrier, provider):
    stream = await carrier.stream(chat(provider, "endless", idle_s=0.3))
    with pytest.raises(Fault) as raised:
        await gather(stream, Fold())
    await stream.close()
    assert raised.value.kind is FaultKind.TIMEOUT


async def test_closing_a_stream_early_ends_it_at_the_provider(carrier, provider):
    provider.left.clear()
    stream = await carrier.stream(chat(provider, "endless"))
    assert (await anext(stream.pieces())).events
    await stream.close()
    async with asyncio.timeout(DEADLINE_S):
        await provider.left.wait()


async def test_many_calls_go_at_once_and_a_slow_reader_loses_nothing(carrier, provider):
    slow = await carrier.stream(chat(provider, "many"))
    others = await asyncio.gather(*(streamed(carrier, chat(provider, "m")) for _ in range(10)))
    assert all(folded.answer().blocks == (Text("one two three"),) for _, folded in others)
    said = Fold()
    await gather(slow, said)
    assert said.answer().blocks == (Text("one two three" + 500 * "."),)


async def test_embeddings_are_passed_on(carrier, provider):
    raw = json.dumps({"model": "m", "input": ["a"], "user": "who asks"}).encode()
    whole = await carrier.embed(replace(chat(provider, "vectors"), raw=raw))
    assert json.loads(whole.raw)["data"][0]["embedding"] == [0.25, -0.5]
    assert "user" not in provider.asked[-1]


async def test_a_provider_that_only_litellm_speaks_to_answers(carrier, provider):
    whole = await carrier.whole(call(provider.url, "lama", "ollama_chat/"))
    assert whole.answer.blocks == (Text("hello from a lama"),)
    assert whole.answer.usage == Usage(input=5, output=4)


async def test_another_wire_format_is_refused_as_clearly(carrier, provider):
    with pytest.raises(Fault) as raised:
        await carrier.whole(call(provider.url, "claude", "anthropic/"))
    assert raised.value.kind is FaultKind.NOT_FOUND


async def test_no_process_shows_a_secret_and_only_the_child_has_litellm(carrier, provider):
    await carrier.whole(chat(provider, "m"))
    for name in ("cmdline", "environ"):
        assert SECRET.encode() not in Path(f"/proc/{carrier.pid}/{name}").read_bytes()
    environ = Path(f"/proc/{carrier.pid}/environ").read_bytes().decode().split("\0")
    names = {line.partition("=")[0] for line in environ if line}
    assert names <= {"PATH", "LANG", "TZ", "HOME"} | {n for n in names if n.startswith("LITELLM_")}
    assert "litellm" not in sys.modules
    assert list(Path(f"/proc/{carrier.pid}/cwd").iterdir()) == []


async def test_a_killed_child_fails_its_calls_and_is_born_again(carrier, provider):
    stream = await carrier.stream(chat(provider, "endless"))
    pieces = stream.pieces()
    await anext(pieces)
    waiting = asyncio.create_task(carrier.whole(chat(provider, "silent")))
    dead = carrier.pid
    await asyncio.sleep(0)  # the second call is on its way
    os.kill(dead, signal.SIGKILL)
    with pytest.raises(Fault) as cut:
        async for _ in pieces:
            pass
    with pytest.raises(Fault) as lost:
        await waiting
    assert (cut.value.kind, lost.value.kind) == (FaultKind.CUT, FaultKind.CONNECT)
    whole = await carrier.whole(chat(provider, "m"))
    assert whole.answer.blocks == (Text("one two three"),)
    assert carrier.pid not in (0, dead)


PARENT = """
import asyncio, sys
from pathlib import Path
from actors.transports.litellm_child import LitellmProcess

async def main():
    child = await LitellmProcess.start(Path(sys.argv[1]))
    print(child.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_the_child_dies_with_its_parent_even_while_it_imports(tmp_path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(DEADLINE_S):
        while _lives(child):
            await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    """Whether it runs; a zombie that nobody reaps has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
