"""The client: addresses, refusals that are none of ours, and a stream that comes back."""

from __future__ import annotations

import json

import pytest

from engine.errors import Denied, HelioError, Unavailable
from interfaces.client import Client, Unreachable
from interfaces.routes import ROUTES, call_of
from interfaces.sse import frames


def event(seq: int, kind: str = "job.ready") -> str:
    body = {"seq": seq, "kind": kind, "subject": "j", "at": 1, "data": {}}
    head = f"id: {seq}\n" if seq else ""
    return f"{head}event: {kind}\ndata: {json.dumps(body)}\n\n"


def test_names_of_the_path_leave_the_body_and_the_key_becomes_a_header():
    call = call_of("job.cancel", {"id": "abcd", "by": "cli"})
    assert (call.method, call.path, call.body) == ("POST", "/v1/jobs/abcd/cancel", {"by": "cli"})
    call = call_of("job.submit", {"jobs": [], "idem_key": "k"})
    assert (call.body, call.idem_key) == ({"jobs": []}, "k")


def test_a_name_cannot_leave_its_place_in_the_path():
    assert call_of("job.show", {"id": "../x?y#z"}).path == "/v1/jobs/..%2Fx%3Fy%23z"
    assert call_of("worker.show", {"name": "session/a-b"}).path == "/v1/workers/session/a-b"


def test_every_word_of_the_desk_has_an_address():
    spoken = {word for word in ROUTES if call_of(word, {"id": "i", "name": "n"}).path}
    assert spoken == set(ROUTES)


def test_frames_are_read_and_comments_and_halves_are_dropped():
    text = ": beat\n\n" + event(7) + event(0, "job.output") + "id: 9\ndata: {}\n"
    found = list(frames(text.split("\n")[:-1]))
    assert [(frame.seq, frame.kind) for frame in found] == [(7, "job.ready"), (0, "job.output")]


def test_a_broken_stream_goes_on_behind_the_last_event(house):
    house.stream = [event(4) + event(5), "", event(6)]
    pauses: list[float] = []
    client = Client.of(house.home, pause=pauses.append)
    followed = client.events(3, ["job."], "j")
    assert [next(followed).seq for _ in range(3)] == [4, 5, 6]
    asked = [body for word, body in house.asked if word == "stream"]
    assert [body["after"] for body in asked] == [["3"], ["5"], ["5"]]
    assert asked[0]["prefix"] == ["job."]
    assert asked[0]["subject"] == ["j"]
    with pytest.raises(Unreachable):
        next(followed)
    assert pauses == sorted(pauses)[: len(pauses)] or max(pauses) <= 5
    client.close()


def test_no_file_and_no_listener_are_unreachable(home):
    with pytest.raises(Unreachable) as caught:
        Client.of(home)
    assert "helio up" in caught.value.remedy
    home.ports.write_text('{"api": "http://127.0.0.1:1"}')
    with pytest.raises(Denied):
        Client.of(home)
    home.token.write_text("x")
    client = Client.of(home)
    with pytest.raises(Unreachable) as caught:
        client.ask("house.status")
    assert caught.value.exit_code == 4
    client.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Denied), (403, Denied), (404, Unavailable), (503, Unavailable), (502, Unavailable),
     (500, HelioError)],
)  # fmt: skip
def test_a_refusal_of_somebody_else_still_becomes_a_typed_error(house, status, kind):
    class Strange(HelioError):
        def as_problem(self):
            return {"error": "a proxy's page"}

    Strange.status = status
    house.on("house.status", Strange("x"))
    client = Client.of(house.home)
    with pytest.raises(kind) as caught:
        client.ask("house.status")
    assert str(status) in caught.value.detail
    client.close()
