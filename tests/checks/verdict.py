"""All checkers, and the one function that runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.checks import (
    cancels,
    clocks,
    decisions,
    durability,
    fairness,
    gate,
    groups,
    leases,
    residue,
    results,
    talks,
)
from tests.checks.evidence import Evidence, Violation
from tests.checks.log import Log, read_log

Checker = Callable[[Evidence, Log], Iterator[Violation]]

CHECKERS: tuple[Checker, ...] = (
    durability.acked_is_durable,
    durability.nothing_is_lost,
    durability.submit_is_idempotent,
    results.terminal_absorbs,
    results.epochs_rise,
    results.accepted_once,
    results.effects_once,
    results.attempts_agree,
    talks.turns_are_kept_once,
    talks.an_accepted_answer_has_its_turns,
    cancels.cancel_is_final,
    cancels.halted_house_starts_nothing,
    groups.groups_resolve_once,
    groups.parents_first,
    groups.skips_have_a_cause,
    fairness.no_lane_starves,
    leases.one_holder,
    leases.one_job_a_session,
    leases.runners_hold,
    leases.one_term,
    leases.log_has_no_gap,
    decisions.answered_once,
    decisions.applied_once,
    decisions.told_what_was_answered,
    clocks.nothing_fires_early,
    clocks.time_goes_on,
    gate.verified_by_another,
    gate.no_claim_counts_as_done,
    gate.rounds_end,
    residue.secrets_are_absent,
    residue.no_orphan,
    residue.poison_is_quarantined,
    residue.log_rebuilds_table,
)


def check_all(case: Evidence) -> list[Violation]:
    """Judge a case by every invariant that its evidence allows to judge."""
    log = read_log(case.snapshot.events)
    seen = [Violation(invariant, "harness", told) for invariant, told in case.trouble]
    return seen + [violation for check in CHECKERS for violation in check(case, log)]
