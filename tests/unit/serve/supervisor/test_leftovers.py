"""What a killed house left is gone before the next one of that home starts anything."""

import os
import subprocess
import sys

from actors.strays import house_mark
from serve.supervisor import leftovers
from store.home import Home


def bearing(mark):
    name, _, value = mark.partition("=")
    told = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
    one = subprocess.Popen(
        told, env=os.environ | {name: value}, stdout=subprocess.PIPE, start_new_session=True
    )
    one.stdout.readline()  # its own environment stands now, not its parent's
    return one


async def test_a_jobs_process_that_nobody_recorded_is_ended_and_a_neighbours_is_not(tmp_path):
    ours, theirs = Home.at(tmp_path / "ours"), Home.at(tmp_path / "theirs")
    left, neighbour = bearing(house_mark(str(ours.root))), bearing(house_mark(str(theirs.root)))
    with left, neighbour:
        try:
            assert await leftovers.end(ours) == 1
            assert left.wait(5) < 0
            assert neighbour.poll() is None
        finally:
            left.kill()
            neighbour.kill()


async def test_nothing_left_is_nothing_to_do(tmp_path):
    assert await leftovers.end(Home.at(tmp_path)) == 0
