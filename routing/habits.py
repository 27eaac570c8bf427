"""What is usual: how long a worker's answers from a model are, and who served a session last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routing.models import Slot
from routing.percentiles import Recent
from routing.ranking import Option
from routing.requests import Spent, Who

_KEPT = 5_000  # workers times models, and sessions times models; the oldest go first


class Habits:
    """Remembers answers that came. What is forgotten costs a larger reserve, or a cold cache."""

    def __init__(self) -> None:
        self._outputs: dict[tuple[str, str], Recent] = {}
        self.served: dict[tuple[str, str], Slot] = {}

    def output(self, worker: str, model: str) -> int | None:
        """Give the 95th percentile of a worker's answers from a model, in tokens."""
        recent = self._outputs.get((worker, model))
        return None if recent is None else recent.p95()

    def answered(self, who: Who, option: Option, spent: Spent) -> None:
        """Remember a good answer."""
        if spent.usage_known:
            self._add(who.worker, option.model, spent.output)
        if who.session:
            at = (who.session, option.model)
            self.served.pop(at, None)
            self.served[at] = option.slot
            _trim(self.served)

    def restore(self, call: Mapping[str, Any], slot: Slot) -> None:
        """Remember a good answer from the ledger."""
        if not call.get("ok"):
            return
        session = call["session"]
        if call["output"]:
            self._add(session or Who().worker, call["model"], call["output"])
        if session:
            self.served[session, call["model"]] = slot

    def _add(self, worker: str, model: str, tokens: int) -> None:
        at = (worker, model)
        if at not in self._outputs:
            self._outputs[at] = Recent()
            _trim(self._outputs)
        self._outputs[at].add(tokens)


def _trim(kept: dict[Any, Any]) -> None:
    while len(kept) > _KEPT:
        del kept[next(iter(kept))]
