"""The checks on a home's file: read beside its owner, and red where something is wrong."""

from dataclasses import replace

import pytest

from engine.settings import StoreSettings
from store.home import Home
from store.sqlite import SqliteStore
from tests.checks import Execution, Op, check_house
from tests.checks.house import read_store
from tests.checks.results import TOKEN
from tests.unit.store.verbs.kit import House, task


class StoppedClock:
    def now(self):
        return 0

    def monotonic(self):
        return 0.0


@pytest.fixture
def home(tmp_path):
    return Home.at(tmp_path)


@pytest.fixture
def house(home):
    made = House(SqliteStore(home, StoreSettings(), StoppedClock()))
    yield made
    made.store.close()


def submitted(*ids):
    return Op(name="submit", body={}, how="ok", answer={"ids": list(ids)})


def numbers(violations):
    return [violation.invariant for violation in violations]


def test_a_store_is_read_while_its_owner_holds_the_lock(house, home):
    ids = house.submit(task("a"))
    assert list(read_store(home.store).jobs) == [ids["a"]]
    house.succeed(ids["a"])
    assert check_house(home.root, [submitted(ids["a"])]) == []


def test_a_lost_acknowledged_job_is_told(house, home):
    assert numbers(check_house(home.root, [submitted("gone")])) == ["1 durable"]


def test_a_job_that_is_not_at_rest_after_the_drain_is_told(house, home):
    house.submit(task("a"))
    assert check_house(home.root, rested=False) == []
    assert numbers(check_house(home.root)) == ["2 not lost"]


def test_a_process_that_outlived_its_job_is_told(house, home):
    assert numbers(check_house(home.root, orphans=["pid 7: sleep 999"])) == ["16 orphans"]


def test_the_result_of_another_epoch_is_told(house, home):
    job_id = house.submit(task("a"))["a"]
    house.succeed(job_id, text=f"{TOKEN}x")
    other = Execution(job=job_id, epoch=7, token=f"{TOKEN}x")
    assert "3 accepted once" in numbers(check_house(home.root, executions=[other]))


@pytest.mark.parametrize("place", ["jobs/j/1.log", "logs/dispatcher.log"])
def test_a_secret_in_a_file_is_told(house, home, place):
    (home.root / "secrets").mkdir()
    (home.root / "secrets/KEY").write_text("hunter2-hunter2")
    assert check_house(home.root) == []
    (home.root / place).parent.mkdir(parents=True)
    (home.root / place).write_text("the key is hunter2-hunter2.")
    assert numbers(check_house(home.root)) == ["15 secrets"]


def test_a_secret_in_a_row_is_told(house, home):
    (home.root / "secrets").mkdir()
    (home.root / "secrets/KEY").write_text("hunter2-hunter2")
    house.succeed(house.submit(task("a"))["a"], text="it is hunter2-hunter2")
    assert set(numbers(check_house(home.root))) == {"15 secrets"}


def test_a_row_that_the_log_does_not_tell_of_is_told(house, home):
    job_id = house.submit(task("a"))["a"]
    house.succeed(job_id)

    def tamper(tables):
        before = tables.jobs([job_id])[0]
        tables.update_jobs([(before, replace(before, name="other"))])

    house.store.write(tamper)
    assert "18 replay" in numbers(check_house(home.root))
