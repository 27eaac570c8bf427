"""The supervisor's loop over heads and wardens that are no Ray: what it does about each death.

Each case runs in a process of its own, because a supervisor ends every process below itself.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

STAGE = """
import asyncio, json, os, sys
from engine.errors import HelioError
from engine.settings import RaySettings, ServeSettings, Settings
from actors.clock import SystemClock
from serve.supervisor import head, homestead, kin, link, supervision
from serve.supervisor.progress import Progress
from store.home import Home

root, head_code, start_s, warden_code = sys.argv[1:]
home = Home.at(root)
homestead.settle_in(home)
kin.adopt_orphans()
supervision.PAUSES_S = (0.0,)
head.command = lambda grounds: [sys.executable, "-c", head_code, str(grounds.ray_dir)]
link.command = lambda grounds, wire: [sys.executable, "-c", warden_code, str(wire)]
phases = []
tell = Progress.tell
Progress.tell = lambda self, phase, *rest: (phases.append(phase), tell(self, phase, *rest))[1]

async def live():
    ray = RaySettings(start_timeout_s=float(start_s))
    settings = Settings(serve=ServeSettings(port=0), ray=ray)
    run_dir = home.root / "run"
    run_dir.mkdir(exist_ok=True)
    house = supervision.Supervision(home, settings, run_dir, Progress(SystemClock()))
    try:
        await house.run(dict(os.environ))
    except HelioError as fault:
        return fault.as_problem()

problem = asyncio.run(live())
print(json.dumps([problem, phases, len(kin.descendants(os.getpid()))]))
"""
IDLE = "import time; time.sleep(600)"
# A head is up when it has written the address of its cluster.
UP = """
import pathlib, sys, time
here = pathlib.Path(sys.argv[1])
here.mkdir()
(here / "ray_current_cluster").write_text("here:1")
time.sleep(600)
"""
WIRE = """
import json, os, pathlib, signal, socket, sys
wire = socket.socket(fileno=int(sys.argv[1])).makefile("rw")
asked = json.loads(wire.readline())
say = lambda what: print(json.dumps(what), file=wire, flush=True)
"""


def complaining(slug: str) -> str:
    """Write a warden that tells of a problem and ends."""
    fault = {"type": f"urn:heliograph:problem:{slug}", "detail": "So.", "remedy": "Do."}
    asked = "assert asked == {'do': 'raise', 'ray': 'here:1'}\n"
    return WIRE + asked + f"say({{'problem': {fault}}})"


def run(
    root: Path, head: str, warden: str, start_s: float = 20
) -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-c", STAGE, str(root), head, str(start_s), warden]
    return subprocess.run(line, capture_output=True, timeout=60, check=False)


def play(
    root: Path, head: str, warden: str = IDLE, start_s: float = 20
) -> tuple[dict[str, Any], list[str]]:
    """Run a supervisor over these Python texts; gives its problem and phases."""
    ended = run(root, head, warden, start_s)
    assert ended.returncode == 0, ended.stderr.decode()
    problem, phases, left = json.loads(ended.stdout.splitlines()[-1])
    assert left == 0
    return problem, phases


def test_a_head_that_always_ends_is_tried_three_times_and_then_explained(tmp_path: Path) -> None:
    problem, phases = play(tmp_path, "import sys; sys.exit('no room for Ray')")
    assert phases.count("head") == 3
    assert "did not come up in 3 tries" in problem["detail"]
    assert "no room for Ray" in problem["detail"]
    assert str(tmp_path) in problem["remedy"]


def test_a_head_that_never_answers_is_ended_with_everything_below_it(tmp_path: Path) -> None:
    hanging = "import os, time\nos.fork() or (os.setsid(), os.fork())\ntime.sleep(600)"
    problem, phases = play(tmp_path, hanging, start_s=0.3)
    assert phases.count("head") == 3
    assert "was not up within 0.3 s" in problem["detail"]


def test_a_warden_that_ends_is_tried_anew_beside_the_same_head(tmp_path: Path) -> None:
    problem, phases = play(tmp_path, UP, "import sys; sys.exit(9)")
    assert phases.count("head") == 1
    assert phases.count("crew") == 3
    assert "The warden ended with code 9" in problem["detail"]


def test_what_the_warden_said_before_it_ended_is_what_the_owner_reads(tmp_path: Path) -> None:
    problem, phases = play(tmp_path, UP, complaining("store-full"))
    assert problem["detail"].endswith("3 tries. So.")
    assert problem["remedy"] == "Do."
    assert phases.count("crew") == 3


def test_a_fault_that_lasts_is_not_tried_again(tmp_path: Path) -> None:
    problem, phases = play(tmp_path, UP, complaining("newer-schema"))
    assert (problem["detail"], problem["remedy"]) == ("So.", "Do.")
    assert phases.count("crew") == 1


def test_a_house_that_was_whole_never_gives_up(tmp_path: Path) -> None:
    wardens = tmp_path / "wardens"
    dying = WIRE + (
        f"mark = pathlib.Path({str(wardens)!r})\n"
        "mark.write_text((mark.read_text() if mark.exists() else '') + 'w')\n"
        "say({'phase': 'ready', 'detail': ''})\n"
        "len(mark.read_text()) < 6 or os.kill(os.getppid(), signal.SIGTERM)\n"
    )
    assert run(tmp_path / "home", UP, dying).returncode == -signal.SIGTERM
    assert wardens.read_text() == "wwwwww"
