"""The control socket and its client, over a real unix socket."""

from __future__ import annotations

import asyncio
import socket
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BadInput, Conflict, Denied, Unavailable
from interfaces import control
from serve import control as served
from serve.control import ControlSocket, control_path
from store.home import Home


async def answer(request: Any) -> dict[str, Any]:
    if request["do"] == "refuse":
        raise Conflict("Not now.", remedy="Later.")
    return {"did": request["do"]}


async def phases() -> AsyncIterator[dict[str, Any]]:
    for phase in ("head", "ready"):
        yield {"phase": phase, "detail": "", "at": 1}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Home]:
    here = Home.at(tmp_path)
    listening = ControlSocket(here.control, answer, phases)
    await listening.open()
    yield here
    await listening.close()
    assert not here.control.exists()


async def ask(home: Home, **request: Any) -> dict[str, Any]:
    return await asyncio.to_thread(control.ask, home, request, 5.0)


async def test_a_request_is_answered(home: Home) -> None:
    assert await ask(home, do="status") == {"did": "status"}


async def test_a_refusal_arrives_as_the_error_it_was(home: Home) -> None:
    with pytest.raises(Conflict, match="Not now") as caught:
        await ask(home, do="refuse")
    assert caught.value.remedy == "Later."


async def test_phases_are_followed_to_the_last(home: Home) -> None:
    told = await asyncio.to_thread(lambda: list(control.phases(home, 5)))
    assert [one["phase"] for one in told] == ["head", "ready"]


async def test_the_socket_is_the_owners_alone(home: Home) -> None:
    assert stat.S_IMODE(home.control.stat().st_mode) == 0o600


async def test_another_user_is_denied(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_peer_uid", lambda _: 54321)
    with pytest.raises(Denied, match="answers its owner only"):
        await ask(home, do="status")


@pytest.mark.parametrize("line", [b"what?\n", b"[1]\n"])
async def test_what_is_no_request_is_said_to_be_none(home: Home, line: bytes) -> None:
    def talk() -> bytes:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.connect(str(home.control))
            wire.sendall(line)
            return wire.makefile("rb").readline()

    assert BadInput.slug.encode() in await asyncio.to_thread(talk)


def test_nobody_there_is_unavailable_and_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        control.ask(Home.at(tmp_path), {"do": "status"}, 1)
    assert "helio up" in caught.value.remedy


async def test_a_home_too_deep_for_a_socket_has_it_in_the_run_directory(tmp_path: Path) -> None:
    deep = Home.at(tmp_path / ("d" * 120))
    deep.root.mkdir()
    path = control_path(deep, Path("/run/short"))
    assert path == Path("/run/short/control.sock")
    deep.ports.write_text(f'{{"control": "{path}"}}')
    assert control.socket_path(deep) == path
