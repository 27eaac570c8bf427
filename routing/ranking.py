"""Who could answer a request, best first: the part of the choice that no state can change.

The order: the model that was asked for, at all its deployments and keys; then those that may
stand in for it (`falls_to` where the catalogue names them, and then nobody else; otherwise the
others of its tier, then higher tiers, then lower ones). Who cannot do it at all is set aside with
the reason. A `Plan` is made once for each kind of request and kept until the catalogue changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from routing.models import (
    PER,
    RANK,
    Candidate,
    Catalogue,
    Deployment,
    Provider,
    ProviderKind,
    Slot,
    Tier,
)
from routing.requests import Purpose, Skip, SkipReason, Wanted
from routing.resolving import Meant, deployments_of
from routing.state import Board, KeyState, ProviderState, SlotState

# A tier outside RANK (embeddings, sound) is a world of its own.
_ALONE = -1
_PURPOSES = {Purpose.EMBED: Tier.EMBED, Purpose.TRANSCRIBE: Tier.AUDIO}
ANY_KEY = "-"  # stands in a slot for all keys of its provider
_LOAD = attrgetter("state.in_flight", "state.granted_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One candidate that could do it, with its states at hand and its numbers worked out."""

    candidate: Candidate
    model: str  # the name in the catalogue
    slot: Slot
    state: SlotState
    key: KeyState
    provider: ProviderState
    barriers: tuple[SlotState, KeyState, ProviderState]  # these three: whatever can close it
    rank: int
    context: int  # tokens of prompt and answer together; 0 is unknown
    first: bool  # of the deployment that is the first choice
    priced: bool
    free: bool  # costs no money: the price is zero, or a subscription pays
    turns: int  # that one call counts at a subscription
    deferred: Skip  # these three are made once: they are given often
    tried: Skip
    unpriced: Skip

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """Give the most that so many tokens cost: as if all of the prompt went to the cache."""
        price = self.candidate.deployment.price
        if self.free or price is None:
            return 0.0
        if price.long is not None and input_tokens > price.long_from:
            price = price.long
        prompt = max(price.input, price.cache_write or 0.0)
        return (input_tokens * prompt + output_tokens * price.output) / PER


class Group:
    """One deployment with its keys, in the order of the catalogue."""

    __slots__ = ("_by_load", "_calls", "_provider", "options")

    def __init__(self, options: Sequence[Option]) -> None:
        self.options = tuple(options)
        self._provider = options[0].provider
        self._by_load: Sequence[Option] = ()
        self._calls = -1  # how many had begun or ended at the provider when they were sorted

    def by_load(self) -> Sequence[Option]:
        """Give the keys in the order of what they have to do already.

        Where all but the first are barred there is nothing to balance. Loads change only with
        the provider's calls: in between, the order is kept.
        """
        for option in self.options[1:]:
            if not option.state.barred:
                break
        else:
            return self.options
        if self._calls != self._provider.calls:
            self._calls = self._provider.calls
            self._by_load = sorted(self.options, key=_LOAD)
        return self._by_load


@dataclass(frozen=True, slots=True)
class Plan:
    """Who could answer, in order."""

    meant: Meant
    groups: tuple[Group, ...]
    unfit: tuple[Skip, ...]
    rank: int  # of what was asked for
    lower: int | None  # the next lower rank that somebody of the plan has
    by_slot: Mapping[Slot, Option]


def plan(wanted: Wanted, meant: Meant, catalogue: Catalogue, board: Board) -> Plan:
    """Rank everybody for a kind of request."""
    rank = RANK.get(meant.tier, _ALONE)
    groups: list[Group] = []
    unfit: list[Skip] = []
    for deployment in order(meant, catalogue):
        provider = catalogue.providers[deployment.provider]
        candidates = [Candidate(deployment=deployment, key=key) for key in provider.keys]
        if wanted.only is not None:
            candidates = [one for one in candidates if one.slot == wanted.only]
            if not candidates:
                continue
        against = _unfit(wanted, meant, deployment, provider)
        if against is None:
            first = not groups
            options = [_option(c, provider, board, first=first) for c in candidates]
            groups.append(Group(options))
        else:
            reason, detail = against
            slot = Slot(deployment.provider, ANY_KEY, deployment.id)
            unfit.append(Skip(slot, reason, 0, detail))
    ranks = {group.options[0].rank for group in groups}
    lower = max((r for r in ranks if _ALONE < r < rank), default=None)
    by_slot = {option.slot: option for group in groups for option in group.options}
    return Plan(meant, tuple(groups), tuple(unfit), rank, lower, by_slot)


