"""Kill any process of a house, and it stands again in time; kill its root, and nothing is left."""

from __future__ import annotations

import json
import os
import signal
from time import monotonic

import httpx
import psutil
import pytest

from engine.errors import HelioError
from tests.fault.house import House, eventually

pytestmark = pytest.mark.fault


def is_well(house: House) -> bool:
    """Everything answers: the supervisor, the dispatcher through the warden, and all doors."""
    try:
        status = house.ask({"do": "status"})
        if status["phase"] != "ready" or not (status["house"] or {}).get("ready"):
            return False
        for page in ("/v1/jobs", "/"):
            if httpx.get(status["api"] + page, timeout=2).status_code not in {200, 303, 401}:
                return False
        gateway = json.loads(house.home.gateway.read_text())["url"]
        if httpx.get(f"{gateway}/healthz", timeout=2).status_code != 200:
            return False
    except (HelioError, httpx.HTTPError):
        return False
    return True


@pytest.mark.parametrize(
    ("kind", "within_s"),
    [
        ("warden", 20),
        ("dispatcher", 10),
        ("hub", 10),
        ("router", 10),
        ("council", 10),
        ("replica", 20),
        ("controller", 20),
        ("proxy", 20),
        ("gcs", 60),
        ("raylet", 60),
        ("head", 60),
    ],
)
def test_a_killed_process_is_replaced_and_all_is_well_in_time(
    house: House, kind: str, within_s: float
) -> None:
    began = monotonic()
    killed = house.kill(kind)
    house.await_another(kind, killed, within_s)
    eventually(lambda: is_well(house), within_s - (monotonic() - began), "all is well")


def test_a_halt_is_kept_although_no_actor_is_there_to_take_it(house: House) -> None:
    dispatcher = psutil.Process(house.pid("dispatcher"))
    house.kill("head")
    psutil.wait_procs([dispatcher], timeout=10)
    house.ask({"do": "halt", "by": "test"})
    assert house.home.halted.exists()
    assert house.ask({"do": "status"})["halted"]
    eventually(lambda: is_well(house), 60, "all is well")
    eventually(lambda: not house.home.halted.exists(), 20, "a dispatcher has taken the order")
    assert house.ask({"do": "status"})["house"]["halted_at"]
    house.ask({"do": "resume", "by": "test"})
    assert not house.ask({"do": "status"})["halted"]


def test_a_killed_supervisor_takes_everything_with_it_and_the_next_one_starts_clean(
    house: House,
) -> None:
    house.kill("supervisor")
    house.assert_nothing_left(deadline_s=5)
    house.start()
    house.await_ready()
    eventually(lambda: is_well(house), 20, "all is well")


def test_a_supervisor_killed_together_with_the_cradle_leaves_what_the_next_one_ends(
    house: House,
) -> None:
    cradle = house.pid("cradle")
    house.kill("supervisor")
    os.kill(cradle, signal.SIGKILL)
    house.start()
    house.await_ready()
    eventually(lambda: is_well(house), 20, "all is well")
