"""What comes out of a real house: no secret in any form, and metrics that Prometheus can read.

A job prints a registered value in every form it can think of, in pieces, and fails with it. Then
everything is searched that the house wrote or says: all files of the home and of Ray's run
directory, the API's answers, live events, pages, metrics, command lines.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import psutil
import pytest

from tests.checks import check_house
from tests.fault.house import House, eventually, short_dir
from tests.fault.test_bad_input_at_the_door import helio

pytestmark = pytest.mark.fault

SECRET = 'p@ss/w0rd+"Qx&9é-Zk7\\tv=42'
TALKER = """
import base64, json, os, sys, time, urllib.parse as u
value = os.environ["TOKEN"]
raw = value.encode()
forms = [value, value[::-1], raw.hex(), raw.hex().upper(), json.dumps(value), u.quote(value),
         u.quote_plus(value), repr({"k": value}), f"https://me:{u.quote(value, safe='')}@host/"]
for lead in ("", "a", "ab"):
    forms += [code(lead.encode() + raw).decode()
              for code in (base64.b64encode, base64.urlsafe_b64encode)]
for form in forms:
    for cut in (1, len(form) // 2, len(form)):
        for out in (sys.stdout, sys.stderr):
            for piece in (form[:cut], form[cut:]):
                out.write(piece); out.flush(); time.sleep(0.002)
            out.write("\\n")
print(json.dumps({"nested": [value, {"deep": value}]}))
sys.exit(f"it failed with {value}" if sys.argv[1:] else 0)
"""


def forms(value: str) -> set[str]:
    """Give every form in which the value must not be found; made without the product's help."""
    raw = value.encode()
    found = {value, value[::-1], raw.hex(), raw.hex().upper()}
    found |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    found |= {quote(value), quote(value, safe=""), quote_plus(value)}
    for shift in range(3):  # what does not depend on the neighbours
        whole = base64.b64encode(b"\\0" * shift + raw + b"\\0" * 3).decode()
        first, last = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
        found |= {whole[first:last], whole[first:last].translate(str.maketrans("+/", "-_"))}
    return found


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with short_dir() as directory, House(directory / "home") as house:
        yield house


def files_of(house: House) -> Iterator[tuple[str, str]]:
    """Read every file of the home but the secrets' own, and all of Ray's run directory."""
    home = house.home
    run_dir = Path(json.loads(home.kin.read_text())["run_dir"])
    for root in (home.root, run_dir):
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink() and home.secrets not in path.parents:
                yield str(path), path.read_bytes().decode("utf-8", "replace")


def answers_of(house: House, jobs: list[str]) -> Iterator[tuple[str, str]]:
    """Ask for everything that shows a job, an event, a log, or a number."""
    status = house.ask({"do": "status"})
    headers = {"Authorization": f"Bearer {house.home.token.read_text().strip()}"}
    paths = ["/v1/jobs", "/v1/events", "/v1/status", "/v1/workers", "/v1/decisions", "/metrics"]
    for job in jobs:
        paths += [f"/v1/jobs/{job}", f"/v1/jobs/{job}/log?epoch=1"]
    with httpx.Client(base_url=status["api"], headers=headers, timeout=30) as client:
        for path in paths:
            yield path, client.get(path).raise_for_status().text
    yield "status", json.dumps(status)


def listen(house: House) -> list[str]:
    """Follow the live events on a thread of its own; gives the list that what comes goes into."""
    heard: list[str] = []
    url = house.ask({"do": "status"})["api"] + "/v1/events/stream?after=0"
    headers = {"Authorization": f"Bearer {house.home.token.read_text().strip()}"}

    def follow() -> None:
        with contextlib.suppress(httpx.HTTPError), httpx.stream("GET", url, headers=headers) as got:
            heard.extend(got.iter_text())

    threading.Thread(target=follow, daemon=True).start()
    return heard


def test_a_secret_is_in_no_row_log_answer_event_or_metric_in_any_form(house: House) -> None:
    told = helio(house.home.root, "secret", "set", "TOKEN", given=SECRET)
    assert told.returncode == 0, told.stderr
    script = house.home.root.parent / "talker.py"
    script.write_text(TALKER)
    heard = listen(house)
    env = {"TOKEN": "secret:TOKEN"}
    argv = [sys.executable, str(script)]
    jobs = [house.submit(*argv, env=env), house.submit(*argv, "fail", env=env, max_failures=0)]
    states = [house.await_job(job, "succeeded", "failed")["state"] for job in jobs]
    assert states == ["succeeded", "failed"]
    ends = ("job.succeeded", "job.failed")
    eventually(lambda: all(end in "".join(heard) for end in ends), 30, "the live stream tells all")
    assert "[redacted]" in "".join(heard)
    shown = house.call("GET", f"/v1/jobs/{jobs[0]}/log?epoch=1")["text"]
    assert shown.count("[redacted]") == 15 * 3 * 2 + 2
    hidden = forms(SECRET)
    leaks = [
        (place, form)
        for place, text in [*files_of(house), *answers_of(house, jobs), ("live", "".join(heard))]
        for form in hidden
        if form in text
    ]
    leaks += [("command line", " ".join(one.cmdline())) for one in house.look() if says(one)]
    assert leaks == []
    assert check_house(house.home.root) == []


def says(one: psutil.Process) -> bool:
    try:
        return SECRET in " ".join(one.cmdline())
    except psutil.Error:
        return False


@contextlib.contextmanager
def prometheus(directory: Path, target: str) -> Iterator[Callable[[str], list[Any]]]:
    """Run a Prometheus that scrapes the target each second; gives how to ask it."""
    config = {"job_name": "heliograph", "scrape_interval": "1s"}
    config |= {"static_configs": [{"targets": [target]}]}
    (directory / "prometheus.yml").write_text(json.dumps({"scrape_configs": [config]}))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        ["prometheus", f"--config.file={directory / 'prometheus.yml'}",
         f"--storage.tsdb.path={directory / 'data'}", f"--web.listen-address={address}",
         "--log.level=error"]
    )  # fmt: skip

    def ask(query: str) -> list[Any]:
        try:
            told = httpx.get(f"http://{address}/api/v1/query", params={"query": query})
            return list(told.json()["data"]["result"])
        except (httpx.TransportError, ValueError, KeyError):
            return []

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.skipif(not shutil.which("prometheus"), reason="Debian's prometheus is not installed")
def test_prometheus_scrapes_a_real_house_and_promtool_has_nothing_to_mend(
    house: House, tmp_path: Path
) -> None:
    job = house.submit("true", lane="P1")
    house.await_job(job, "succeeded")
    api = house.ask({"do": "status"})["api"]
    text = httpx.get(f"{api}/metrics", timeout=30).raise_for_status().text
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    with prometheus(tmp_path, api.removeprefix("http://")) as ask:
        finished = 'heliograph_jobs_finished_total{lane="P1",outcome="succeeded"}'
        (series,) = eventually(lambda: ask(finished), 60, "Prometheus has scraped")
        assert float(series["value"][1]) >= 1
        assert ask("up")[0]["value"][1] == "1"