def order(meant: Meant, catalogue: Catalogue) -> Iterator[Deployment]:
    """Give every deployment that comes into question, best first, each once."""
    seen: set[tuple[str, str, str]] = set()
    for model in dict.fromkeys(_models(meant, catalogue)):
        ranked = deployments_of(model, catalogue)
        ranked.sort(key=lambda one: (one.provider, one.id) != meant.first)
        for one in ranked:
            at = (one.provider, one.id, one.model)
            if at not in seen:
                seen.add(at)
                yield one


def _models(meant: Meant, catalogue: Catalogue) -> Iterator[str]:
    if meant.model:
        yield meant.model
        if meant.model in catalogue.falls_to:
            yield from catalogue.falls_to[meant.model]
            return
    for tier in _tiers(meant.tier):
        yield from catalogue.tiers.get(tier, ())
        yield from (one.model for one in catalogue.deployments if one.tier is tier)


def _tiers(tier: Tier) -> Iterable[Tier]:
    """Give the tiers that may answer: its own, higher ones from the nearest, then lower ones."""
    if tier not in RANK:
        return (tier,)
    rank = RANK[tier]
    higher = sorted((t for t in RANK if RANK[t] >= rank and t is not tier), key=RANK.__getitem__)
    lower = sorted((t for t in RANK if RANK[t] < rank), key=RANK.__getitem__, reverse=True)
    return (tier, *higher, *lower)


def _unfit(
    wanted: Wanted, meant: Meant, one: Deployment, provider: Provider
) -> tuple[SkipReason, str] | None:
    """Say why a deployment can never answer such a request, None where it can."""
    who = wanted.who
    if not provider.enabled:
        return SkipReason.DISABLED, provider.why_disabled
    if not provider.keys:
        return SkipReason.NO_KEY, f"{provider.name} has no key"
    if meant.tier is Tier.EMBED and meant.model and one.model != meant.model:
        return SkipReason.OTHER_SPACE, ""
    wrong_kind = _wrong_kind(wanted.purpose, one)
    if wrong_kind or not wanted.abilities <= one.abilities:
        lacks = ", ".join(sorted(wanted.abilities - one.abilities))
        return SkipReason.NO_ABILITY, wrong_kind or f"lacks {lacks}"
    if who.pinned and meant.model and one.model != meant.model:
        return SkipReason.PINNED, ""
    return _unwelcome(wanted, one, provider)


def _unwelcome(
    wanted: Wanted, one: Deployment, provider: Provider
) -> tuple[SkipReason, str] | None:
    """Say what the caller's own conditions have against a deployment."""
    who = wanted.who
    if one.family in who.avoid:
        return SkipReason.SAME_FAMILY, one.family
    if who.floor is not None and RANK.get(one.tier, _ALONE) < RANK.get(who.floor, _ALONE):
        return SkipReason.BELOW_FLOOR, f"{one.tier} is below {who.floor}"
    return _unrelayed(wanted, provider)


def _unrelayed(wanted: Wanted, provider: Provider) -> tuple[SkipReason, str] | None:
    """Say why a subscription cannot be asked: it is passed on with the client's login, unread."""
    if provider.kind is not ProviderKind.SUBSCRIPTION:
        return None
    if provider.dialect is not wanted.dialect:
        return SkipReason.DIALECT, f"relayed in {provider.dialect} only"
    return None if wanted.login else (SkipReason.NO_KEY, "needs a login of the client's own")


def _wrong_kind(purpose: Purpose, one: Deployment) -> str:
    needed = _PURPOSES.get(purpose)
    if needed is None:
        return "" if one.tier in RANK else f"{one.tier} models do not converse"
    return "" if one.tier is needed else f"is no {needed} model"


def _option(candidate: Candidate, provider: Provider, board: Board, *, first: bool) -> Option:
    deployment, slot = candidate.deployment, candidate.slot
    paid_by_turn = provider.kind is ProviderKind.SUBSCRIPTION
    price = deployment.price
    free = paid_by_turn or (price is not None and price.input == price.output == 0)
    state, owner = board.slot(slot), board.provider(slot.provider)
    key = board.key(slot.provider, slot.key)
    return Option(
        candidate=candidate,
        model=deployment.model,
        slot=slot,
        state=state,
        key=key,
        provider=owner,
        barriers=(state, key, owner),
        rank=RANK.get(deployment.tier, _ALONE),
        context=deployment.context,
        first=first,
        priced=free or price is not None,
        free=free,
        turns=int(paid_by_turn),
        deferred=Skip(slot, SkipReason.DEFERRED),
        tried=Skip(slot, SkipReason.TRIED),
        unpriced=Skip(slot, SkipReason.UNPRICED, 0, "the catalogue has no price"),
    )
