"""A request is fitted to who answers it: no id, length or wish that the model does not take."""

import pytest

from routing.conversation import Ask, Dialect, Reasoning
from routing.fitting import fitted
from routing.models import Ability, Deployment, Tier

ASK = Ask(model="auto", messages=(), reasoning=Reasoning(effort="high"))


def deployment(*abilities, most=0):
    return Deployment(
        model="m", provider="p", id="m-1", family="f", tier=Tier.MID, max_output=most,
        abilities=frozenset(abilities),
    )  # fmt: skip


def test_the_providers_id_is_asked_for():
    got = fitted(ASK, deployment(), Dialect.CHAT, stream=True)
    assert (got.model, got.stream) == ("m-1", True)


def test_thinking_is_wished_only_of_models_that_think():
    assert fitted(ASK, deployment(), Dialect.CHAT, stream=False).reasoning is None
    thinker = deployment(Ability.THINKING)
    assert fitted(ASK, thinker, Dialect.CHAT, stream=False).reasoning == Reasoning(effort="high")


@pytest.mark.parametrize(("asked", "most", "dialect", "limit"), [
    (None, 0, Dialect.ANTHROPIC, None),
    (None, 500, Dialect.ANTHROPIC, 500),
    (None, 500, Dialect.CHAT, None),
    (900, 500, Dialect.CHAT, 500),
    (900, 0, Dialect.GEMINI, 900),
])  # fmt: skip
def test_no_more_is_asked_for_than_the_model_makes(asked, most, dialect, limit):
    ask = Ask(model="auto", messages=(), max_tokens=asked)
    assert fitted(ask, deployment(most=most), dialect, stream=False).max_tokens == limit
