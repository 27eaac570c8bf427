"""What follows from a parent's end: unwanted steps, questions with values, children's places."""

from engine.drafts import Draft
from engine.jobs import GroupMode, JobKind, JobState, Reason, Result
from engine.outcomes import Done
from engine.records import Decision

from .kit import group, task, wait


def test_what_follows_an_unwanted_step_is_unwanted_and_fails_nobody(house):
    never = {"left": "a", "op": "==", "right": "b"}
    ids = house.submit(
        task("optional", spec={"run": ["true"], "when": never}),
        task("after", "optional"),
        group("run", GroupMode.RUN, "optional", "after"),
    )
    assert house.job(ids["after"]).state is JobState.SKIPPED
    assert house.job(ids["after"]).reason is Reason.CONDITION
    assert house.job(ids["run"]).state is JobState.SUCCEEDED


def test_a_question_is_asked_with_its_values_filled_in(house):
    ids = house.submit(task("build"), wait("ask", "build", ask="Ship {{prev_result}}?"))
    house.claim()
    house.report(ids["build"], Done(Result(text="v2")))
    (decision,) = house.find(Decision, job=ids["ask"])
    assert decision.question == "Ship v2?"


def test_children_of_a_map_work_where_their_group_was_told_to(house):
    mapping = {"over": [1, 2], "template": {"spec": {"run": ["true"]}}}
    draft = Draft(
        key="each",
        kind=JobKind.GROUP,
        mode=GroupMode.ALL,
        cwd="/srv/site",
        spec={"map": mapping},
        step="each",
    )
    each = house.submit(draft)["each"]
    members = house.store.read(lambda tables: tables.edges_to(each))
    assert {house.job(edge.parent).cwd for edge in members} == {"/srv/site"}
    assert len(members) == len(mapping["over"])
