"""Promises: how a group's members make its outcome, and how to write promises in Python.

    all           fails with the first bad member (the others run on), succeeds when all are at rest
    all_settled   succeeds when all are at rest, however they ended
    race          the first member that ends, well or badly, decides
    any           the first member that ends well decides; fails when none is left that could
    run           a pipeline's root: decides when all are at rest, fails if one ended badly

A member that was skipped because its own condition was false took no part: it is neither good
nor bad, and it wins no race. The rule needs no list of members, only two counters and the end
that was just counted, so a group of 10,000 costs as little as one of two. `all` and
`all_settled` of nothing succeed at once; `race` and `any` of nothing are refused at submit, and
fail if every member stays away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from engine.drafts import Batch
from engine.jobs import EdgeKind, GroupMode, JobState, Reason
from engine.requests import JobRequest, compile_requests, read_body
from engine.settings import LimitSettings


class Verdict(Enum):
    """What a group is to become."""

    OPEN = auto()
    SUCCEED = auto()
    FAIL = auto()


class MemberEnd(Enum):
    """How a member at rest speaks for its group."""

    GOOD = auto()
    BAD = auto()
    ABSENT = auto()


def member_end(state: JobState, reason: Reason) -> MemberEnd:
    """Judge a member at rest."""
    if state is JobState.SUCCEEDED:
        return MemberEnd.GOOD
    if state is JobState.SKIPPED and reason is Reason.CONDITION:
        return MemberEnd.ABSENT
    return MemberEnd.BAD


def verdict(mode: GroupMode, *, open_members: int, bad: int, last: MemberEnd | None) -> Verdict:
    """Decide a group after one more member came to rest.

    `open_members` and `bad` have counted that member already; `last` is None when the group has
    only now begun to count.
    """
    at_rest = open_members == 0
    match mode:
        case GroupMode.ALL:
            return _when(at_rest, failed=bad > 0)
        case GroupMode.RUN:
            return _when(at_rest, failed=at_rest and bad > 0)
        case GroupMode.ALL_SETTLED:
            return _when(at_rest, failed=False)
        case GroupMode.RACE:
            return _first(last, at_rest=at_rest, failed=last is MemberEnd.BAD)
        case GroupMode.ANY:
            return _first(last, at_rest=at_rest, failed=False)


def withdraws_losers(mode: GroupMode) -> bool:
    """Whether members still under way are cancelled once the group is decided."""
    return mode in {GroupMode.RACE, GroupMode.ANY}


def _when(at_rest: bool, *, failed: bool) -> Verdict:
    if failed:
        return Verdict.FAIL
    return Verdict.SUCCEED if at_rest else Verdict.OPEN


def _first(last: MemberEnd | None, *, at_rest: bool, failed: bool) -> Verdict:
    if last is MemberEnd.GOOD:
        return Verdict.SUCCEED
    return Verdict.FAIL if failed or at_rest else Verdict.OPEN


# -- the Python face ---------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class Promise:
    """A promise to be, built in Python; `batch` turns a web of them into drafts.

        build = Promise.job(run=["make"], cwd="/srv/site")
        tests = build.then(run=["make", "test"])
        checks = Promise.all(tests, build.then(run=["make", "lint"]))
        tell = checks.then(sh="echo {{all_results}}", on="settled")
        batch([tell], backends, limits)

    Two promises are the same only if they are the same object, so a shared parent runs once. The
    names are the field's: `then`, `all`, `race`, `any`, `all_settled`.
    """

    body: Mapping[str, Any]
    needs: tuple[tuple[Promise, EdgeKind], ...] = ()
    members: tuple[Promise, ...] = ()

    @classmethod
    def job(cls, **body: Any) -> Promise:
        """Promise one piece of work; the fields are those of `engine.requests.JobRequest`."""
        return cls(body)

    @classmethod
    def wait(cls, signal: str, *, deadline_s: float | None = None, **body: Any) -> Promise:
        """Promise the arrival of a signal."""
        return cls(body | {"wait": {"signal": signal, "deadline_s": deadline_s}})

    @classmethod
    def ask(cls, question: str, *options: str, default: str | None = None, **body: Any) -> Promise:
        """Promise the owner's answer."""
        asked = {"ask": question, "options": list(options), "default": default}
        return cls(body | {"wait": asked})

    @classmethod
    def all(cls, *members: Promise, **body: Any) -> Promise:
        """Promise that every member succeeds."""
        return cls(body | {"group": {"mode": "all"}}, members=members)

    @classmethod
    def all_settled(cls, *members: Promise, **body: Any) -> Promise:
        """Promise that every member comes to rest."""
        return cls(body | {"group": {"mode": "all_settled"}}, members=members)

    @classmethod
    def race(cls, *members: Promise, **body: Any) -> Promise:
        """Promise what the first member that ends gives."""
        return cls(body | {"group": {"mode": "race"}}, members=members)

    @classmethod
    def any(cls, *members: Promise, **body: Any) -> Promise:
        """Promise what the first member that succeeds gives."""
        return cls(body | {"group": {"mode": "any"}}, members=members)

    def then(self, *, on: str = "success", **body: Any) -> Promise:
        """Promise work that begins when this promise succeeded (or, `on="settled"`, is at rest)."""
        return type(self)(body, needs=((self, EdgeKind(on)),))

    def after(self, *parents: Promise, on: str = "success") -> Promise:
        """Give the same work, waiting for these as well."""
        more = tuple((parent, EdgeKind(on)) for parent in parents)
        return type(self)(self.body, (*self.needs, *more), self.members)


def batch(wanted: Iterable[Promise], backends: Collection[str], limits: LimitSettings) -> Batch:
    """Turn promises and all that they stand on into a batch that holds together.

    Raises:
        BadInput and its kin: as `engine.requests.compile_requests`.
    """
    keys: dict[Promise, str] = {}
    ahead = list(wanted)
    while ahead:
        promise = ahead.pop()
        if promise not in keys:
            keys[promise] = str(promise.body.get("key") or f"p{len(keys)}")
            ahead += [parent for parent, _ in promise.needs] + [*promise.members]
    requests = [_request(promise, keys) for promise in reversed(keys)]
    return compile_requests(requests, backends, limits)


def _request(promise: Promise, keys: Mapping[Promise, str]) -> JobRequest:
    body = dict(promise.body) | {"key": keys[promise]}
    body["needs"] = [{"id": keys[parent], "on": str(on)} for parent, on in promise.needs]
    if "group" in body:
        body["group"] = body["group"] | {"members": [keys[member] for member in promise.members]}
    return read_body(JobRequest, body, keys[promise])
