"""Turns of conversations: kept with the outcome that brought them, or not at all."""

from engine.jobs import JobState, Result
from engine.messages import Report, ReportKind
from engine.outcomes import Done, to_wire
from engine.pools import talk_key
from engine.records import Conversation, Turn, Worker
from store.verbs import turns
from store.verbs.report import take_reports

from .kit import House, task

TOLD = [
    {"role": "user", "blocks": [{"type": "text", "text": "Who are you?"}]},
    {"role": "assistant", "blocks": [{"type": "text", "text": "A model."}], "model": "fake-1"},
]
KEY = talk_key("default", "chat")


def ask(key, **spec):
    return task(key, backend="llm", spec={"prompt": "hello"} | spec)


def talk(key):
    return ask(key, conversation="chat")


def end(house, job_id, told=TOLD, *, epoch=1):
    """Report a good end that brings turns."""
    data = to_wire(Done(Result(text="A model."))) | {"turns": told}
    report = Report(job=job_id, epoch=epoch, kind=ReportKind.OUTCOME, at=house.now, data=data)
    house.do(take_reports, [report])


def told(house):
    return [turn.blocks[0]["text"] for turn in house.find(Turn, session=KEY)]


def test_an_accepted_outcome_leaves_its_turns_in_order(house):
    job_id = house.submit(talk("a"))["a"]
    house.claim()
    end(house, job_id)
    assert told(house) == ["Who are you?", "A model."]
    (kept,) = house.find(Conversation)
    assert (kept.id, kept.project, kept.name) == (KEY, "default", "chat")
    assert (kept.turns, kept.model, kept.created_at) == (2, "fake-1", house.now)


def test_a_late_outcome_leaves_no_turn(house):
    job_id = house.submit(talk("a"))["a"]
    house.claim()
    end(house, job_id, epoch=7)
    assert told(house) == []
    end(house, job_id)
    end(house, job_id)
    assert told(house) == ["Who are you?", "A model."]


def test_a_job_without_a_conversation_leaves_no_turn(house):
    job_id = house.submit(ask("a"))["a"]
    house.claim()
    end(house, job_id)
    assert (house.find(Turn), house.find(Conversation)) == ([], [])


def test_the_newest_turns_come_first_and_older_ones_follow_by_cursor(house):
    for session, text in [*(("s", n) for n in ("one", "two", "three", "four")), ("other", "x")]:
        blocks = [{"type": "text", "text": text}]
        house.do(turns.add_turn, Turn(id="", session=session, idx=0, blocks=blocks))

    def newest(before=""):
        rows = house.store.read(lambda tables: turns.newest_turns(tables, "s", before, 2))
        return rows[0].id, [row.blocks[0]["text"] for row in rows]

    first, texts = newest()
    assert texts == ["three", "four"]
    assert newest(first)[1] == ["one", "two"]


def test_jobs_of_one_conversation_go_one_at_a_time(house):
    ids = house.submit(talk("a"), talk("b"), ask("c"))
    assert set(house.claim()) == {"a", "c"}
    assert (house.job(ids["b"]).state, str(house.job(ids["b"]).reason)) == ("blocked", "pool")
    end(house, ids["a"])
    assert set(house.claim()) == {"b"}


def test_conversations_of_two_projects_do_not_wait_for_each_other(house):
    mine = task("a", backend="llm", project="p", spec={"prompt": "x", "conversation": "chat"})
    house.submit(mine, talk("b"))
    assert set(house.claim()) == {"a", "b"}


def test_a_pool_session_of_a_model_is_shared_up_to_its_limit():
    house = House(llm={"at_a_time": 2})
    ids = house.submit(ask("a"), ask("b"), ask("c"), talk("d"))
    owners = [one.job.owner for one in house.claim().values()]
    assert owners == ["session/pool-llm-0"] * 2 + ["session/pool-llm-1"] * 2
    (first, second) = house.find(Worker)
    assert (first.key, second.key) == ("pool:llm", "pool:llm")
    end(house, ids["a"], ())
    again = house.submit(ask("e"))["e"]
    assert house.claim()["e"].job.owner == "session/pool-llm-0"
    assert house.state(again) is JobState.RUNNING
    assert house.violations() == []


def test_a_shared_session_is_idle_when_its_last_job_has_ended(house):
    ids = house.submit(ask("a"), ask("b"))
    house.claim()
    end(house, ids["a"], ())
    assert [worker.state for worker in house.find(Worker)] == ["running"]
    end(house, ids["b"], ())
    assert [worker.state for worker in house.find(Worker)] == ["idle"]


def test_a_model_that_reads_a_directory_does_not_occupy_it(house):
    house.submit(task("a", cwd="/d"), task("b", cwd="/d", backend="llm", spec={"prompt": "x"}))
    taken = house.claim()
    assert taken["b"].job.owner == "session/pool-llm-0"
    assert taken["b"].order.cwd == "/d"
    assert taken["a"].job.owner.startswith("session/d-")
    (worker,) = house.find(Worker, name="session/pool-llm-0")
    assert (worker.directory, worker.persistent) == ("", False)


def test_an_order_tells_its_lane(house):
    house.submit(ask("a"))
    assert house.claim()["a"].order.lane == 2
