"""A small dispatcher's life on the store's own verbs, run under strace by test_power_cut.

Usage: python -P workload.py HOME SYNCHRONOUS TRANSACTIONS

Before each commit it says ``try N DIGEST`` (what every table will hold), and when the commit has
returned ``ack N``, or ``refused N``; 0 is the store before its first wake. Whatever a power cut
leaves must be one of the tried states, and none older than the last acknowledged one.
"""

import os
import sys
from random import Random

import store.sqlite
from engine.drafts import Batch, Draft, Need
from engine.errors import HouseFault
from engine.failures import Cause, Failure
from engine.ids import IdMint
from engine.jobs import EdgeKind, GroupMode, JobKind, JobState, Lane, Result
from engine.messages import Report, ReportKind
from engine.moments import Moment
from engine.outcomes import Done, Failed, to_wire
from engine.settings import HouseSettings, Settings, StoreSettings
from store.home import Home
from store.prune import prune
from store.sqlite import SqliteStore
from store.term import begin_term
from store.verbs.advance import advance
from store.verbs.claim import Claim
from store.verbs.report import take_reports
from store.verbs.submit import submit
from store.work import Work
from tests.fault.power.disk import digest_of_tables

CHECKPOINT_PAGES = 40  # the trace then holds many checkpoints and resets of the WAL
SLOTS = 4
DAY_US = 86_400_000_000


class Life:
    """Time, chance and the house's settings."""

    def __init__(self, synchronous):
        self.rng = Random(11)
        self.mint = IdMint(self.rng)
        self.settings = Settings(
            house=HouseSettings(slots=SLOTS),
            store=StoreSettings(synchronous=synchronous, prune_batch=5),
        )
        self.at = 1_700_000_000_000_000

    def now(self):
        self.at += 1_000_000
        return self.at

    def monotonic(self):
        return self.at / 1_000_000


def draft(life, key, **columns):
    spec = {"run": ["true"], "stdin": "x" * life.rng.randrange(3_000)}
    return Draft(key=key, lane=Lane(life.rng.randrange(6)), spec=spec, **columns)


def batch(life):
    """A chain with a group behind it, in one directory or in none."""
    cwd = life.rng.choice(["", "/a", "/b"])
    mode = life.rng.choice([GroupMode.ALL, GroupMode.RACE, GroupMode.ALL_SETTLED])
    return Batch(
        drafts=(
            draft(life, "first", cwd=cwd),
            draft(life, "second", needs=(Need("first", EdgeKind.SETTLED),)),
            Draft(key="both", kind=JobKind.GROUP, mode=mode, members=("first", "second")),
        ),
        idem_key=f"key-{life.at}",
    )


def outcomes(work, life):
    """End about half of what runs, one in four of them badly."""
    running = [job for job in work.tables.holding() if job.state is JobState.RUNNING]
    for job in running:
        if life.rng.random() < 0.5:
            text = "y" * life.rng.randrange(2_000)
            good = Done(Result(text=text, exit_code=0), cost_usd=0.01)
            bad = Failed(Failure(cause=Cause.TOOL, message="it broke"))
            outcome = to_wire(bad if life.rng.random() < 0.25 else good)
            yield Report(
                job=job.id, epoch=job.epoch, kind=ReportKind.OUTCOME, at=life.at, data=outcome
            )


def wake(tables, life, term):
    """One wake of the dispatcher: reports, new work, claims."""
    moment = Moment(life.now(), life.at)
    work = Work(tables, moment, term=term, mint=life.mint, rng=life.rng, settings=life.settings)
    take_reports(work, list(outcomes(work, life)))
    if life.rng.random() < 0.5:
        submit(work, batch(life))
        advance(work)
    Claim(work, SLOTS).take()
    work.finish()


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main(home, synchronous, transactions):
    store.sqlite._CHECKPOINT_PAGES = CHECKPOINT_PAGES
    life = Life(synchronous)
    opened = SqliteStore(Home.at(home), life.settings.store, life)
    say("try", 0, digest_of_tables(opened._writer.driver.rows))
    term = begin_term(opened)
    say("try", 0, digest_of_tables(opened._writer.driver.rows))
    for number in range(1, int(transactions) + 1):

        def act(tables, number=number):
            if number % 40 == 0:
                prune(tables, life.settings.store, life.at + 40 * DAY_US)
            else:
                wake(tables, life, term)
            say("try", number, digest_of_tables(tables._driver.rows))

        try:
            opened.write(act)
        except HouseFault:
            say("refused", number)
            continue
        say("ack", number)
        if number % 25 == 0:
            opened.vacuum(20)
    opened.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
