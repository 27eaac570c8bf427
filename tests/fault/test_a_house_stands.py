"""A house that was started for real: what it looks like, who gets in, and how it ends."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from interfaces import control
from tests.fault.house import House, eventually, short_dir

pytestmark = pytest.mark.fault


def ray_token(house: House) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.home.ray_token.read_text().strip()}"}


def the_ray_apis(house: House) -> list[tuple[str, str, Any]]:
    dashboard = house.ask({"do": "status"})["dashboard"]
    return [
        ("GET", f"{dashboard}/api/v0/actors", None),
        ("GET", f"{dashboard}/api/jobs/", None),
        ("POST", f"{dashboard}/api/jobs/", {"entrypoint": "touch broken-in"}),
        ("GET", f"{dashboard}/api/serve/applications/", None),
        ("DELETE", f"{dashboard}/api/serve/applications/", None),
        ("GET", f"{dashboard}/nodes?view=summary", None),
    ]


def test_a_house_started_among_foreign_packages_of_our_names_runs_right(
    house: House, strange_directory: Path
) -> None:
    status = house.ask({"do": "status"})
    assert status["phase"] == "ready"
    assert status["house"]["ready"]
    assert httpx.get(f"{status['api']}/v1/jobs").status_code == 401
    for one in house.look():
        assert one.cwd() != str(strange_directory)


def test_every_actor_stands_and_none_twice(house: House) -> None:
    counts = {kind: len(pids) for kind, pids in house.pids().items()}
    once = (
        "cradle",
        "warden",
        "head",
        "gcs",
        "raylet",
        "dispatcher",
        "hub",
        "router",
        "council",
        "proxy",
    )
    assert {kind: counts[kind] for kind in once} == dict.fromkeys(once, 1)
    assert counts["replica"] == 1
    assert counts["controller"] == 1


def test_actors_are_as_important_to_the_kernel_as_the_supervisor(house: House) -> None:
    actor = psutil.Process(house.pid("dispatcher"))
    assert actor.nice() == psutil.Process(house.process.pid).nice()
    assert Path(f"/proc/{actor.pid}/oom_score_adj").read_text().strip() == "0"


def test_files_of_the_home_are_the_owners_alone(house: House) -> None:
    home = house.home
    own = (home.token, home.ray_token, home.ports, home.kin, home.control)
    models = (home.gateway, home.gateway_socket, home.router_ledger)
    for path in own + models:
        assert stat.S_IMODE(path.stat().st_mode) & 0o177 == 0, path
    for path in (home.root, home.secrets, home.logs, home.empty):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    assert len(home.ray_token.read_text()) * 4 >= 256


def test_without_the_token_rays_interfaces_answer_401(house: House) -> None:
    for method, url, body in the_ray_apis(house):
        answer = httpx.request(method, url, json=body)
        assert answer.status_code == 401, (method, url)
        answer = httpx.request(method, url, json=body, headers={"Authorization": "Bearer no"})
        assert answer.status_code == 403, (method, url)


def test_with_the_token_ray_lists_the_actors(house: House) -> None:
    dashboard = house.ask({"do": "status"})["dashboard"]
    headers = ray_token(house)
    listed = httpx.get(f"{dashboard}/api/v0/actors", headers=headers, timeout=30).json()
    alive = {
        actor["name"]
        for actor in listed["data"]["result"]["result"]
        if actor["state"] == "ALIVE" and actor["ray_namespace"] == "heliograph"
    }
    assert {"dispatcher", "hub", "router", "council"} <= alive
    assert httpx.get(dashboard, headers=headers).status_code == 200


def test_no_secret_of_the_house_is_in_a_command_line_or_a_log(house: House) -> None:
    secrets = [house.home.token.read_text(), house.home.ray_token.read_text()]
    lines = [" ".join(one.cmdline()) for one in house.look()]
    files = [path for path in house.home.logs.rglob("*") if path.is_file()]
    logs = [path.read_text(errors="replace") for path in files]
    for secret in secrets:
        assert not any(secret in text for text in (*lines, *logs, house.said()))


def test_a_second_start_on_the_same_home_shows_the_first_and_succeeds(house: House) -> None:
    second = subprocess.run(
        [sys.executable, "-P", "-m", "serve", "--home", str(house.home.root)],
        capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert second.returncode == 0
    assert json.loads(second.stdout)["pid"] == house.process.pid


def test_phases_of_a_house_that_is_up_end_at_once_with_ready(house: House) -> None:
    told = [phase["phase"] for phase in control.phases(house.home, 10)]
    assert told[-1] == "ready"


def test_a_port_that_the_owner_named_and_somebody_has_is_a_clear_error() -> None:
    with short_dir() as directory, socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen(1)
        port = stranger.getsockname()[1]
        unlucky = House(directory / "home", settings=f"[serve]\nport = {port}\n", env={})
        unlucky.start(without=("HELIOGRAPH_SERVE__PORT",))
        assert unlucky.process.wait(30) == 1
        assert f"Port {port} on 127.0.0.1 is taken" in unlucky.said()
        assert "serve.port" in unlucky.said()
        unlucky.assert_nothing_left()


def test_settings_that_cannot_be_used_are_said_in_sentences_before_anything_starts() -> None:
    with short_dir() as directory:
        unlucky = House(directory / "home", settings="[house]\nslots = 0\n")
        unlucky.start()
        assert unlucky.process.wait(30) == 2
        assert "house.slots" in unlucky.said()
        unlucky.assert_nothing_left()


# A job that forks a child of another session, which no process group reaches.
STUBBORN = ("sh", "-c", "setsid sleep 600 & echo begun; sleep 600")


def job_processes(house: House) -> list[psutil.Process]:
    """The processes that jobs of this house run now; what ends while we look runs no longer."""
    found = []
    for one in house.look():
        with contextlib.suppress(psutil.NoSuchProcess):
            if one.name() == "sleep":
                found.append(one)
    return found


def begin_stubborn_job(house: House) -> str:
    job = house.submit(*STUBBORN)
    eventually(lambda: len(job_processes(house)) == 2, 30, "the job runs")
    return job


def test_a_job_runs_and_its_result_comes_back(house: House) -> None:
    job = house.submit("echo", "hello")
    done = house.await_job(job, "succeeded", "failed")
    assert done["state"] == "succeeded"
    assert done["result"]["text"].strip() == "hello"


def test_halt_ends_the_processes_of_every_job_and_resume_runs_them_again(house: House) -> None:
    job = begin_stubborn_job(house)
    assert house.ask({"do": "halt", "by": "test"})["house"]["halted_at"]
    eventually(lambda: not job_processes(house), 10, "nothing runs")
    status = house.ask({"do": "status"})
    assert status["halted"]
    assert not house.home.halted.exists()
    house.ask({"do": "resume", "by": "test"})
    assert not house.ask({"do": "status"})["halted"]
    eventually(lambda: len(job_processes(house)) == 2, 30, "the job runs again")
    house.ask({"do": "cancel", "id": job})
    house.await_job(job, "cancelled")
    assert not job_processes(house)


def test_a_second_home_stands_beside_the_first_and_sigterm_leaves_no_process_of_it(
    house: House,
) -> None:
    with short_dir() as directory:
        neighbour = House(directory / "home", settings="[house]\ndrain_s = 1\n")
        with neighbour:
            ours, theirs = house.ask({"do": "status"}), neighbour.ask({"do": "status"})
            assert not set(ours["ports"].values()) & set(theirs["ports"].values())
            job = begin_stubborn_job(neighbour)
            assert neighbour.down(signal.SIGTERM) == 0
            neighbour.assert_nothing_left(deadline_s=1)
            left = {path.name for path in neighbour.home.root.iterdir()}
            assert not left & {"control.sock", "ports.json", "kin.json"}
            neighbour.start()
            neighbour.await_ready()
            assert neighbour.await_job(job, "running")["failures"] == 0
    assert house.ask({"do": "status"})["phase"] == "ready"
