"""How long to wait after a refusal that names no time. Guesses, with jitter; chance is an argument.

A single slot doubles from `backoff_first_s`. Where a provider's slots do so again and again, with
no success in between, its waits climb the ladder instead: two, ten, thirty minutes.
"""

from __future__ import annotations

from random import Random

from engine.moments import us
from engine.settings import ModelSettings

REPEATS = 3  # repeated refusals of a provider's slots before the ladder begins
_JITTER = 0.2  # added at random: nobody comes back earlier than the guess
_MOST_DOUBLINGS = 20


def slot_wait(failures: int, repeats: int, settings: ModelSettings, rng: Random) -> int:
    """Give microseconds to wait for a slot.

    `failures` counts its refusals in a row (1 is the first), `repeats` those refusals of all
    the provider's slots that were not their first, since the provider's last success.
    """
    if repeats > REPEATS:
        return ladder_wait(repeats - REPEATS, settings, rng)
    doubled = settings.backoff_first_s * 2 ** min(failures - 1, _MOST_DOUBLINGS)
    return _jittered(min(doubled, settings.backoff_ladder_s[0]), rng)


def ladder_wait(step: int, settings: ModelSettings, rng: Random) -> int:
    """Give microseconds for a step of the ladder, 1 being the first; the last one stays."""
    ladder = settings.backoff_ladder_s
    return _jittered(ladder[min(step, len(ladder)) - 1], rng)


def breaker_wait(openings: int, settings: ModelSettings, rng: Random) -> int:
    """Give microseconds that a breaker stays open, 1 being its first opening in a row."""
    doubled = settings.breaker_open_s * 2 ** min(openings - 1, _MOST_DOUBLINGS)
    return _jittered(min(doubled, max(settings.backoff_ladder_s[-1], settings.breaker_open_s)), rng)


def _jittered(seconds: float, rng: Random) -> int:
    return us(seconds * (1 + _JITTER * rng.random()))
