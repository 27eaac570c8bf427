"""What a person is shown of models and costs: pure functions from JSON views to text.

The state of a candidate comes from the router; times are told in the owner's time zone. It knows
no terminal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from interfaces.views import Column, Table, View, duration
from store.secrets import REFERENCE

_US = 1_000_000
_DAY_S = 86_400
_SHORT_USD = 0.01
_NEAR_S = 120

_NEVER_S = 10 * 365 * _DAY_S  # the router's "until somebody does something"

# Words for the causes that the router gives.
_WHY: Mapping[str, str] = {
    "rate_limit": "rate limit",
    "exhausted": "its limit is used up",
    "tripped": "by hand",
    "auth": "its key was refused",
    "quota": "its quota is used up",
    "not_found": "no such model there",
}


# What to do about a fault of a test call.
_REMEDIES: Mapping[str, str] = {
    "auth": "Give its key a new value: helio secret rotate {key}",
    "quota": "Look at the account of {provider}; then: helio model reset {provider}",
    "rate_limit": "Wait; helio model show {provider} tells how long.",
    "not_found": "Correct its id in models.toml; then: helio model reload",
    "connect": "See whether its url in models.toml is right and can be reached.",
    "timeout": "Try again; models.first_byte_s is how long one may take.",
    "not asked": "See why: helio model show {provider}",
    "malformed": "See whether its dialect in models.toml is right.",
}


def remedy_of(tried: View) -> str:
    """Say what to do about a test call that failed, or that could not be made."""
    if tried.get("ok"):
        return ""
    fault, said = str(tried.get("fault") or "not asked"), str(tried.get("message") or "")
    if said.startswith(REFERENCE):
        return f"Set it: helio secret set {said.removeprefix(REFERENCE).partition(' ')[0]}"
    provider, _, rest = str(tried["slot"]).partition("/")
    key = rest.partition("/")[0]
    return _REMEDIES.get(fault, "").format(provider=provider, key=key)


def clock(at_us: int, now_us: int, zone: tzinfo) -> str:
    """Say when, as a person's watch has it: 14:03, or 14:03:20 where that is near.

    The day is told where it is another one.
    """
    at, now = (datetime.fromtimestamp(us / _US, UTC).astimezone(zone) for us in (at_us, now_us))
    time = "%H:%M:%S" if abs(at_us - now_us) < _NEAR_S * _US else "%H:%M"
    return at.strftime(time if at.date() == now.date() else f"%a %d %b {time}")


def is_day(said: str) -> bool:
    """Whether this is a day as sums know them."""
    try:
        date.fromisoformat(said)
    except ValueError:
        return False
    return len(said) == len("2026-11-22")


def day(now_us: int, zone: tzinfo) -> str:
    """Give the day of a moment, as budgets and sums count it."""
    return datetime.fromtimestamp(now_us / _US, UTC).astimezone(zone).date().isoformat()


def day_before(now_us: int, seconds: float, zone: tzinfo) -> str:
    """Give the day that was so long ago; a length of one day is today."""
    back = max(seconds - _DAY_S, 0)
    return day(now_us - round(back * _US), zone)


def standing(candidate: View, now_us: int, zone: tzinfo) -> str:
    """Say how a candidate stands: open, closed until when and why, half-open, disabled and why."""
    state = str(candidate.get("state") or "open").replace("_", "-")
    if state == "open":
        return state
    until = int(candidate.get("until") or 0)
    soon = now_us < until < now_us + _NEVER_S * _US
    when = f" until {clock(until, now_us, zone)}" if soon else ""
    why = str(candidate.get("why") or "")
    return f"{state}{when}{f': {_WHY.get(why, why)}' if why else ''}"


def price(candidate: View) -> str:
    """Say the price of a million tokens in and out."""
    known = candidate.get("price")
    if not known:
        return "turns" if candidate.get("kind") == "subscription" else "unknown"
    if candidate.get("kind") == "subscription":
        return "turns"
    if not known["input"] and not known["output"]:
        return "free"
    return f"${known['input']:g} / ${known['output']:g}"


def money(usd: object) -> str:
    """Say an amount: cents where they tell something, more digits below one cent."""
    amount = float(str(usd or 0))
    if not amount:
        return "$0"
    return f"${amount:.2f}" if amount >= _SHORT_USD else f"${amount:.6f}".rstrip("0")


def tokens(count: object) -> str:
    """Say a number of tokens: 950, 12.3k, 4.5M."""
    number = int(str(count or 0))
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + unit
    return str(number)


def took(microseconds: object) -> str:
    """Say how long a call took."""
    spent = float(str(microseconds or 0)) / _US
    return f"{spent * 1000:.0f} ms" if spent < 1 else duration(spent)


def models(now_us: int, zone: tzinfo, spent: Mapping[str, View]) -> Table:
    """Give the table of candidates; `spent` are today's sums by model, told once a model."""
    told: set[str] = set()

    def today(candidate: View, _: int) -> str:
        name = str(candidate.get("model"))
        first = name not in told
        told.add(name)
        sums = spent.get(name) if first else None
        return f"{sums['calls']} {money(sums['usd'])}" if sums else ""

    return Table(
        (
            Column("MODEL", lambda one, _: str(one.get("model") or ""), firm=True),
            Column("TIER", lambda one, _: str(one.get("tier") or "")),
            Column("PROVIDER", lambda one, _: str(one.get("provider") or ""), firm=True),
            Column("KEY", lambda one, _: str(one.get("key") or "")),
            Column("IN / OUT", lambda one, _: price(one)),
            Column("TODAY", today),
            # the first sentence will do here; `helio model show` tells the rest
            Column("STATE", lambda one, _: standing(one, now_us, zone).partition(". ")[0]),
        ),
        "No provider is configured. Begin: helio model init anthropic",
    )


