"""What `/metrics` says, read back by parsers that are not ours."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from actors.hubs.metrics import PREFIX, Sight, exposition
from actors.hubs.tally import Tally

from .test_tally import ALL

STATUS = {
    "ready": True, "term": 3, "slots": 20, "running": 2, "last_seq": 12, "halted_at": 0,
    "paused_at": 5, "lost_wakes": 1, "counts": {"ready": {"P2": 4, "P5": 1}, "failed": {"P1": 1}},
}  # fmt: skip
SIGHT = Sight(
    version="0.1.0", hub_seq=10, hub_beat_age_s=0.5, status=STATUS,
    workers=[{"backend": "shell", "state": "idle"}, {"backend": "shell", "state": "idle"}],
    decisions=[{"risk": "high"}],
)  # fmt: skip


@pytest.fixture
def text() -> str:
    tally = Tally()
    tally.fold(ALL)
    return exposition(tally, SIGHT)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Samples by name and label values, in the order of the labels' names."""
    return {
        (sample.name.removeprefix(PREFIX), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_and_gauges_carry_the_words_of_the_house(text):
    found = samples(text)
    assert found["jobs_submitted_total", "task", "P1", "cli"] == 1
    assert found["jobs_finished_total", "task", "P1", "failed"] == 1
    assert found["job_failures_total", "tool"] == 1
    assert found["queue_depth", "P2", "ready"] == 4
    assert found["workers", "shell", "idle"] == 2
    assert found["decisions_open", "high"] == 1
    assert found["worker_slots",] == 20
    assert found["lost_wakes_total",] == 1
    assert found["event_lag",] == 2
    assert (found["halted",], found["paused",]) == (0, 1)
    assert found["build_info", "0.1.0"] == 1


def test_histogram_buckets_rise_to_the_count(text):
    found = samples(text)
    buckets = [v for key, v in found.items() if key[:2] == ("job_queue_wait_seconds_bucket", "P1")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == found["job_queue_wait_seconds_count", "P1"] == 3
    assert found["job_queue_wait_seconds_sum", "P1"] == 4


def test_a_silent_dispatcher_leaves_its_gauges_out_and_says_so():
    found = samples(exposition(Tally(), Sight(version="0", hub_seq=0, hub_beat_age_s=0)))
    assert found["actor_up", "dispatcher"] == 0
    assert not [key for key in found if key[0] in ("queue_depth", "workers", "worker_slots")]


def test_every_metric_has_the_prefix_and_no_label_holds_an_id_or_a_path(text):
    families = list(text_string_to_metric_families(text))
    assert families
    for family in families:
        assert family.name.startswith(PREFIX)
        for sample in family.samples:
            for value in sample.labels.values():
                assert re.fullmatch(r"[\w.+-]{1,40}", value), sample
                assert "<script>" not in value


@pytest.mark.skipif(not shutil.which("promtool"), reason="Debian's prometheus is not installed")
def test_promtool_finds_nothing_to_mend(text):
    lint = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")


def test_the_page_lists_what_there_is():
    sight = Sight(version="0", hub_seq=0, hub_beat_age_s=0, status={"lost_wakes": 0}, workers=[],
                  decisions=[])  # fmt: skip
    page = (Path(__file__).parents[4] / "docs" / "metrics.md").read_text()
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `heliograph_")]
    listed = {(name.strip("| `"), kind, means.strip(" |")) for name, kind, _, means in rows}
    made = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type,
         family.documentation)
        for family in text_string_to_metric_families(exposition(Tally(), sight))
    }  # fmt: skip
    assert listed == made
