"""Invariant 3 for conversations: what was said is kept once, with the result that it came with."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from engine.jobs import JobState
from engine.pools import TALK
from engine.records import Turn
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log
from tests.checks.results import TOKEN

NAME = "3 turns"
PAIR = ("user", "assistant")


def turns_are_kept_once(case: Evidence, _: Log) -> Iterator[Violation]:
    """3: the turns of an attempt stand once, as a pair, and nobody speaks in between."""
    said: dict[str, list[Turn]] = defaultdict(list)
    for turn in sorted(case.snapshot.turns, key=lambda turn: turn.idx):
        if turn.session.startswith(TALK):
            said[turn.session].append(turn)
    for session, turns in said.items():
        pairs = [turns[at : at + 2] for at in range(0, len(turns), 2)]
        for pair in pairs:
            if tuple(turn.role for turn in pair) != PAIR or pair[0].job != pair[-1].job:
                told = f"turn {pair[0].idx} of {pair[0].job} stands alone"
                yield Violation(NAME, session, told)
        twice = [text for text, count in Counter(map(_words, turns)).items() if count > 2]
        for text in twice:
            yield Violation(NAME, session, f"{text} was kept more than once")


def an_accepted_answer_has_its_turns(case: Evidence, _: Log) -> Iterator[Violation]:
    """3: who succeeded inside a conversation left its turns; the conversation counts them all."""
    kept = {_words(turn) for turn in case.snapshot.turns}
    for job in case.snapshot.jobs.values():
        text = str((job.result or {}).get("text", ""))
        talked = job.spec.get("conversation") and job.state is JobState.SUCCEEDED
        if talked and TOKEN in text and text not in kept:
            yield Violation(NAME, job.id, f"{text} is not among the turns")
    counts = Counter(turn.session for turn in case.snapshot.turns)
    for talk in case.snapshot.conversations:
        if talk.turns != counts[talk.id]:
            told = f"it counts {talk.turns} turns, and there are {counts[talk.id]}"
            yield Violation(NAME, talk.id, told)


def _words(turn: Turn) -> str:
    return "".join(str(block.get("text", "")) for block in turn.blocks)