TRIES = Table(
    (
        Column("SLOT", lambda one, _: str(one["slot"]), firm=True),
        Column("END", lambda one, _: _ended(one), firm=True),
        Column("TOOK", lambda one, _: took(one.get("took_us")) if one.get("ok") else ""),
        Column("COST", lambda one, _: money(one.get("usd")) if one.get("ok") else ""),
        Column("SAID", lambda one, _: str(one.get("message") or "")),
    ),
    "There is nobody to ask.",
)


def _ended(tried: View) -> str:
    return "ok" if tried.get("ok") else str(tried.get("fault") or "not asked")


def costs(by: str) -> Table:
    """Give the table of sums."""
    return Table(
        (
            Column(by.upper(), lambda one, _: str(one.get("key") or "none"), firm=True),
            Column("COST", lambda one, _: money(one.get("usd")), firm=True),
            Column("CALLS", lambda one, _: str(one.get("calls") or 0)),
            Column("FAILED", lambda one, _: str(one.get("failed") or "")),
            Column("TURNS", lambda one, _: str(one.get("turns") or "")),
            Column("IN", lambda one, _: tokens(one.get("input"))),
            Column("OUT", lambda one, _: tokens(one.get("output"))),
            Column("CACHED", lambda one, _: tokens(one.get("cache_read"))),
        ),
        "No model was called in that time.",
    )


def details(candidate: View, now_us: int, zone: tzinfo) -> dict[str, object]:
    """Give everything of one candidate as names and values."""
    return {
        "slot": candidate.get("slot"),
        "model": candidate.get("model"),
        "state": standing(candidate, now_us, zone),
        "tier": candidate.get("tier"),
        "family": candidate.get("family"),
        "transport": candidate.get("transport"),
        "price": f"{price(candidate)}{_long(candidate)}",
        "context": tokens(candidate["context"]) if candidate.get("context") else "",
        "max output": tokens(candidate["max_output"]) if candidate.get("max_output") else "",
        "abilities": ", ".join(candidate.get("abilities") or ()),
        "dimensions": candidate.get("dimensions") or "",
        "because": candidate.get("detail"),
        "limits": _limits(candidate.get("limits") or {}, now_us, zone),
        "under way": candidate.get("in_flight"),
        "first byte": _p95(candidate.get("p95_first_byte_us")),
    }


def _long(candidate: View) -> str:
    known = candidate.get("price") or {}
    long = known.get("long")
    if not long:
        return ""
    above = tokens(known.get("long_from"))
    return f", ${long['input']:g} / ${long['output']:g} above {above} tokens"


def _limits(limits: Mapping[str, Any], now_us: int, zone: tzinfo) -> str:
    """Say what is left: of what the provider told last, and of what may go out in a minute."""
    parts = []
    for name, known in limits.items():
        if known.get("left") is not None:
            until = clock(int(known["reset"]), now_us, zone)
            parts.append(f"{tokens(known['left'])} {name} left until {until}")
        if known.get("a_minute"):
            used, most = tokens(known.get("used")), tokens(known["a_minute"])
            parts.append(f"{used} of {most} {name} a minute")
    return ", ".join(parts)


def _p95(microseconds: object) -> str:
    return f"95 % within {took(microseconds)}" if microseconds else ""


def total(items: Sequence[View], sums: View) -> str:
    """Say the sum of a table of costs in one line."""
    turns = f", {sums['turns']} turns" if sums.get("turns") else ""
    return f"{money(sums.get('usd'))} in {sums.get('calls', 0)} calls{turns}" if items else ""
