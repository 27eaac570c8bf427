"""Who is served next: stride scheduling over the six lanes, under nested slot caps.

It knows lanes and numbers only: no job, no queue, no clock. The dispatcher says which lanes have
a job that could start now, and how many jobs of each lane hold a slot; `pick` names the lane,
`charge` books the service.

Each lane has a pass. A lane's place is max(its pass, virtual time); the lowest place is served,
equal places go to the lower pass. Service moves virtual time up to the served place and the
lane's pass one stride beyond it (3200 / weight). So a lane that had nothing to do, or that a cap
held back, rejoins at the present: it never saves up turns for a burst. Since a lane that waited
all along is never behind virtual time, nobody has to remember who was empty.

The bound. Count, between two services of lane L, the dispatches of others *at which L had a job
and no cap stood in its way*. Another lane M gets at most floor(w_M / w_L) + 1 of them: its places
rise by 3200 / w_M each time and stay within L's stride; and where virtual time has overtaken L
(only possible while L could not be served) M wins a tie only with a pass below L's, hence once,
in the place of one of those. With the weights 32..1 the sum over five others is at most
ceil((63 - w_L) / w_L) + 5, so P5 is served at least once in any 68 dispatches that it could have
had. The tie by pass is what makes this true under caps: with ties by lane number, P3 would win
every slot that the background gets back, and P5 none.

What the bound does not say: how long a cap holds. While P3 and below fill their share, P5 waits
for one of *their* jobs to end, however much P0 runs meanwhile. Among lanes that caps have held
back for long, weights blur towards taking turns.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.jobs import Lane
from engine.settings import LaneSettings

_SCALE = 3200
_ZEROS = (0,) * len(Lane)
_ROUNDING = 1e-9  # 0.29 * 100 is a little less than 29


@dataclass(frozen=True, slots=True)
class StrideState:
    """The six passes and the virtual time.

    It is stored in the transaction that claims: a state that began anew at each start would
    starve P5 in a house that restarts often.
    """

    passes: tuple[int, ...] = _ZEROS
    virtual_time: int = 0


def stride(lane: Lane, settings: LaneSettings) -> int:
    """Give the distance that one service moves a lane."""
    return max(1, _SCALE // settings.weights[lane])


def pick(
    state: StrideState,
    waiting: Collection[Lane],
    running: Sequence[int],
    slots: int,
    settings: LaneSettings,
) -> Lane | None:
    """Name the lane to serve next, or None when no slot is free or no lane may use it.

    `waiting` are the lanes with a job that could start now; `running` counts the slots that each
    of the lanes holds.
    """
    lanes = eligible(waiting, running, slots, settings)
    return min(lanes, key=lambda lane: _place(state, lane), default=None)


def charge(state: StrideState, lane: Lane, settings: LaneSettings) -> StrideState:
    """Book one service of a lane."""
    served_at, _, _ = _place(state, lane)
    passes = list(state.passes)
    passes[lane] = served_at + stride(lane, settings)
    return StrideState(tuple(passes), served_at)


def eligible(
    waiting: Collection[Lane], running: Sequence[int], slots: int, settings: LaneSettings
) -> tuple[Lane, ...]:
    """Give the waiting lanes that the slots and the caps let through."""
    if _held(running, Lane.P0) >= slots:
        return ()
    allowed = Lane.P5
    if slots >= settings.caps_from_slots:
        if _held(running, Lane.P2) >= slots - 1:
            allowed = Lane.P1
        elif _held(running, Lane.P3) >= background_slots(slots, settings):
            allowed = Lane.P2
    return tuple(lane for lane in waiting if lane <= allowed)


def background_slots(slots: int, settings: LaneSettings) -> int:
    """Give how many slots P3 and below may hold together."""
    if slots < settings.caps_from_slots:
        return slots
    return max(1, math.floor(settings.background_share * slots + _ROUNDING))


def _held(running: Sequence[int], highest: Lane) -> int:
    return sum(running[highest:])


def _place(state: StrideState, lane: Lane) -> tuple[int, int, Lane]:
    own = state.passes[lane]
    return max(own, state.virtual_time), own, lane
