"""A house of paper: a real HTTP server that speaks `/v1` from a script, and `helio` before it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from engine.errors import Denied, HelioError, NotFound
from interfaces.cli import reach
from interfaces.cli.main import main
from interfaces.routes import ARTEFACT_PATH, LOG_PATH, ROUTES, STREAM_PATH
from store.home import Home

TOKEN = "a-token-of-the-test"
JOB = {
    "id": "01hzzzzzzzzzzzzzzz4kq8w2mz",
    "name": "greet",
    "lane": "P2",
    "backend": "shell",
    "state": "succeeded",
    "reason": "",
    "created_at": 1,
    "started_at": 2_000_000,
    "finished_at": 3_000_000,
    "result": {"text": "hello\n", "exit_code": 0},
    "error": None,
    "cost_usd": 0.0,
}


@dataclass
class PaperHouse:
    """Answers each desk word by what the test scripted; keeps what it was asked."""

    home: Home
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stream: list[str] = field(default_factory=list)  # what each SSE connection sends
    log: list[dict[str, Any]] = field(default_factory=list)  # pieces, in order
    files: dict[tuple[str, str], bytes] = field(default_factory=dict)  # by job and name

    def on(self, word: str, answer: Any) -> None:
        """Script a word: a dict, an error, a list of them in turn, or a function of the body."""
        self.answers[word] = answer

    def respond(self, word: str, body: dict[str, Any]) -> dict[str, Any]:
        """Give the scripted answer."""
        self.asked.append((word, body))
        answer = self.answers.get(word, NotFound(f"nothing was scripted for {word}"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Callable):
            answer = answer(body)
        if isinstance(answer, HelioError):
            raise answer
        return answer

    def bodies(self, word: str) -> list[dict[str, Any]]:
        """Give what a word was asked with."""
        return [body for asked, body in self.asked if asked == word]


class Door(BaseHTTPRequestHandler):
    """Finds the desk word of a request and answers it."""

    house: PaperHouse
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == STREAM_PATH:
            self.stream()
            return
        pattern = re.sub(r"{(\w+)}", r"([^/]+)", ARTEFACT_PATH)
        if found := re.fullmatch(pattern, unquote(url.path)):
            self.deliver(200, self.house.files[found.groups()], "text/plain")
            return
        query = parse_qs(url.query)
        self.answer({k: v if len(v) > 1 else v[0] for k, v in query.items()}, url.path)

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.answer(json.loads(self.rfile.read(length) or b"{}"), self.path)

    def answer(self, body: dict[str, Any], path: str) -> None:
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Denied("The token is wrong.", remedy="Use the house's own token.")
            if key := self.headers.get("Idempotency-Key"):
                body["idem_key"] = key
            self.send(200, self.word(body, path), "application/json")
        except HelioError as refusal:
            self.send(refusal.status, refusal.as_problem(), "application/problem+json")

    def word(self, body: dict[str, Any], path: str) -> dict[str, Any]:
        if re.fullmatch(LOG_PATH.replace("{id}", "[^/]+"), path):
            return self.house.log.pop(0)
        for word, route in ROUTES.items():
            pattern = re.sub(
                r"{(\w+)}",
                r"(?P<\1>.+)" if word.startswith(("worker", "model")) else r"(?P<\1>[^/]+)",
                route.path,
            )
            found = re.fullmatch(pattern, unquote(path))
            if found and route.method == self.command:
                return self.house.respond(word, body | found.groupdict())
        raise NotFound(f"No door at {path}.")

    def send(self, status: int, body: dict[str, Any], kind: str) -> None:
        self.deliver(status, json.dumps(body).encode(), kind)

    def deliver(self, status: int, raw: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def stream(self) -> None:
        self.house.asked.append(("stream", parse_qs(urlsplit(self.path).query)))
        if not self.house.stream:
            self.send(503, {}, "application/json")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.house.stream.pop(0).encode())
        self.close_connection = True

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def paper_house(home: Home):
    """Open a paper house in a home."""
    house = PaperHouse(home)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneDoor", (Door,), {"house": house}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    home.ports.write_text(json.dumps({"api": f"http://127.0.0.1:{server.server_port}"}))
    home.token.write_text(TOKEN)
    try:
        yield house
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home that the environment names."""
    monkeypatch.setenv("HELIOGRAPH_HOME", str(tmp_path))
    reach.choose("")
    return Home.at(tmp_path)


@pytest.fixture
def house(home):
    """A paper house that is up."""
    with paper_house(home) as opened:
        yield opened


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.out)

    @property
    def problem(self) -> dict[str, Any]:
        """Stderr as one problem object."""
        return json.loads(self.err)


@pytest.fixture
def helio(home, capsys):
    """Run one `helio` command in this process."""

    def ran(*argv: str) -> Ran:
        capsys.readouterr()
        code = main(argv)
        told = capsys.readouterr()
        return Ran(code, told.out, told.err)

    return ran


@pytest.fixture
def job() -> dict[str, Any]:
    """A job's view, at rest."""
    return dict(JOB)
