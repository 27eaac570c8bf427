"""The owner's switches, projects, workers and messages."""

import pytest

from engine.errors import BadInput, Conflict, NotFound
from engine.outcomes import Drained
from engine.records import Project, Shard, Worker
from store.verbs import control, messages

from .kit import task


def shard(house):
    return house.store.read(lambda tables: tables.get(Shard, 0))


def worker(house, *, busy=False):
    """Give the name of a session that exists."""
    job_id = house.submit(task("a", cwd="/d"))["a"]
    name = house.claim()["a"].job.owner
    if not busy:
        house.succeed(job_id)
    return name


def test_a_halt_stops_everything_and_is_remembered(house):
    job_id = house.submit(task("a"))["a"]
    owner = house.claim()["a"].job.owner
    house.do(control.halt)
    assert house.stops == [(owner, job_id, 1, "halt")]
    assert shard(house).halted_at == house.now
    house.report(job_id, Drained())
    assert str(house.state(job_id)) == "ready"


def test_a_second_halt_stops_again_but_is_told_once(house):
    house.do(control.halt)
    first = shard(house).halted_at
    house.do(control.halt)
    assert shard(house).halted_at == first
    assert house.kinds("house") == ["house.halted"]


def test_resume_lifts_halt_and_pause(house):
    house.do(control.pause)
    house.do(control.halt)
    house.do(control.resume_house)
    assert (shard(house).halted_at, shard(house).paused_at) == (0, 0)
    house.do(control.resume_house)
    assert house.kinds("house").count("house.resumed") == 1


def test_an_idle_worker_can_be_retired_and_its_directory_gets_a_new_one(house):
    name = worker(house)
    assert house.do(control.retire_worker, name).state == "retired"
    again = house.submit(task("b", cwd="/d"))["b"]
    house.succeed(again)
    (row,) = house.find(Worker)
    assert (row.state, row.jobs) == ("idle", 1)


def test_a_busy_worker_cannot_be_retired(house):
    with pytest.raises(Conflict, match="runs job"):
        house.do(control.retire_worker, worker(house, busy=True))


def test_nobody_is_retired_who_is_not_there(house):
    with pytest.raises(NotFound):
        house.do(control.retire_worker, "session/nobody")


def test_a_project_can_be_changed_and_keeps_its_age(house):
    house.do(control.add_project, Project(id="p", name="P", created_at=5))
    house.do(control.add_project, Project(id="p", name="P2", created_at=9))
    (project,) = house.find(Project)
    assert (project.name, project.created_at) == ("P2", 5)


def test_a_message_is_delivered_once(house):
    name = worker(house)
    message = house.do(messages.send, name, "Look left.")
    assert [row.body for row in house.do(messages.undelivered, name)] == ["Look left."]
    assert house.do(messages.delivered, message)
    assert not house.do(messages.delivered, message)
    assert house.do(messages.undelivered, name) == []


def test_a_message_needs_a_session_and_a_known_mode(house):
    with pytest.raises(NotFound):
        house.do(messages.send, "session/nobody", "Hello?")
    with pytest.raises(BadInput):
        house.do(messages.send, worker(house), "Hello?", mode="shout")
