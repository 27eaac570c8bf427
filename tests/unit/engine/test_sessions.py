"""Routing to a session, and the judgement before an old conversation goes on."""

from __future__ import annotations

import pytest

from engine.errors import Conflict, NotFound
from engine.ids import SessionKey
from engine.records import Worker
from engine.sessions import (
    Candidate,
    ReuseVerdict,
    Talk,
    Unfit,
    Wanted,
    Way,
    judge_reuse,
    route,
)
from engine.settings import ReuseSettings

LIMITS = ReuseSettings()
HERE = SessionKey("local", "/srv/site").name


def one(name, *, project="", model="", directory="", **more):
    worker = Worker(name=name, key=name, host="local", directory=directory, **more)
    return Candidate(worker, project, model)


CREW = [
    one(HERE, directory="/srv/site", project="site", used_at=5),
    one("busy", project="site", state="running", used_at=9),
    one("older", project="site", used_at=1),
    one("gone", project="site", state="retired", used_at=99),
    one("dead", project="site", state="dead", used_at=99),
    one("pool-a", backend="llm", model="m1", persistent=False, used_at=3),
    one("pool-b", backend="llm", model="m1", persistent=False, used_at=4),
]


@pytest.mark.parametrize(
    ("wanted", "session", "way"),
    [
        ({"session": "busy"}, "busy", Way.NAMED),  # it waits there, busy or not
        ({"session": HERE, "directory": "/srv/site"}, HERE, Way.NAMED),
        ({"directory": "/srv/site"}, HERE, Way.DIRECTORY),
        ({"directory": "/new"}, SessionKey("local", "/new").name, Way.DIRECTORY),
        ({"directory": "/srv/site", "backend": "llm"}, HERE, Way.DIRECTORY),
        ({"project": "site"}, HERE, Way.PROJECT),  # the one used last
        ({"project": "site", "backend": "llm", "model": "m1"}, "pool-b", Way.BACKEND),
        ({"project": "other"}, "older", Way.BACKEND),  # never one with another's directory
        ({"backend": "llm", "model": "m1"}, "pool-b", Way.BACKEND),
        ({"backend": "llm", "model": "m2"}, "session/pool-llm-0", Way.NEW),
        ({"backend": "python"}, "session/pool-python-0", Way.NEW),
        ({"host": "elsewhere"}, "session/pool-shell-0", Way.NEW),
    ],
)
def test_a_session_is_found_in_the_order_of_the_five_ways(wanted, session, way):
    found = route(Wanted(**({"host": "local"} | wanted)), CREW)
    assert (found.session, found.way) == (session, way)


def test_a_new_session_takes_the_first_free_name_and_is_ephemeral():
    taken = one("session/pool-python-0", backend="python", state="running")
    found = route(Wanted(host="local", backend="python"), [taken])
    assert found.session == "session/pool-python-1"
    assert not found.persistent


def test_a_named_session_must_exist_and_work_in_the_directory_named_with_it():
    with pytest.raises(NotFound):
        route(Wanted(host="local", session="gone"), CREW)
    with pytest.raises(Conflict):
        route(Wanted(host="local", session=HERE, directory="/else"), CREW)


@pytest.mark.parametrize(
    ("found", "unfit"),
    [
        ({}, None),
        ({"there": False}, Unfit.MISSING),
        ({"directory": "/old"}, Unfit.MOVED),
        ({"size_bytes": LIMITS.size_bytes + 1}, Unfit.TOO_LARGE),
        ({"age_s": LIMITS.age_s + 1}, Unfit.TOO_OLD),
        ({"reuses": LIMITS.times}, Unfit.WORN),
        ({"context_fill": 0.81}, Unfit.FULL),
        ({"there": False, "context_fill": 1}, Unfit.MISSING),
    ],
)
def test_a_conversation_goes_on_only_if_nothing_speaks_against_it(found, unfit):
    verdict = judge_reuse(Talk(**({"there": True, "directory": "/d"} | found)), "/d", LIMITS)
    assert verdict.unfit is unfit
    assert verdict.reusable is (unfit is None)
    assert bool(verdict.reason) is (unfit is not None)


def test_only_a_moved_directory_is_the_owners_question():
    moved = judge_reuse(Talk(there=True, directory="/old"), "/new", LIMITS)
    assert moved.ask_owner
    assert not ReuseVerdict(Unfit.FULL).ask_owner
