"""A full disk: new work is refused with a remedy, what was accepted is safe and goes on later.

Where this user may mount, the home lies on a file system of a few megabytes that is filled to the
last byte; elsewhere SQLite is given no more pages, and answers as it does on a full disk.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import httpx
import pytest

from interfaces.client import base_url
from store.home import Home
from tests.checks import Op, check_house
from tests.contract.cli.one_process import TOKEN, OneProcess, one_process
from tests.fault.house import eventually, short_dir

pytestmark = pytest.mark.fault
SIZE = "8m"
PAYLOAD = "x" * 100_000


class Disk(Protocol):
    """What a home lies on."""

    def fill(self, house: OneProcess) -> None: ...
    def free(self, house: OneProcess) -> None: ...


class SmallDisk:
    """A file system of its own, and a ballast that takes what is left of it."""

    def __init__(self, root: Path) -> None:
        self._ballast = root / "ballast"

    def fill(self, _: OneProcess) -> None:
        with contextlib.suppress(OSError), self._ballast.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def free(self, _: OneProcess) -> None:
        self._ballast.unlink()


class NoMorePages:
    """A database that may not grow."""

    def fill(self, house: OneProcess) -> None:
        driver = self._driver(house)
        driver.run(f"PRAGMA max_page_count = {driver.rows('PRAGMA page_count')[0][0]}")

    def free(self, house: OneProcess) -> None:
        self._driver(house).run("PRAGMA max_page_count = 1000000")

    @staticmethod
    def _driver(house: OneProcess):
        return house.dispatcher._bureau.store._writer.driver


@pytest.fixture(params=["small disk", "no more pages"])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[Path, Disk]]:
    with short_dir() as root:
        if request.param == "no more pages" or not mounted(root):
            yield root, NoMorePages()
            return
        try:
            yield root, SmallDisk(root)
        finally:
            subprocess.run(["umount", "--lazy", root], check=True)


def mounted(root: Path) -> bool:
    """Mount a small file system there if we may."""
    if os.geteuid() != 0:
        return False
    line = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(root)]
    return subprocess.run(line, capture_output=True, check=False).returncode == 0


def test_a_full_disk_refuses_new_work_and_keeps_all_that_it_took(place: tuple[Path, Disk]) -> None:
    root, disk = place
    home = Home.at(root / "home")
    ops: list[Op] = []

    def submit(run: list[str], stdin: str = "") -> httpx.Response:
        answer = owner.post("/v1/jobs", json={"run": run, "stdin": stdin})
        how = "ok" if answer.is_success else "fail"
        ops.append(Op(name="submit", body={}, how=how, answer=answer.json()))
        return answer

    headers = {"Authorization": f"Bearer {TOKEN}"}
    with one_process(home) as house:
        with httpx.Client(base_url=base_url(home), headers=headers, timeout=30) as owner:
            assert submit(["sh", "-c", "sleep 1; echo late"]).status_code == 201
            disk.fill(house)
            refused = eventually(lambda: full(submit(["true"], PAYLOAD)), 30, "a refusal")
            assert refused["type"] == "urn:heliograph:problem:store-full"
            assert "Free space" in refused["remedy"]
            assert owner.get("/v1/jobs").status_code == 200
            disk.free(house)
            eventually(lambda: submit(["true"], PAYLOAD).is_success, 20, "work is taken again")
            kept = [job for op in ops if op.how == "ok" for job in op.answer["ids"]]
            ends = [owner.get(f"/v1/jobs/{job}/wait?timeout_s=20").json() for job in kept]
            assert {end["state"] for end in ends} == {"succeeded"}
            assert ends[0]["result"]["text"] == "late"
        assert check_house(home.root, ops) == []


def full(answer: httpx.Response) -> dict | None:
    """Give the refusal, if it is one."""
    return answer.json() if answer.status_code == 507 else None
