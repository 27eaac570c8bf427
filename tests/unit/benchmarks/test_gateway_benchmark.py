"""The gateway's benchmark: its page, its load on a real socket, and rivals that are not there."""

from __future__ import annotations

import pytest

from benchmarks import gateway, gateway_rivals
from benchmarks.figures import Run
from benchmarks.gateway_decision import CANDIDATES, catalogue, decide
from benchmarks.gateway_report import DECISION, DIRECT, LOAD, TRANSLATED, added, render
from benchmarks.machine import Machine
from benchmarks.page import parts, put

MACHINE = Machine(2, 4.0, "3.11", "3.40", "6", 0.2, "abc")
OTHER = "Other, /v1/messages"


def loaded(who: str, json_ms: float, first_ms: float, number: int = 1) -> Run:
    figures = {"json_p50_ms": json_ms, "first_p50_ms": first_ms, "private_mib": 50.0}
    return Run(who, LOAD, number, figures)


def test_what_a_gateway_adds_is_told_against_the_direct_way_of_its_round():
    runs = [loaded(DIRECT, 0.5, 1.0), loaded(TRANSLATED, 1.5, 3.0), loaded(OTHER, 10.5, 9.0)]
    told = {run.contestant: run.figures for run in added(runs)}
    assert told[TRANSLATED]["added_json_ms"] == 1.0
    assert told[OTHER]["added_first_ms"] == 8.0
    page = render(MACHINE, [*runs, Run("Heliograph", DECISION, 1, {"decide_p50_us": 60.0})], [])
    assert "| added to a whole answer, p50 (ms) | < 3 | 1 | 1 | 1 | yes |" in page
    assert "| decision among 39 candidates, p50 (µs) | < 50 | 60 | 60 | 60 | **no** |" in page
    assert "| Other, /v1/messages | 10 (10 to 10) |" in page


def test_a_rival_that_cannot_run_is_absent_and_never_faked(monkeypatch, tmp_path):
    monkeypatch.setattr(gateway_rivals.shutil, "which", lambda _: None)
    runs = list(gateway.measure(tmp_path, ["claude_code_router"], 1, 1))
    assert [run.trouble for run in runs] == ["", "needs npm and node, which are not here"]
    assert "absent: needs npm" in render(MACHINE, runs, [])


def test_the_direct_way_is_measured_on_a_real_socket(tmp_path):
    runs = list(gateway.measure(tmp_path, ["direct"], 1, 9))
    assert runs[1].trouble == ""
    assert 0 < runs[1].figures["json_p50_ms"] < 1000
    assert 0 < runs[1].figures["first_p50_ms"] < 1000


def test_a_decision_is_made_among_all_candidates():
    assert CANDIDATES == 39
    assert len(catalogue().deployments) == 39
    assert decide(20)["decide_p50_us"] > 0


@pytest.mark.parametrize("again", [False, True])
def test_each_part_of_the_page_leaves_the_others_alone(tmp_path, again):
    page = tmp_path / "RESULTS.md"
    page.write_text("# Results\n\nours\n")
    put(page, "gateway", "one")
    put(page, "cascade", "two")
    if again:
        put(page, "gateway", "three")
    text = page.read_text()
    assert text.startswith("# Results\n\nours\n\n<!-- part gateway -->\n")
    assert ("three" in text, "one" in text) == (again, not again)
    assert "two" in parts(page)
    assert "ours" not in parts(page)
