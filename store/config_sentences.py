"""What is wrong with a setting, as a sentence a person can act on. Pure.

Two sources: pydantic's error values, translated; and the few settings that are each valid but
contradict each other or call for a warning.
"""

from __future__ import annotations

import difflib
import ipaddress
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic_core import ErrorDetails

from engine.demands import demand_of
from engine.settings import Section, Settings

_LIKENESS = 0.6


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that is wrong (`fatal`), or that the owner should know."""

    sentence: str
    fatal: bool = True


def sentence_of(error: ErrorDetails, places: Mapping[str, str]) -> str:
    """Say one pydantic error in a sentence that ends with the place, where one is known."""
    name = ".".join(str(part) for part in error["loc"])
    place = _place(name, places)
    at = f" ({place})" if place else ""
    if error["type"] == "extra_forbidden":
        return f"{name} is not a setting; {_nearest(name)}{at}."
    if error["type"] == "missing":
        return f"{name} is missing: the list is too short{at}."
    return f"{name} is {error['input']!r}; {demand_of(error)}{at}."


def contradictions(settings: Settings) -> Iterator[Verdict]:
    """Judge settings that are valid one by one and wrong, or unwise, together."""
    yield from _about_doors(settings)
    yield from _about_sizes(settings)
    if not _known_zone(settings.house.time_zone):
        yield _fault(
            f"house.time_zone is {settings.house.time_zone!r}, which this machine does not know;"
            " give an IANA name such as Europe/Berlin, or install the tzdata package."
        )
    if settings.store.synchronous == "NORMAL":
        yield _warning(
            "store.synchronous is NORMAL: a power cut may lose jobs that were acknowledged."
        )
    weights = settings.lanes.weights
    if sorted(weights, reverse=True) != list(weights):
        yield _warning(
            f"lanes.weights is {list(weights)}: a lower lane is served more often than a higher"
            " one. Weights usually fall from P0 to P5."
        )


def _about_doors(settings: Settings) -> Iterator[Verdict]:
    if not _is_loopback(settings.serve.host):
        yield _warning(
            f"serve.host is {settings.serve.host!r}: whoever reaches this machine reaches the API,"
            " in plain HTTP. Keep 127.0.0.1 and put a TLS proxy or a tunnel in front of it."
        )
    fixed = {
        "serve.port": settings.serve.port,
        "ray.port": settings.ray.port,
        "ray.dashboard_port": settings.ray.dashboard_port,
    }
    seen: dict[int, str] = {}
    for name, port in fixed.items():
        if port and port in seen:
            yield _fault(f"{name} is {port}, and so is {seen[port]}; give one of them another.")
        seen[port] = name


def _about_sizes(settings: Settings) -> Iterator[Verdict]:
    limits, sessions = settings.limits, settings.sessions
    payload = ("limits.payload_bytes", limits.payload_bytes)
    pairs = (
        (payload, ("serve.request_bytes", settings.serve.request_bytes)),
        (payload, ("limits.rendered_bytes", limits.rendered_bytes)),
        (
            ("sessions.result_text_bytes", sessions.result_text_bytes),
            ("sessions.result_bytes", sessions.result_bytes),
        ),
    )
    for (small, less), (large, more) in pairs:
        if less > more:
            yield _fault(
                f"{small} is {less}, more than {large}, which is {more}; raise the latter."
            )


def _fault(sentence: str) -> Verdict:
    return Verdict(sentence, fatal=True)


def _warning(sentence: str) -> Verdict:
    return Verdict(sentence, fatal=False)


def _place(name: str, places: Mapping[str, str]) -> str:
    """Find the place of a name, or of the list or section it is a part of."""
    while name:
        if name in places:
            return places[name]
        name = name.rpartition(".")[0]
    return ""


def known_names() -> list[str]:
    """Give every section and every dotted setting there is."""
    return list(_names("", Settings))


def _names(prefix: str, section: type[Section]) -> Iterator[str]:
    for name, described in section.model_fields.items():
        yield f"{prefix}{name}"
        inner = described.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            yield from _names(f"{prefix}{name}.", inner)


def _nearest(name: str) -> str:
    known = known_names()
    if near := difflib.get_close_matches(name, known, n=1, cutoff=_LIKENESS):
        return f"the nearest is {near[0]}"
    last = name.rpartition(".")[2]
    if elsewhere := [one for one in known if one.endswith(f".{last}")]:
        return f"there is {' and '.join(elsewhere)}"
    return "see them all: helio check --show"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _known_zone(name: str) -> bool:
    if name == "UTC":
        return True
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
