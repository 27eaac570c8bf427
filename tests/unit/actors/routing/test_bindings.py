"""Keys: who is behind them, when they die, and that a restart changes nothing."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.routing.bindings import Bindings, who_from
from engine.errors import BadInput, Fenced
from engine.jobs import Lane
from routing.models import Tier
from routing.ports import EntryKind, Restored
from routing.requests import Who

KEYS = [f"hk-{n:040d}" for n in range(6)]


def who(incarnation="i1", job="j1", epoch=1, session="session/web"):
    return Who(session=session, incarnation=incarnation, job=job, epoch=epoch)


class Paper:
    """Bindings with a ledger in memory: what a restart finds."""

    def __init__(self):
        self.kept = {EntryKind.BINDING: {}, EntryKind.FENCE: {}}
        self.now = Bindings(Restored())

    def write(self, entries):
        for entry in entries:
            kind = EntryKind.BINDING if entry.kind is EntryKind.UNBOUND else entry.kind
            self.kept[kind].pop(entry.key, None)
            if entry.data:
                self.kept[kind][entry.key] = dict(entry.data)

    def bind(self, key, who):
        self.write(self.now.bind(key, who))

    def release(self, key):
        self.write(self.now.release(key)[1])

    def after_restart(self):
        kept = self.kept
        return Bindings(Restored(bindings=kept[EntryKind.BINDING], fences=kept[EntryKind.FENCE]))


@pytest.fixture
def paper():
    return Paper()


def test_a_key_stands_for_whom_it_was_bound_to_also_after_a_restart(paper):
    paper.bind(KEYS[0], who())
    assert paper.now.identify(KEYS[0]) == who()
    assert paper.after_restart().identify(KEYS[0]) == who()
    assert paper.now.identify(KEYS[1]) is None


def test_the_key_itself_is_nowhere_in_what_is_kept(paper):
    paper.bind(KEYS[0], who())
    assert KEYS[0] not in repr(paper.kept)


def test_a_released_key_is_dead_also_after_a_restart(paper):
    paper.bind(KEYS[0], who())
    paper.release(KEYS[0])
    paper.release(KEYS[0])
    assert paper.now.identify(KEYS[0]) is None
    assert paper.after_restart().identify(KEYS[0]) is None


def test_a_newer_incarnation_of_the_session_kills_the_keys_of_the_older(paper):
    paper.bind(KEYS[0], who("i1", job="j1"))
    paper.bind(KEYS[1], who("i1", job="j2"))
    paper.bind(KEYS[2], who("i2", job="j3"))
    for seen in (paper.now, paper.after_restart()):
        assert [seen.identify(key) is not None for key in KEYS[:3]] == [False, False, True]


def test_a_dead_key_is_no_longer_kept(paper):
    paper.bind(KEYS[0], who("i1"))
    paper.bind(KEYS[1], who("i2", epoch=2))
    assert len(paper.kept[EntryKind.BINDING]) == 1


def test_a_fence_counts_though_the_ledger_still_has_the_key_behind_it(paper):
    paper.bind(KEYS[0], who("i1"))
    behind = dict(paper.kept[EntryKind.BINDING])
    paper.bind(KEYS[1], who("i2", epoch=2))
    paper.kept[EntryKind.BINDING].update(behind)
    assert paper.after_restart().identify(KEYS[0]) is None


def test_a_superseded_incarnation_never_gets_a_key_again(paper):
    paper.bind(KEYS[0], who("i1"))
    paper.bind(KEYS[1], who("i2", epoch=2))
    for seen in (paper.now, paper.after_restart()):
        with pytest.raises(Fenced, match="newer process"):
            seen.bind(KEYS[2], who("i1", job="another"))
        assert seen.identify(KEYS[1]) is not None, "a refused bind harms nobody"


def test_a_higher_epoch_of_the_job_kills_the_lower_ones_wherever_they_run(paper):
    paper.bind(KEYS[0], who("i1", epoch=1))
    paper.bind(KEYS[1], who("x1", epoch=2, session="session/other"))
    for seen in (paper.now, paper.after_restart()):
        assert seen.identify(KEYS[0]) is None
        assert seen.identify(KEYS[1]) is not None
        with pytest.raises(Fenced, match="newer attempt"):
            seen.bind(KEYS[2], who("i1", epoch=1))


def test_the_fence_outlives_the_key_that_raised_it(paper):
    paper.bind(KEYS[0], who(epoch=2))
    paper.release(KEYS[0])
    with pytest.raises(Fenced):
        paper.after_restart().bind(KEYS[1], who(epoch=1))


def test_one_incarnation_may_work_at_many_jobs_with_a_key_each(paper):
    for n, key in enumerate(KEYS):
        paper.bind(key, who(job=f"j{n}"))
    assert all(paper.now.identify(key) == who(job=f"j{n}") for n, key in enumerate(KEYS))


def test_binding_again_is_harmless(paper):
    paper.bind(KEYS[0], who())
    paper.bind(KEYS[0], who())
    assert len(paper.now) == 1


def test_keys_of_nobodys_session_fence_nothing(paper):
    paper.bind(KEYS[0], Who(backend="council"))
    paper.bind(KEYS[1], Who(backend="council", incarnation="other"))
    assert paper.now.identify(KEYS[0]) == Who(backend="council")


def test_a_key_that_can_be_guessed_is_refused(paper):
    with pytest.raises(BadInput, match="too short"):
        paper.bind("hk-1", who())


def test_who_survives_the_wire():
    whole = Who(
        session="s", job="j", epoch=3, lane=Lane.P4, tier=Tier.MID, avoid=("gpt",), pinned=True
    )
    body = {name: list(v) if name == "avoid" else v for name, v in asdict(whole).items()}
    assert who_from({**body, "lane": 4, "tier": "mid"}) == whole
    assert who_from({**body, "lane": "P4"}) == whole


@pytest.mark.parametrize("body", [{"lane": 9}, {"tier": "huge"}, {"epoch": "x"}, {"name": "joe"}])
def test_a_body_that_describes_nobody_is_refused(body):
    with pytest.raises(BadInput):
        who_from(body)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["bind", "release", "restart"]),
        st.sampled_from(KEYS),
        st.sampled_from(["i1", "i2", "i3"]),
        st.sampled_from(["j1", "j2"]),
        st.integers(1, 3),
    ),
    max_size=30,
)


@given(STEPS)
def test_whatever_happens_nobody_superseded_is_ever_behind_a_living_key(steps):
    paper = Paper()
    order, epochs = [], {}
    for what, key, incarnation, job, epoch in steps:
        if what == "restart":
            paper.now = paper.after_restart()
        elif what == "release":
            paper.release(key)
        else:
            try:
                paper.bind(key, who(incarnation, job, epoch))
            except Fenced:
                assert incarnation in order[:-1] or epochs.get(job, 0) > epoch
            else:
                if incarnation not in order:
                    order.append(incarnation)
                assert order[-1] == incarnation
                epochs[job] = epoch
        for found in filter(None, map(paper.now.identify, KEYS)):
            assert found.incarnation == order[-1]
            assert found.epoch >= epochs[found.job]
