"""What the clients of one seed want: batches of promises of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from random import Random
from typing import Any

from engine.drafts import Batch, Draft, Need
from engine.jobs import EdgeKind, GroupMode, JobKind, Lane
from engine.moments import us

DIRECTORIES = ("/data/one", "/data/two", "/data/three")
CONVERSATIONS = ("plan", "review")
COMBINATORS = (GroupMode.ALL, GroupMode.RACE, GroupMode.ANY, GroupMode.ALL_SETTLED)

# How the runs of a job end, and what else its spec says; a plain success weighs most.
BEHAVIOURS: Sequence[tuple[int, list[str], dict[str, Any]]] = (
    (30, ["done"], {}),
    (4, ["tool"], {}),
    (5, ["tool", "tool", "done"], {"max_failures": 2, "delays_s": [3, 6]}),
    (3, ["malformed", "done"], {}),
    (3, ["dependency"], {}),
    (3, ["rate", "done"], {}),
    (3, ["busy", "busy", "done"], {}),
    (2, ["stuck", "done"], {"silence_s": 6, "delays_s": [2]}),
    (2, ["done"], {"timeout_s": 2, "delays_s": [1], "max_failures": 1}),
    (3, ["ask"], {}),
    (2, ["ask"], {"hold": True}),
    (2, ["ask_soon"], {}),
    (3, ["signal"], {"hold": True}),
    (2, ["signal"], {}),
    (5, ["done"], {"effects": "once"}),
    (4, ["done"], {"requirements": "It holds."}),  # and a review follows
    (2, ["poison"], {}),
    (1, ["poison", "done"], {}),
    (1, ["done"], {"run": ["echo", "{{input.absent}}"]}),  # it cannot be rendered
)


class Workload:
    """Makes batches; remembers ids so that later batches may wait for earlier ones."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._numbers = count(1)
        self.known: list[str] = []
        self.poisonous: set[str] = set()  # names

    def batch(self) -> Batch:
        """Give the next batch; sometimes a burst, sometimes a pipeline."""
        kind = self._rng.random()
        if kind < 0.25:
            drafts = self._burst()
        elif kind < 0.5:
            drafts = self._pipeline()
        elif kind < 0.7:
            drafts = self._group(0)
        elif kind < 0.8:
            drafts = self._map()
        else:
            drafts = [self._task() for _ in range(self._rng.randint(1, 4))]
        key = f"key-{next(self._numbers)}"
        return Batch(drafts=tuple(drafts), idem_key=key, digest=key)

    # -- shapes -------------------------------------------------------------------------------
    def _burst(self) -> list[Draft]:
        """Many short jobs of a few lanes at once: the lanes have to compete."""
        lanes = self._rng.sample(list(Lane), 3)
        return [
            self._task(lane=self._rng.choice(lanes), needs=(), spec={"sim": {"s": 0.3}})
            for _ in range(self._rng.randint(8, 20))
        ]

    def _pipeline(self) -> list[Draft]:
        root = f"root-{next(self._numbers)}"
        steps: list[Draft] = []
        for _ in range(self._rng.randint(2, 6)):
            needs = tuple(self._need(draft.key) for draft in steps if self._rng.random() < 0.4)
            make = self._wait if self._rng.random() < 0.2 else self._task
            steps.append(make(needs=needs, root=root))
        if self._rng.random() < 0.4:
            steps.append(self._map_after(steps[0], root))
        members = tuple(step.key for step in steps)
        return [*steps, self._over(root, GroupMode.RUN, members)]

    def _group(self, depth: int, root: str = "") -> list[Draft]:
        """A group, perhaps of groups; its last draft is the group itself."""
        drafts: list[Draft] = []
        members: list[str] = []
        for _ in range(self._rng.randint(1, 4)):
            if depth < 2 and self._rng.random() < 0.2:
                inner = self._group(depth + 1)
            else:
                inner = [self._wait() if self._rng.random() < 0.15 else self._task()]
            drafts += inner
            members.append(inner[-1].key)
        if self.known and self._rng.random() < 0.1:
            members.append(self._rng.choice(self.known))
        mode = self._rng.choice(COMBINATORS)
        key = root or f"group-{next(self._numbers)}"
        return [*drafts, self._over(key, mode, tuple(members))]

    def _map(self) -> list[Draft]:
        items = list(range(self._rng.randint(0, 5)))
        return [self._mapped(items, self._rng.choice(COMBINATORS[:1] + COMBINATORS[3:]))]

    def _map_after(self, parent: Draft, root: str) -> Draft:
        over = "{{results.before.data}}"
        draft = self._mapped(over, GroupMode.ALL)
        return _with(
            draft,
            needs=(Need(parent.key),),
            root=root,
            spec={**draft.spec, "refs": {"before": parent.key}},
        )

    def _mapped(self, over: object, mode: GroupMode) -> Draft:
        template = {"spec": {"sim": {"s": 0.5}}, "name": "item", "backend": self._backend()}
        key = f"map-{next(self._numbers)}"
        return Draft(
            key=key,
            kind=JobKind.GROUP,
            name=f"unique-{key}",
            mode=mode,
            lane=self._lane(),
            spec={"map": {"over": over, "template": template}},
        )

    @staticmethod
    def _over(key: str, mode: GroupMode, members: tuple[str, ...]) -> Draft:
        name = f"unique-{key}"
        return Draft(key=key, kind=JobKind.GROUP, name=name, mode=mode, members=members)

    # -- promises -----------------------------------------------------------------------------
    def _task(self, **given: Any) -> Draft:
        rng = self._rng
        weights = [weight for weight, _, _ in BEHAVIOURS]
        _, ends, more = rng.choices(BEHAVIOURS, weights)[0]
        key = f"task-{next(self._numbers)}"
        spec = {"sim": {"s": round(rng.uniform(0.05, 8), 2), "ends": ends}, **more}
        if rng.random() < 0.06:
            condition = {"left": "{{input.mode}}", "op": "==", "right": "go"}
            spec |= {"inputs": {"mode": rng.choice(["go", "stay"])}, "when": condition}
        if rng.random() < 0.05:
            spec |= {"env": {"KEY": "secret:KEY"}}
        fields: dict[str, Any] = {
            "needs": self._some_needs(),
            "lane": self._lane(),
            "cwd": rng.choice(DIRECTORIES) if rng.random() < 0.35 else "",
            "backend": self._backend(),
            "spec": spec,
        }
        fields |= given
        if fields["backend"] == "llm" and rng.random() < 0.4:
            fields["spec"] = {**fields["spec"], "conversation": rng.choice(CONVERSATIONS)}
        draft = Draft(key=key, name=f"unique-{key}", **fields)
        if ends == ["poison"] and "spec" not in given:
            self.poisonous.add(draft.name)
        return draft

    def _wait(self, **given: Any) -> Draft:
        rng = self._rng
        wait: dict[str, Any] = {"signal": "go"}
        if rng.random() < 0.5:
            wait = {"ask": "Shall it be?", "options": ["yes", "no"]}
        if rng.random() < 0.4:
            wait["deadline_s"] = rng.uniform(1, 60)
        if rng.random() < 0.5:
            wait["default"] = "yes"
        key = f"wait-{next(self._numbers)}"
        needs = given.pop("needs", self._some_needs())
        return Draft(
            key=key,
            kind=JobKind.WAIT,
            name=f"unique-{key}",
            spec={"wait": wait},
            needs=needs,
            **given,
        )

    def scheduled(self, wall: int) -> Batch:
        """Give a batch of one job that is to run at a time."""
        key = f"key-{next(self._numbers)}"
        run_at = wall + us(self._rng.uniform(-10, 60))
        return Batch(drafts=(_with(self._task(), run_at=run_at),), idem_key=key, digest=key)

    def marathon(self) -> Batch:
        """Give a batch of one urgent job that runs long."""
        key = f"key-{next(self._numbers)}"
        draft = Draft(key=key, name=f"unique-{key}", lane=Lane.P0, spec={"sim": {"s": 120}})
        return Batch(drafts=(draft,), idem_key=key, digest=key)

    def _some_needs(self) -> tuple[Need, ...]:
        if not self.known or self._rng.random() < 0.75:
            return ()
        picked = self._rng.sample(self.known, min(2, len(self.known)))
        return tuple(self._need(ref) for ref in picked)

    def _need(self, ref: str) -> Need:
        return Need(ref, self._rng.choice((EdgeKind.SUCCESS, EdgeKind.SUCCESS, EdgeKind.SETTLED)))

    def _lane(self) -> Lane:
        return self._rng.choice(list(Lane))

    def _backend(self) -> str:
        return self._rng.choice(("shell", "shell", "llm"))


def _with(draft: Draft, **changes: Any) -> Draft:
    fields = {name: getattr(draft, name) for name in Draft.__dataclass_fields__}
    return Draft(**(fields | changes))
