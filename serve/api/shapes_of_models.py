"""The shapes of what `/v1/models` and `/v1/costs` answer, for the documents."""

from __future__ import annotations

from pydantic import Field

from serve.api.shapes import Json, Shape, Time


class PriceView(Shape):
    """US dollars per million tokens."""

    input: float = Field(examples=[2.0])
    output: float = Field(examples=[10.0])
    cache_read: float | None = None
    cache_write: float | None = None
    long: Json | None = Field(None, description="The price of a call that is longer than that.")


class ModelView(Shape):
    """One candidate: a model at a provider under one key."""

    slot: str = Field(examples=["anthropic/ANTHROPIC_API_KEY/claude-sonnet-5-5"])
    model: str = Field(examples=["claude-sonnet-5-5"])
    provider: str = Field(examples=["anthropic"])
    key: str = Field(description="The key's label.", examples=["ANTHROPIC_API_KEY"])
    id: str = Field(description="What the provider calls it.", examples=["claude-sonnet-5-5"])
    family: str = Field(examples=["claude"])
    tier: str = Field(examples=["mid"])
    transport: str = Field(examples=["relay"])
    kind: str = Field(examples=["api_key"])
    price: PriceView | None = Field(description="None: unknown; such a model is not called.")
    context: int
    max_output: int
    abilities: list[str] = Field(examples=[["tools", "vision"]])
    dimensions: int = 0
    state: str = Field(
        description="open, closed, half_open, disabled or no_key.", examples=["open"]
    )
    until: Time = Field(0, description="When it opens again; 0 where no time is known.")
    why: str = Field("", examples=["rate_limited"])


class ModelPage(Shape):
    """All of them, in the order in which they would be asked."""

    items: list[ModelView]
    next_cursor: str | None = None
    budgets: Json | list[Json] = Field({}, description="Spent, reserved and limit of each budget.")
    version: str = Field("", description="A digest of models.toml as it is in force.")
    problem: Json | None = Field(None, description="Why models.toml as it stands is not.")
    halted: bool = False


class ModelDetail(Shape):
    """What a name means."""

    name: str
    candidates: list[ModelView]


class Try(Shape):
    """One short call that was made, or why it was not."""

    slot: str
    ok: bool
    message: str = Field(examples=["claude-sonnet-5-5 answered."])
    fault: str | None = None
    status: int | None = None
    served: str | None = None
    usd: float | None = None
    took_us: int | None = None


class ModelTried(Shape):
    """How the calls went."""

    name: str
    tries: list[Try]


class ModelsChanged(Shape):
    """What was closed or opened."""

    name: str
    matched: list[str]
    until: Time = 0


class ModelReloaded(Shape):
    """Whether another catalogue is in force now."""

    changed: bool
    version: str
    problem: Json | None = None


class CostSum(Shape):
    """The sum of one project, model, day, worker or provider."""

    key: str = Field("", examples=["claude-sonnet-5-5"])
    calls: int
    failed: int
    usd: float
    turns: int = Field(description="Of subscriptions, which cost turns and no money.")
    input: int
    output: int
    cache_read: int = 0


class CostSums(Shape):
    """Costs, added up; the dearest first, days in their order."""

    by: str = Field("day", examples=["model"])
    items: list[CostSum]
    total: CostSum
