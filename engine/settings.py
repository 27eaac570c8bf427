"""Every number of the house, named, with its default, its unit and its limits.

One tree, read once at start (`store.config` merges file and environment into it) and validated
as a whole; `helio check` prints what is wrong in full sentences. No other module holds a default.
Units are in the names: _s seconds, _bytes, _days.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=0, le=65535)]
Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(ge=0)]


class Section(BaseModel):
    """A frozen part of the tree that refuses unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HouseSettings(Section):
    """The machine as a whole."""

    slots: Positive = Field(20, description="Jobs that may run at the same time.")
    time_zone: str = Field("UTC", description="The owner's time zone, an IANA name.")
    drain_s: Seconds = Field(10, description="How long a stop waits for running jobs.")
    host_label: str = Field("local", description="This host's name inside session identities.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class LaneSettings(Section):
    """Fairness between P0 and P5."""

    weights: tuple[Positive, Positive, Positive, Positive, Positive, Positive] = Field(
        (32, 16, 8, 4, 2, 1), description="Stride weights of P0 to P5."
    )
    background_share: float = Field(
        0.7, gt=0, le=1, description="Largest share of the slots for P3 and below."
    )
    caps_from_slots: Positive = Field(3, description="Slot caps apply from this many slots on.")


class RetrySettings(Section):
    """Trying again."""

    max_failures: int = Field(3, ge=0, description="Retries that a job gets by default.")
    poison_reclaims: Positive = Field(3, description="Workers a job may kill before quarantine.")
    jitter: float = Field(0.1, ge=0, lt=1, description="Random share added to or taken off delays.")


class ClockSettings(Section):
    """The three progress clocks of a running job; 0 switches one off."""

    silence_s: Seconds = Field(900, description="Longest time without any sign of progress.")
    tool_s: Seconds = Field(7200, description="Longest single tool call.")
    total_s: Seconds = Field(0, description="Longest run of one attempt.")
    kill_grace_s: Seconds = Field(5, description="Between SIGTERM and SIGKILL of a tree.")


class SessionSettings(Section):
    """Workers."""

    prefetch: int = Field(1, ge=0, description="Orders that may wait in a session's mailbox.")
    ephemeral_idle_s: Seconds = Field(300, description="Idle time after which one retires.")
    output_cap_bytes: Positive = Field(16 * 2**20, description="Output kept of one attempt.")
    result_bytes: Positive = Field(4 * 2**20, description="Largest result that is kept whole.")
    result_text_bytes: Positive = Field(
        64 * 2**10, description="A larger result's end stays in the row; the rest is a file."
    )
    report_batch_s: Seconds = Field(0.05, description="How long progress reports are gathered.")
    progress_every_s: Seconds = Field(30, description="Progress is written at most this often.")
    status_every_s: Seconds = Field(2, description="How often running sessions are asked.")
    spare: int = Field(2, ge=0, description="Blank workers kept warm for jobs without a directory.")


class StoreSettings(Section):
    """Durable truth."""

    url: str = Field("", description="Empty: SQLite in the home. Else an SQLAlchemy URL.")
    synchronous: Literal["FULL", "NORMAL"] = Field(
        "FULL", description="NORMAL is faster and loses the last seconds at a power cut."
    )
    busy_timeout_s: Seconds = Field(30, description="How long a writer waits for the lock.")
    sweep_s: Seconds = Field(30, description="The safety sweep; a wake it finds is a bug counted.")
    done_days: Positive = Field(14, description="Succeeded and cancelled jobs are kept so long.")
    failed_days: Positive = Field(90, description="Failed jobs are kept so long.")
    event_days: Positive = Field(30, description="Events before the newest snapshot are kept so.")
    call_days: Positive = Field(
        30, description="Single model calls are kept so long; the sums of days stay."
    )
    prune_batch: Positive = Field(500, description="Rows removed in one transaction.")
    prune_every_s: Seconds = Field(3600, description="How often retention runs.")
    artefact_bytes: Positive = Field(2**30, description="Largest file that a job may leave.")
    artefact_quota_bytes: Positive = Field(
        20 * 2**30, description="Room for the files of all jobs together."
    )


class ServeSettings(Section):
    """The doors."""

    host: str = Field("127.0.0.1", description="Loopback unless you know why not.")
    port: Port = Field(8420, description="The API and the pages; 0 picks a free one.")
    request_bytes: Positive = Field(8 * 2**20, description="Largest request body.")
    max_ongoing_requests: Positive = Field(1000, description="Open requests of one replica.")
    replicas: Positive = Field(1, description="Copies of the API.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names besides localhost by which browsers and clients may call."
    )
    login_s: Seconds = Field(43_200, description="How long a browser stays logged in.")
    beat_s: Positive = Field(15, description="A silent live stream sends a comment this often.")
    wait_s: Positive = Field(60, description="Longest that one request waits for a change.")
    log_page_bytes: Positive = Field(256 * 2**10, description="Output given in one answer.")


class HubSettings(Section):
    """The live stream and the metrics."""

    ring_events: Positive = Field(10_000, description="Newest events kept in memory.")
    ring_bytes: Positive = Field(32 * 2**20, description="Memory that those may take.")
    passing_events: Positive = Field(2_000, description="Transient events kept in memory.")
    page: Positive = Field(500, description="Events of one answer.")
    sweep_s: Seconds = Field(5, description="How often the store is asked for missed events.")
    save_every_s: Seconds = Field(30, description="How often the counters are put on disk.")
    rebuild_events: Positive = Field(
        100_000, description="Events counted again when the saved counters are lost."
    )


class RaySettings(Section):
    """The cluster underneath. Port 0 picks a free one."""

    port: Port = 0
    dashboard_port: Port = 0
    num_cpus: int | None = Field(None, description="CPUs that Ray may count on; none: detect.")
    object_store_bytes: int = Field(78_643_200, ge=78_643_200)
    start_timeout_s: Seconds = Field(180, description="How long the head may take to come up.")


class ModelSettings(Section):
    """The router and its gateway. Providers and models stand in models.toml."""

    host: str = Field("127.0.0.1", description="Loopback unless you know why not.")
    port: Port = Field(8421, description="The gateway of all model calls; 0 picks a free one.")
    request_bytes: Positive = Field(32 * 2**20, description="Largest model request.")
    connect_s: Seconds = Field(3, description="Longest time to reach a provider.")
    first_byte_s: Seconds = Field(30, description="Longest wait for an answer to begin.")
    whole_s: Seconds = Field(600, description="Longest wait for an answer that is not streamed.")
    idle_s: Seconds = Field(60, description="Longest silence inside a streamed answer.")
    hold_s: Seconds = Field(
        2, description="A call waits inside the gateway for a reset that is this near."
    )
    allow_unpriced: bool = Field(False, description="Call models whose price nobody knows.")
    admission_share: float = Field(
        0.9, gt=0, le=1, description="Part of a known limit that is used."
    )
    urgent_share: float = Field(
        0.2, ge=0, lt=1, description="Part of a fallback's limit that only P0 and P1 may spill on."
    )
    retry_share: float = Field(
        0.2, ge=0, le=1, description="Second attempts at a provider, as a part of its requests."
    )
    concurrency: Positive = Field(32, description="Calls under way at a provider that names none.")
    breaker_faults: Positive = Field(5, description="Faults in a row that open a breaker.")
    breaker_share: float = Field(0.5, gt=0, le=1, description="So does this part of all calls ...")
    breaker_calls: Positive = Field(10, description="... once there were so many ...")
    breaker_window_s: Seconds = Field(60, description="... in this time.")
    breaker_open_s: Seconds = Field(30, description="How long it stays open at first; doubles.")
    breaker_successes: Positive = Field(2, description="Successes that close it again.")
    backoff_first_s: Seconds = Field(
        5, description="First wait after a 429 that names no time; doubles."
    )
    backoff_ladder_s: tuple[Positive, Positive, Positive] = Field(
        (120, 600, 1800), description="Waits when a whole provider does so again and again."
    )
    hedge_share: float = Field(
        0.05, ge=0, le=1, description="Most requests that may be asked twice at once; 0 is never."
    )
    ship_every_s: Seconds = Field(0.5, description="How often finished calls go to the store.")


class BudgetSettings(Section):
    """US dollars; 0 sets no limit. A day is one of the owner's time zone."""

    day_usd: float = Field(0, ge=0, description="All calls of a day.")
    project_day_usd: float = Field(0, ge=0, description="A project's calls of a day.")
    worker_day_usd: float = Field(0, ge=0, description="A worker's calls of a day.")
    job_usd: float = Field(0, ge=0, description="One job with all its attempts.")
    provider_day_usd: dict[str, float] = Field(
        default_factory=dict, description="A provider's calls of a day, by its name."
    )
    emergency_day_usd: float = Field(
        5, ge=0, description="What P0 may spend in a day after another budget is gone."
    )
    step_down: float = Field(
        0.8, gt=0, le=1, description="From this part of a budget on, one tier lower answers."
    )


class LlmSettings(Section):
    """Jobs that are one model call."""

    at_a_time: Positive = Field(8, description="Jobs that one pool session does at once.")
    turns: Positive = Field(40, description="Turns of a conversation that are sent again.")
    max_tokens: Positive = Field(4096, description="Longest answer, where a job names none.")
    attachment_bytes: Positive = Field(8 * 2**20, description="Attachments of one job together.")


class CouncilSettings(Section):
    """Several models, one answer."""

    members: Positive = Field(4, description="Models that are asked.")
    quorum: Positive = Field(2, description="Answers that must come.")
    total_s: Seconds = Field(60, description="For the whole call, synthesis included.")
    max_tokens: Positive = Field(2048, description="Longest answer of a member.")


class GateSettings(Section):
    """The check that turns "claimed" into "verified"."""

    rounds: int = Field(2, ge=0, description="How often a deliverable goes back to its maker.")
    tier: str = Field("mid", description="Tier of the reviewing model.")
    timeout_s: Seconds = Field(300, description="Longest review.")


class LimitSettings(Section):
    """What one request may ask for."""

    payload_bytes: Positive = Field(256 * 2**10, description="Largest spec of one job.")
    rendered_bytes: Positive = Field(2**20, description="Largest rendered payload.")
    batch_jobs: Positive = Field(10_000, description="Jobs in one submit.")
    map_items: Positive = Field(10_000, description="Children of one map.")
    page: Positive = Field(500, description="Rows of one page.")


class Settings(Section):
    """The whole tree."""

    house: HouseSettings = HouseSettings()
    lanes: LaneSettings = LaneSettings()
    retry: RetrySettings = RetrySettings()
    clocks: ClockSettings = ClockSettings()
    sessions: SessionSettings = SessionSettings()
    store: StoreSettings = StoreSettings()
    serve: ServeSettings = ServeSettings()
    hub: HubSettings = HubSettings()
    ray: RaySettings = RaySettings()
    models: ModelSettings = ModelSettings()
    budgets: BudgetSettings = BudgetSettings()
    llm: LlmSettings = LlmSettings()
    council: CouncilSettings = CouncilSettings()
    gate: GateSettings = GateSettings()
    limits: LimitSettings = LimitSettings()
    pools: dict[str, Positive] = Field(
        default_factory=dict, description="Jobs at a time of a backend without a directory."
    )
