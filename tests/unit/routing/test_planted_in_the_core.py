"""Guards of money, floors and closures, taken out one by one: the properties must go red."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import routing.ranking
import routing.router
from routing.budget import Budgets, Purse
from routing.learning import Learning
from routing.weighing import Weighing
from tests.unit.routing.test_properties import CoreMachine

QUICK = settings(
    max_examples=1500,  # it ends at the first that goes red
    stateful_step_count=40,
    phases=(Phase.generate,),
    derandomize=True,
    database=None,
    deadline=None,
)
_open = Learning._good


def opens_on_any_success(self, barrier, flight, now):
    if barrier.shut is not None:
        self._open(barrier, now)
    _open(self, barrier, flight, now)


PLANTED = {
    "nothing is reserved": lambda: patch.object(Budgets, "reserve", lambda *_: None),
    "a kill forgets what was under way": lambda: patch.object(
        routing.router.RouterCore, "_lost", lambda *_: None
    ),
    "everybody is an emergency": lambda: patch.object(Purse, "pays", lambda *_: True),
    "the emergency has no end": lambda: patch.object(Purse, "rescues", lambda *_: True),
    "a call that failed costs nothing": lambda: patch.object(
        Budgets, "settle", lambda self, keys, reserved, usd: None
    ),
    "floors are not looked at": lambda: patch.object(
        routing.ranking, "_unwelcome", lambda *_: None
    ),
    "the probe is not kept": lambda: patch.object(Weighing, "_may_probe", lambda *_: True),
    "any success opens": lambda: patch.object(Learning, "_good", opens_on_any_success),
}


@pytest.mark.parametrize("name", PLANTED)
def test_the_properties_catch(name):
    with PLANTED[name](), pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(CoreMachine, settings=QUICK)
