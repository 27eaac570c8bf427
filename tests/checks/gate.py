"""Invariant 14: a deliverable is verified only by a pass of a model of another family."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.gates import is_deliverable
from engine.jobs import JobKind, JobState, Reason
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log

_UNPROVEN = frozenset({Reason.UNVERIFIED, Reason.ACCEPTED})


def verified_by_another(case: Evidence, _: Log) -> Iterator[Violation]:
    """14: who made it and who passed it share no family; without a pass nothing is verified."""
    snapshot = case.snapshot
    families: dict[str, set[str]] = {}
    for call in snapshot.calls:
        if call.ok and call.family:
            families.setdefault(call.job, set()).add(call.family)
    passes = {row.job: row for row in snapshot.reviews if row.verdict == "pass"}
    for job in snapshot.jobs.values():
        if (job.result or {}).get("verified") is not True:
            continue
        row = passes.get(job.id)
        if row is None:
            yield Violation("14 gate", job.id, "it is verified, and no review passed it")
        elif not set(row.families) & families.get(row.review, set()):
            yield Violation("14 gate", job.id, f"no model answered its review {row.review}")
        elif shared := set(row.families) & set(row.makers):
            yield Violation("14 gate", job.id, f"made and passed by {sorted(shared)}")


def no_claim_counts_as_done(case: Evidence, _: Log) -> Iterator[Violation]:
    """14: a deliverable that succeeded is verified, or says why it is not."""
    for job in case.snapshot.jobs.values():
        if job.kind is not JobKind.TASK or job.state is not JobState.SUCCEEDED:
            continue
        verified = (job.result or {}).get("verified")
        marked = (job.result or {}).get("exited") is False  # the owner marked it as done
        if is_deliverable(job) and not marked and (verified is True) == (job.reason in _UNPROVEN):
            yield Violation("14 gate", job.id, f"verified {verified}, reason {job.reason!r}")


def rounds_end(case: Evidence, _: Log) -> Iterator[Violation]:
    """14: no more reviews say "again" than the setting and the owner allow."""
    sent_back = Counter(row.job for row in case.snapshot.reviews if row.outcome == "sentback")
    by_owner = Counter(row.job for row in case.snapshot.decisions if row.answer == "send back")
    for job_id, count in sent_back.items():
        if count > case.settings.gate.rounds + by_owner[job_id]:
            yield Violation("14 gate", job_id, f"it went back {count} times")
