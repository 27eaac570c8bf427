"""up, down, status, halt, resume, check, doctor, open: before a supervisor of paper."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from engine.errors import HouseFault
from engine.tickets import Purpose, holds
from interfaces.cli import rise
from interfaces.examination import open_doors

STATUS = {
    "phase": "ready", "detail": "", "at": 1, "pid": 1, "home": "/h", "version": "0.1.0",
    "halted": False, "restarts": {"head": 0, "warden": 2}, "processes": 9, "memory_bytes": 2**20,
    "api": "http://127.0.0.1:8420",
    "house": {
        "slots": 20, "running": 3, "halted_at": 0, "paused_at": 0, "last_seq": 9,
        "counts": {"running": {"P2": 3}, "ready": {"P0": 1, "P5": 2}},
    },
}  # fmt: skip
CRASHING = "raise SystemExit('no port is free')"


@contextmanager
def supervisor(home, answers):
    """Answer control requests: `answers` maps `do` to a list of lines."""
    asked = []

    class Wire(socketserver.StreamRequestHandler):
        def handle(self):
            request = json.loads(self.rfile.readline())
            asked.append(request)
            lines = answers.get(request["do"], [])
            for line in lines() if callable(lines) else lines:
                self.wfile.write(json.dumps(line).encode() + b"\n")

    server = socketserver.ThreadingUnixStreamServer(str(home.root / "control.sock"), Wire)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_status_shows_what_runs(helio, home):
    with supervisor(home, {"status": [{"ok": STATUS}]}):
        ran = helio("status")
        told = helio("status", "--json").json
    assert ran.code == 0
    assert "3 of 20 busy" in ran.out
    assert "3 running, 3 ready" in ran.out
    assert "warden 2" in ran.out
    assert told["house"]["running"] == 3


def test_status_says_in_one_line_when_no_model_can_be_called(helio, home):
    with supervisor(home, {"status": [{"ok": STATUS | {"home": str(home.root)}}]}):
        assert "no provider is configured. Begin: helio model init" in helio("status").out
        home.models.write_text("[providers.ollama]\n")
        assert "provider" not in helio("status").out


def test_status_and_doctor_say_what_keeps_the_router_from_its_work(helio, home):
    home.models.write_text("[providers.ollama]\n")
    damaged = {"detail": "The router's ledger is damaged.", "remedy": "Move it away."}
    with supervisor(home, {"status": [{"ok": STATUS | {"models_problem": damaged}}]}):
        assert "The router's ledger is damaged. Move it away." in helio("status").out
        [line] = [one for one in helio("doctor").out.splitlines() if one.startswith("fail models")]
        assert "Move it away." in line


def test_status_without_a_house_ends_with_4(helio):
    ran = helio("status", "--json")
    assert ran.code == 4
    assert ran.problem["remedy"] == "Start it: helio up"


def test_up_where_it_is_up_shows_the_status_and_ends_with_0(helio, home):
    with supervisor(home, {"status": [{"ok": STATUS}]}) as asked:
        ran = helio("up")
    assert ran.code == 0
    assert "3 of 20 busy" in ran.out
    assert {request["do"] for request in asked} == {"status"}


def test_up_refuses_wrong_settings_before_it_starts_anything(helio, home):
    home.config.write_text("[house]\nslots = 0\n")
    ran = helio("up")
    assert ran.code == 2
    assert "house.slots is 0" in ran.err
    assert not home.logs.exists()


def test_a_supervisor_that_dies_is_told_with_its_last_words(home, monkeypatch):
    real = subprocess.Popen

    def crash(_argv, **given):
        return real([sys.executable, "-c", CRASHING], **given)

    monkeypatch.setattr(rise.subprocess, "Popen", crash)
    with pytest.raises(HouseFault) as caught:
        rise.start(home, lambda _: None)
    assert "no port is free" in caught.value.detail
    assert "helio doctor" in caught.value.remedy


def test_a_start_that_fails_for_a_known_reason_says_that(home, monkeypatch):
    problem = HouseFault("Port 8420 is taken.", remedy="Set serve.port.").as_problem()
    phases = [{"phase": "waking"}, {"phase": "failed", "problem": problem}]
    real = subprocess.Popen
    monkeypatch.setattr(
        rise.subprocess, "Popen", lambda _, **given: real([sys.executable, "-c", ""], **given)
    )
    told = []
    with (
        supervisor(home, {"status": [{"ok": STATUS}], "phases": phases}),
        pytest.raises(HouseFault) as caught,
    ):
        rise.start(home, told.append)
    assert caught.value.detail == "Port 8420 is taken."
    assert told == [{"phase": "waking"}]


def test_down_waits_until_the_supervisor_is_gone(helio, home):
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as doomed:
        answers = {"down": [{"ok": {"stopping": True, "pid": doomed.pid}}]}
        with supervisor(home, answers):
            threading.Timer(0.2, doomed.stdin.close).start()
            ran = helio("down")
        assert ran.code == 0
        assert "down" in ran.err
        assert not rise._lives(doomed.pid)


def test_up_follows_a_house_that_is_starting_until_it_is_ready(helio, home):
    standing = iter([[{"ok": STATUS | {"phase": "head"}}]])
    phases = [{"phase": "head", "detail": "Starting the Ray head"}, {"phase": "ready"}]
    answers = {"status": lambda: next(standing, [{"ok": STATUS}]), "phases": phases}
    with supervisor(home, answers) as asked:
        ran = helio("up")
    assert ran.code == 0
    assert "Starting the Ray head" in ran.err
    assert "Ready" in ran.err
    assert {"do": "phases"} in asked


def test_up_outwaits_a_house_that_stops_and_starts_another(home, monkeypatch):
    leaving = STATUS | {"phase": "stopping", "pid": 4_194_000}  # a pid that nobody has
    seen = iter([leaving, None])
    started, told = [], []
    monkeypatch.setattr(rise, "running", lambda _: next(seen))
    monkeypatch.setattr(rise, "start", lambda home, _: started.append(home))
    rise.ensure(home, told.append)
    assert started == [home]
    assert told == [{"phase": "stopping", "detail": "Waiting for the house that stops"}]


def test_a_start_that_finds_the_home_held_waits_for_the_other(home, monkeypatch):
    seen = iter([None, None, None])
    spawned = []
    real = subprocess.Popen

    def spawn(_argv, **given):
        spawned.append(real([sys.executable, "-c", ""], **given))
        spawned[-1].wait()
        return spawned[-1]

    monkeypatch.setattr(rise.subprocess, "Popen", spawn)
    monkeypatch.setattr(rise, "running", lambda _: next(seen, STATUS))
    monkeypatch.setattr(rise, "rest", lambda _: None)
    with supervisor(home, {"phases": [{"phase": "ready"}]}):
        rise.start(home, lambda _: None)
    assert len(spawned) == 2


def test_a_start_that_is_told_to_stop_says_so(home):
    with (
        supervisor(home, {"phases": [{"phase": "head"}, {"phase": "stopped"}]}),
        pytest.raises(HouseFault, match="told to stop"),
    ):
        rise._follow(home, lambda _: None)


def test_down_tells_what_it_waits_for(helio, home):
    answers = {
        "down": [{"ok": {"stopping": True, "pid": 4_194_000}}],
        "phases": [
            {"phase": "doors", "detail": "Opening the API"},
            {"phase": "stopping", "detail": "Waiting up to 10 s for running jobs"},
            {"phase": "stopped", "detail": "Nothing is left running"},
        ],
    }
    with supervisor(home, answers):
        ran = helio("down")
    assert "Waiting up to 10 s for running jobs" in ran.err
    assert "Opening" not in ran.err


def test_who_stops_watching_a_start_is_told_that_it_goes_on(helio, home, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(rise, "ensure", interrupt)
    ran = helio("up")
    assert (ran.code, "goes on starting" in ran.err) == (130, True)


def test_a_house_that_starts_has_no_problem_with_actors_that_are_not_there_yet(helio, home):
    away = {"house": None, "house_problem": {"detail": "The actors cannot be reached."}}
    phases = iter(["head", "ready"])
    answers = {"status": lambda: [{"ok": STATUS | away | {"phase": next(phases)}}]}
    with supervisor(home, answers):
        assert "cannot be reached" not in helio("status").out
        assert "cannot be reached" in helio("status").out


@pytest.mark.parametrize("word", ["halt", "resume"])
def test_without_a_house_there_is_nothing_to_halt(helio, word):
    ran = helio(word)
    assert ran.code == 4
    assert "helio up" in ran.err


def test_a_command_during_the_start_says_that_it_is_starting(helio, home):
    home.ports.write_text('{"control": "/x"}')
    ran = helio("job", "list")
    assert (ran.code, "is starting" in ran.err) == (4, True)


def test_down_without_a_house_is_no_error(helio):
    ran = helio("down")
    assert (ran.code, "was not running" in ran.err) == (0, True)


def test_a_house_that_does_not_go_is_told(helio, home):
    answers = {"down": [{"ok": {"stopping": True, "pid": os.getpid()}}]}
    with supervisor(home, answers):
        ran = helio("down", "--timeout", "1")
    assert ran.code == 1
    assert "still runs" in ran.err


@pytest.mark.parametrize("word", ["halt", "resume"])
def test_halt_and_resume_go_over_the_control_socket(helio, home, word):
    with supervisor(home, {word: [{"ok": {"halted": word == "halt"}}]}) as asked:
        assert helio(word).code == 0
    assert asked == [{"do": word, "by": "cli"}]


def test_pause_is_a_desk_word(helio, house):
    house.on("house.pause", STATUS["house"])
    assert helio("pause").code == 0
    assert house.bodies("house.pause") == [{"by": "cli"}]


def test_check_prints_every_problem_and_ends_with_2(helio, home):
    home.config.write_text("[house]\nslots = 0\n[serve]\nprt = 1\n")
    ran = helio("check")
    assert ran.code == 2
    assert ran.err.count("error: ") == 2
    told = helio("check", "--json")
    assert told.code == 2
    assert [problem["fatal"] for problem in told.json["problems"]] == [True, True]


def test_check_show_names_values_and_sources(helio, home, monkeypatch):
    monkeypatch.setenv("HELIOGRAPH_SERVE__PORT", "9000")
    ran = helio("check", "--show")
    assert ran.code == 0
    assert "HELIOGRAPH_SERVE__PORT" in ran.out
    rows = {row["name"]: row for row in helio("check", "--show", "--json").json["settings"]}
    assert rows["serve.port"] == {
        "name": "serve.port", "value": 9000, "source": "HELIOGRAPH_SERVE__PORT",
    }  # fmt: skip


def test_doctor_finds_a_token_that_others_can_read(helio, home):
    home.root.chmod(0o700)
    assert helio("doctor").code == 0
    home.token.write_text("t")
    home.token.chmod(0o644)
    ran = helio("doctor", "--json")
    assert ran.code == 1
    ill = [item for item in ran.json["items"] if item["standing"] == "fail"]
    assert [item["what"] for item in ill] == ["token"]
    assert ill[0]["remedy"] == f"chmod 600 {home.token}"


def test_doctor_sees_a_listener_that_others_can_reach():
    listen = (
        "import socket; s = socket.create_server((%r, 0));"
        "print(s.getsockname()[1], flush=True); __import__('sys').stdin.read()"
    )
    for host, seen in (("0.0.0.0", True), ("127.0.0.1", False)):
        with subprocess.Popen(
            [sys.executable, "-c", listen % host],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as open_to_all:  # fmt: skip
            port = int(open_to_all.stdout.readline())
            found = {door[1] for door in open_doors(open_to_all.pid)}
            open_to_all.stdin.close()
        assert (port in found) is seen


def test_open_shows_the_token_only_when_asked(helio, home):
    places = {"api": "http://127.0.0.1:1", "dashboard": "http://127.0.0.1:2"}
    home.ports.write_text(json.dumps(places))
    home.ray_token.write_text("ray-secret")
    hidden = helio("open", "--ray")
    assert "http://127.0.0.1:2" in hidden.out
    assert "ray-secret" not in hidden.out + hidden.err
    assert helio("open", "--ray", "--show-token", "--json").json["token"] == "ray-secret"


def test_open_makes_a_link_that_lets_one_browser_in(helio, home):
    home.ports.write_text(json.dumps({"api": "http://127.0.0.1:1", "dashboard": "x"}))
    home.token.write_text("the-token")
    url = helio("open", "--json").json["url"]
    address, _, ticket = url.partition("#ticket=")
    assert address == "http://127.0.0.1:1/"
    now = time.time_ns() // 1000
    assert holds(ticket, "the-token", Purpose.LOGIN, now)
    assert not holds(ticket, "the-token", Purpose.LOGIN, now + 301_000_000)
    assert "the-token" not in url
