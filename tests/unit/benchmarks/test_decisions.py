"""The router's benchmarks run at a tiny size and give figures, so that none can rot."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

from benchmarks.cascade import measure as measure_cascade
from benchmarks.cascade import picture, table
from benchmarks.decisions import CANDIDATES, SITUATIONS, catalogue, measure


@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_situation_gives_figures(situation):
    figures = measure(situation, 50)
    assert 0 < figures["p50_us"] <= figures["p99_us"]


def test_there_are_thirty_nine_candidates():
    known = catalogue(1)
    keys = {name: len(provider.keys) for name, provider in known.providers.items()}
    assert sum(keys[one.provider] for one in known.deployments) == CANDIDATES == 39


def test_the_cascade_is_told_in_a_table_and_a_picture():
    runs = measure_cascade([0], minutes=2)
    lines = table(runs).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| naive", "| cached", "| ours"]
    drawn = fromstring(picture({policy: reports[0] for policy, reports in runs.items()}))
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}polyline"))) == 6
