"""Ports are free when they are chosen, differ, and an owner's wish is kept or refused."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import astuple

import pytest

from engine.errors import PortBusy
from engine.settings import RaySettings, ServeSettings, Settings
from serve.supervisor import ports
from store.home import Home


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen(1)
        yield stranger.getsockname()[1]


def test_every_port_is_another_one() -> None:
    chosen = astuple(ports.choose(Settings(serve=ServeSettings(port=0))))
    assert len(set(chosen)) == len(chosen)
    assert all(1024 < port < 65536 for port in chosen)


def test_a_named_port_that_is_taken_is_refused_with_its_holder(taken: int) -> None:
    with pytest.raises(PortBusy, match=rf"Port {taken} on 127.0.0.1 is taken") as caught:
        ports.choose(Settings(serve=ServeSettings(port=taken)))
    assert "serve.port" in caught.value.remedy
    assert caught.value.facts == {"port": taken}
    assert f"(pid {os.getpid()})" in caught.value.detail


def test_a_port_of_ray_that_is_taken_is_refused_by_its_own_name(taken: int) -> None:
    with pytest.raises(PortBusy) as caught:
        ports.choose(Settings(ray=RaySettings(dashboard_port=taken)))
    assert "ray.dashboard_port" in caught.value.remedy


def test_a_default_port_that_is_taken_gives_way(taken: int) -> None:
    default = ServeSettings.model_construct(_fields_set=set(), host="127.0.0.1", port=taken)
    chosen = ports.choose(Settings.model_construct(serve=default, ray=RaySettings()))
    assert chosen.http not in {taken, 0}


def test_ports_json_tells_the_addresses_and_is_private(tmp_path) -> None:
    home = Home.at(tmp_path)
    chosen = ports.Ports(*range(9001, 9009))
    told = ports.record(home, chosen, Settings(), pid=7)
    assert json.loads(home.ports.read_text()) == told
    assert told["api"] == "http://127.0.0.1:9001"
    assert told["dashboard"] == "http://127.0.0.1:9003"
    assert told["pid"] == 7
    assert home.ports.stat().st_mode & 0o077 == 0


def test_an_ipv6_address_is_written_as_a_url_wants_it(tmp_path) -> None:
    settings = Settings(serve=ServeSettings(host="::1"))
    told = ports.record(Home.at(tmp_path), ports.Ports(*range(9001, 9009)), settings)
    assert told["api"] == "http://[::1]:9001"
