"""`helio pipeline ...`: YAML files and the library, checked here, run by the house."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from interfaces.cli import options, patience, progress, reach, voice
from interfaces.cli.job_request import absolute, pairs
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.views import Column, Table, View, label, short, standing

app = typer.Typer(no_args_is_help=True, help="Pipelines: graphs of jobs, in YAML.")

_FAILURES_SHOWN = 5
LIBRARY = Table(
    (
        Column("NAME", lambda row, _: str(row["name"])),
        Column("WHAT IT DOES", lambda row, _: str(row["description"])),
    ),
    "The library is empty.",
)
STEPS = Table(
    (
        Column("STEP", lambda job, _: str(job["key"])),
        Column("WORK", lambda job, _: progress.work_of(job)),
        Column("LANE", lambda job, _: str(job["lane"])),
        Column("NEEDS", lambda job, _: ", ".join(need["step"] for need in job["needs"])),
    ),
    "It has no steps.",
)

Source = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="A YAML file, or a name of the library.")
]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=VALUE", help="An input; repeatable."),
]


@app.command("list", epilog=examples("helio pipeline list", "helio pipeline list --json"))
def list_(as_json: options.AsJson = False) -> None:
    """List the pipelines of the library."""
    from interfaces.yaml_pipelines import library  # noqa: PLC0415  # brings the compiler

    items = [{"name": name, "description": said} for name, said in library().items()]
    voice.emit_list({"items": items, "next_cursor": None}, LIBRARY, as_json=as_json)


@app.command(epilog=examples("helio pipeline check nightly.yaml", "helio pipeline check welcome"))
def check(pipeline: Source, as_json: options.AsJson = False) -> None:
    """Check a pipeline without running it. Needs no house."""
    from interfaces.pipeline_files import checked  # noqa: PLC0415  # brings the compiler

    steps = checked(_load(pipeline))
    if as_json:
        voice.emit_json({"ok": True, "steps": steps})
    else:
        voice.say(f"{pipeline} is good: {steps} steps.", "green")


@app.command(
    epilog=examples(
        "helio pipeline render welcome --input path=.", "helio pipeline render nightly.yaml --json"
    )
)
def render(pipeline: Source, inputs: Inputs = None, as_json: options.AsJson = False) -> None:
    """Show what a pipeline compiles to, in an order that it could run in. Needs no house."""
    from interfaces.pipeline_files import rendered  # noqa: PLC0415  # brings the compiler

    read = _load(pipeline)
    told = rendered(read, _given(read, inputs))
    if as_json:
        voice.emit_json(told)
        return
    by_key = {job["key"]: job for job in told["jobs"]}
    voice.emit_table(STEPS, [by_key[key] for key in told["order"]])


@app.command(
    epilog=examples(
        "helio pipeline run welcome --input path=. --watch",
        "helio pipeline run nightly.yaml --lane P4 --idempotency-key nightly-2026-11-22",
        "helio pipeline run release.yaml --wait --json",
    )
)
def run(
    *,
    pipeline: Source,
    inputs: Inputs = None,
    lane: Annotated[str, typer.Option("--lane", "-p", metavar="LANE", help="Of all steps.")] = "",
    project: Annotated[str, typer.Option(metavar="NAME", help="Of all steps.")] = "",
    cwd: Annotated[
        str, typer.Option("--cwd", "-C", metavar="DIR", help="Of steps that name none.")
    ] = "",
    watch: Annotated[
        bool, typer.Option("--watch", help="Show each step, then the result.")
    ] = False,
    wait: options.Wait = False,
    timeout: options.Timeout = 0,
    idempotency_key: options.IdemKey = "",
    as_json: options.AsJson = False,
) -> None:
    """Run a pipeline. Ends with 1 if it was waited for and failed."""
    read = _load(pipeline)
    body: dict[str, Any] = {"pipeline": read, "inputs": _given(read, inputs)}
    asked = {"lane": lane, "project": project, "cwd": absolute(cwd) if cwd else ""}
    body |= {key: value for key, value in asked.items() if value}
    with reach.client() as client:
        made = client.ask("pipeline.run", body | {"idem_key": idempotency_key or None})
        if not (watch or wait):
            _tell(made, as_json=as_json)
            return
        shown = watch and not as_json
        with patience.interruptible(made["id"]):
            attend = progress.follow if shown else patience.wait_for
            view = attend(client, made["id"], timeout)
        _conclude(client, read, made, view, as_json=as_json)
        if shown and view["state"] == "succeeded":
            _next_steps(client, made["id"])
    if view["state"] != "succeeded":
        raise typer.Exit(1)


def _load(source: str) -> dict[str, Any]:
    from interfaces.yaml_pipelines import load  # noqa: PLC0415  # brings the compiler

    return load(source)


def _given(read: View, texts: list[str] | None) -> dict[str, Any]:
    from interfaces.pipeline_files import given_inputs  # noqa: PLC0415  # brings the compiler

    return given_inputs(read, pairs(texts or [], "--input"), absolute)


def _tell(made: View, *, as_json: bool) -> None:
    if as_json:
        voice.emit_json(made)
        return
    voice.emit(made["id"])
    voice.say(f"Look: helio job show {short(made['id'])}", "bright_black")


def _conclude(client: Client, read: View, made: View, view: View, *, as_json: bool) -> None:
    """Print the run, or the results of its last steps: those that no other step needs."""
    if as_json:
        voice.emit_json(view)
        return
    for name in progress.last_steps(read):
        job = client.ask("job.show", {"id": made["steps"][name]}) if name in made["steps"] else {}
        if text := (job.get("result") or {}).get("text"):
            voice.emit_text(f"\n{text}\n")
    if view["state"] != "succeeded":
        _say_failures(client, view)


def _say_failures(client: Client, run: View) -> None:
    """Tell which steps failed, each with its cause and remedy: they are why the run did."""
    asked = {"root": run["id"], "states": ["failed", "cancelled"], "kinds": ["task", "wait"]}
    found = client.ask("job.list", asked | {"newest": False, "limit": _FAILURES_SHOWN})["items"]
    for step in found:
        voice.say_end(f"Step {label(step)},", step)
        voice.say(f"        Its output: helio job logs {short(step['id'])}", "bright_black")
    if not found:
        voice.say_end("Pipeline", run)
    else:
        steps = f"helio job list --run {short(run['id'])}"
        voice.say(f"Pipeline {short(run['id'])} {standing(run)}. All its steps: {steps}", "red")


def _next_steps(client: Client, run_id: str) -> None:
    """Say what to do next, with the addresses."""
    voice.say("What to do next", "bold")
    for said, how in (
        ("the status page", client.url),
        ("the API and its documents", f"{client.url}/docs"),
        ("the way in for a browser", "helio open"),
        ("this run, step by step", f"helio job list --run {short(run_id)}"),
        ("a job of your own", "helio job submit --wait -- echo hello"),
        ("all that happens", "helio event tail"),
        ("stop Heliograph", "helio down"),
    ):
        voice.say(f"  {said:<28}{how}")
