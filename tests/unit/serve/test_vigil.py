"""The judgement over an actor: patience with the silent, none with the hanging."""

from __future__ import annotations

import pytest

from serve.vigil import MOST_TIMEOUTS, Chart, Remedy, Sight


def test_one_or_two_silent_looks_are_forgiven_and_the_third_is_not() -> None:
    chart = Chart()
    judged = [chart.judge(Sight.SILENT) for _ in range(MOST_TIMEOUTS)]
    assert judged == [Remedy.NONE, Remedy.NONE, Remedy.RESTART]


def test_a_breath_in_between_begins_the_count_anew() -> None:
    chart = Chart()
    sights = [Sight.SILENT, Sight.SILENT, Sight.BREATHES, Sight.SILENT, Sight.SILENT]
    assert {chart.judge(sight) for sight in sights} == {Remedy.NONE}


@pytest.mark.parametrize(
    ("sight", "remedy"),
    [
        (Sight.BREATHES, Remedy.NONE),
        (Sight.RESTARTS, Remedy.NONE),
        (Sight.HANGS, Remedy.RESTART),
        (Sight.GONE, Remedy.RAISE),
    ],
)
def test_every_other_sight_has_its_remedy_at_once(sight: Sight, remedy: Remedy) -> None:
    assert Chart().judge(sight) is remedy
