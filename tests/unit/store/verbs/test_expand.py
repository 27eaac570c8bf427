"""`map`: one child an item, once the list is known."""

import pytest

from engine.drafts import Draft, Need
from engine.jobs import GroupMode, JobKind, JobState, Lane

from .kit import House, task

TEMPLATE = {"spec": {"run": ["echo", "{{item}}", "{{index}}"]}, "name": "each", "lane": "P1"}


def mapped(over, *needs, mode=GroupMode.ALL, **spec):
    return Draft(
        key="m",
        name="m",
        kind=JobKind.GROUP,
        mode=mode,
        step="m",
        needs=tuple(Need(need) for need in needs),
        spec={"map": {"over": over, "template": TEMPLATE}, **spec},
    )


def test_each_item_becomes_a_job_with_its_item_and_index(house):
    house.submit(mapped(["x", "y"]))
    orders = [one.order.payload["run"] for one in house.claim().values()]
    assert orders == [["echo", "x", "0"], ["echo", "y", "1"]]


def test_children_take_lane_and_name_from_the_template(house):
    house.submit(mapped(["x"]))
    ((name, one),) = house.claim().items()
    assert (name, one.job.lane, one.job.step) == ("each[0]", Lane.P1, "m[0]")


def test_the_group_succeeds_with_its_last_child(house):
    group = house.submit(mapped(["x", "y"]))["m"]
    first, second = (one.job.id for one in house.claim().values())
    house.succeed(first)
    assert house.state(group) is JobState.BLOCKED
    house.succeed(second)
    assert house.state(group) is JobState.SUCCEEDED


def test_the_list_may_be_the_result_of_an_earlier_step(house):
    ids = house.submit(task("a"), mapped("{{results.a.data}}", "a", refs={"a": "a"}))
    house.succeed(ids["a"], data=["p", "q", "r"])
    assert len(house.claim()) == 3


@pytest.mark.parametrize(
    ("mode", "state"), [(GroupMode.ALL, "succeeded"), (GroupMode.RACE, "failed")]
)
def test_an_empty_list_decides_the_group_at_once(house, mode, state):
    assert house.states(house.submit(mapped([], mode=mode))) == {"m": state}


def test_what_is_no_list_fails_the_group_and_says_so(house):
    ids = house.submit(task("a"), mapped("{{results.a.data}}", "a", refs={"a": "a"}))
    house.succeed(ids["a"], data={"not": "a list"})
    job = house.job(ids["m"])
    assert job.state is JobState.FAILED
    assert "JSON list" in job.error["message"]


def test_a_list_that_is_too_long_fails_the_group():
    house = House(limits={"map_items": 2})
    job = house.job(house.submit(mapped([1, 2, 3]))["m"])
    assert "at most 2" in job.error["message"]
    assert house.violations() == []


def test_a_failed_parent_skips_the_group_before_it_has_members(house):
    ids = house.submit(task("a", spec={"run": ["{{input.x}}"]}), mapped(["x"], "a"))
    house.claim()
    assert house.states(ids) == {"a": "failed", "m": "skipped"}
