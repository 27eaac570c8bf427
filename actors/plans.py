"""Which actors there are and how Ray is to run each: one table, one factory.

The actors themselves are plain classes that know nothing of Ray's decorators, so that a restarted
actor runs the code that is installed and not the code that was installed when it was first made.
Every option that must be the same for all of them stands once, in `COMMON`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

import ray

NAMESPACE = "heliograph"
HEALTH_GROUP = "health"
# Asked while the main loop may be stuck, so each runs on the health group's own thread and loop.
HEALTH_METHODS = ("health", "version")

COMMON: dict[str, Any] = {
    "namespace": NAMESPACE,
    "lifetime": "detached",
    "num_cpus": 0,  # they wait on I/O; how much runs at once is the engine's business
    "max_restarts": -1,
    "max_task_retries": 0,  # a retried method would double its side effects; the ledger retries
    "enable_task_events": False,  # or the GCS grows by 3 KB with every call
    "get_if_exists": True,
}


class Kind(StrEnum):
    """The kinds of actors; a kind with one actor is named like it."""

    DISPATCHER = "dispatcher"
    HUB = "hub"
    ROUTER = "router"
    COUNCIL = "council"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one kind of actor is run."""

    kind: Kind
    path: str  # "module:Class"
    max_concurrency: int

    def load(self) -> type[Any]:
        """Import the class."""
        module, _, name = self.path.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found


PLANS: dict[Kind, Plan] = {
    plan.kind: plan
    for plan in (
        Plan(Kind.HUB, "actors.hub:Hub", 2000),  # every live stream is a call under way
        Plan(Kind.DISPATCHER, "actors.dispatcher:Dispatcher", 1000),
        # Model calls come in by its own HTTP door; these are bindings, questions and commands.
        Plan(Kind.ROUTER, "actors.router:Router", 200),
        Plan(Kind.COUNCIL, "actors.council:Council", 200),
        Plan(Kind.SESSION, "actors.session:Session", 64),
    )
}


def shell(cls: type[Any], *, name: str, max_concurrency: int, **overrides: Any) -> Any:
    """Wrap a plain class as a Ray actor class with the options of the house.

    Call ``.remote(...)`` on what this gives; it finds the actor of that name or makes it.
    `overrides` replace common options: tests use a namespace of their own.
    """
    for method in HEALTH_METHODS:
        ray.method(concurrency_group=HEALTH_GROUP)(getattr(cls, method))
    remote: Any = ray.remote  # its type hints do not know concurrency_groups
    wrapped = remote(concurrency_groups={HEALTH_GROUP: 1})(cls)
    options = COMMON | {"name": name, "max_concurrency": max_concurrency} | overrides
    return wrapped.options(**options)


def raise_actor(kind: Kind, name: str, *args: str, **overrides: Any) -> Any:
    """Find the actor of this name or make one; gives its handle at once.

    Constructor arguments are short strings: Ray keeps them for restarts, and loses large ones.
    """
    plan = PLANS[kind]
    actor = shell(plan.load(), name=name, max_concurrency=plan.max_concurrency, **overrides)
    return actor.remote(*args)
