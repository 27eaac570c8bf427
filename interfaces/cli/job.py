"""`helio job ...`: what is promised, what came of it, and how to stop it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from engine.errors import BadInput
from interfaces.cli import job_artefact, job_request, options, patience, reach, voice
from interfaces.cli.groups import takes
from interfaces.cli.model_request import ModelOptions
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.views import (
    ATTEMPTS,
    CALLS,
    JOBS,
    REVIEWS,
    STEPS,
    View,
    age,
    ago,
    awaited,
    cost,
    label,
    remedy,
    short,
    size,
    standing,
    verified,
    why,
)

app = typer.Typer(no_args_is_help=True, help="Jobs: submit, look, wait, stop.")
_ROWS_SHOWN = 20


@app.command(
    epilog=examples(
        "helio job submit -- echo hello",
        "helio job submit --backend shell --cwd . --lane P2 --wait --json -- make test",
        "helio job submit --sh 'sleep 2; date' --name clock --logs",
        "helio job submit --env TOKEN=secret:GITHUB --after 4kq8w2mz -- ./publish",
        "helio job submit --ask 'Publish?' --option yes --option no --default no --deadline 2h",
        "helio job submit --signal deployed --wait",
        "helio job submit --prompt 'Name three risks.' --tier mid --schema risks.json --wait",
        "helio job submit --models --tier cheap -- python label.py",
        "helio job submit --prompt 'Write a haiku.' --requirements 'Three lines, 5-7-5.'",
    )
)
@takes(ModelOptions)
def submit(
    *,
    command: job_request.Command = None,
    sh: job_request.Sh = "",
    signal_name: job_request.SignalName = "",
    ask: job_request.Ask = "",
    option: job_request.Option = None,
    default: job_request.Default = "",
    deadline: job_request.DeadlineIn = "",
    about: ModelOptions,
    backend: job_request.Backend = "",
    cwd: job_request.Cwd = "",
    lane: job_request.LaneName = "P2",
    name: job_request.Name = "",
    project: job_request.Project = "",
    env: job_request.Env = None,
    stdin: job_request.Stdin = "",
    after: job_request.After = None,
    limit_s: job_request.RunLimit = 0,
    retries: job_request.Retries = None,
    hold: job_request.Hold = False,
    once: job_request.Once = False,
    persistent: job_request.Persistent = False,
    wait: options.Wait = False,
    timeout: options.Timeout = 0,
    logs: job_request.Logs = False,
    idempotency_key: options.IdemKey = "",
    as_json: options.AsJson = False,
) -> None:
    """Submit a job; it is safe once this returns. Behind -- stands the command: no shell."""
    request = job_request.build(
        {"run": command or [], "sh": sh, "backend": backend, "cwd": cwd, "lane": lane}
        | {"name": name, "project": project, "env": env or [], "stdin": stdin}
        | {"needs": after or [], "timeout_s": limit_s, "max_failures": retries, "hold": hold}
        | {"effects": "once" if once else "", "persistent": persistent}
        | {"wait": job_request.wait_of(signal_name, ask, option or [], default, deadline)}
        | about.words(cwd)
    )
    body = {"jobs": [request], "idem_key": idempotency_key or None}
    _hand_in(body, wait=wait or logs, timeout_s=timeout, logs=logs, as_json=as_json)


@app.command(
    "list",
    epilog=examples(
        "helio job list",
        "helio job list --state running --state ready --lane P0",
        "helio job list --text build --limit 5 --json",
    ),
)
def list_(
    *,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="Only in this state; repeatable.")
    ] = None,
    lane: Annotated[
        list[str] | None, typer.Option(metavar="LANE", help="Only of this lane; repeatable.")
    ] = None,
    project: Annotated[str, typer.Option(metavar="NAME", help="Only of this project.")] = "",
    backend: Annotated[str, typer.Option(metavar="NAME", help="Only of this backend.")] = "",
    run: Annotated[str, typer.Option(metavar="JOB", help="Only steps of this run.")] = "",
    text: Annotated[str, typer.Option(metavar="TEXT", help="Only names with this text.")] = "",
    oldest: Annotated[bool, typer.Option("--oldest", help="Oldest first.")] = False,
    limit: options.Limit = 20,
    cursor: options.Cursor = "",
    as_json: options.AsJson = False,
) -> None:
    """List jobs, newest first."""
    asked: dict[str, Any] = {
        "states": state,
        "lanes": lane,
        "project": project,
        "backend": backend,
        "root": run,
    }
    asked |= {"text": text, "cursor": cursor, "limit": limit, "newest": not oldest}
    with reach.client() as client:
        answer = client.ask("job.list", {key: value for key, value in asked.items() if value != ""})
    voice.emit_list(answer, JOBS, as_json=as_json)


@app.command(epilog=examples("helio job show 4kq8w2mz", "helio job show 4kq8w2mz --json"))
def show(job: options.JobId, as_json: options.AsJson = False) -> None:
    """Show one job, its attempts and its members."""
    with reach.client() as client:
        view = client.ask("job.show", {"id": job})
    if as_json:
        voice.emit_json(view)
        return
    now = voice.now_us()
    voice.emit_fields(
        {
            "id": view["id"],
            "name": label(view),
            "state": standing(view),
            "lane": view.get("lane"),
            "backend": view.get("backend"),
            "directory": view.get("cwd"),
            "submitted": ago(view.get("created_at") or 0, now),
            "deadline" if view["state"] == "waiting" else "due": ago(view.get("run_at") or 0, now),
            "waits for": awaited(view),
            "age": age(view, now),
            "cost": cost(view),
            "council": _label(view),
            "verified": verified(view),
            "why": why(view),
            "remedy": remedy(view),
            "retry of": view.get("retry_of"),
        }
    )
    tables = (("members", STEPS), ("attempts", ATTEMPTS), ("reviews", REVIEWS), ("calls", CALLS))
    for heading, kind in tables:
        if view.get(heading):
            voice.emit("")
            voice.emit_table(kind, _latest(view[heading]))
    if text := (view.get("result") or {}).get("text"):
        voice.emit_text("\n" + text)
    _tell_artefacts(view)


@app.command(
    epilog=examples(
        "helio job logs 4kq8w2mz", "helio job logs -f 4kq8w2mz", "helio job logs 4kq8w2mz --epoch 1"
    )
)
def logs(
    job: options.JobId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until it is at rest.")] = False,
    epoch: Annotated[
        int, typer.Option(min=0, metavar="N", help="Which attempt; 0 is the newest.")
    ] = 0,
) -> None:
    """Print what a job wrote. A pipe gets it as it is, a terminal without what would steer it."""
    with reach.client() as client, patience.interruptible(job):
        voice.emit_output(patience.output(client, job, epoch=epoch, follow=follow))


@app.command(
    epilog=examples("helio job wait 4kq8w2mz", "helio job wait 4kq8w2mz --timeout 60 --json")
)
def wait(
    job: options.JobId,
    timeout: options.Timeout = 0,
    logs: job_request.Logs = False,
    as_json: options.AsJson = False,
) -> None:
    """Wait until a job is at rest. Ends with 1 unless it succeeded."""
    with reach.client() as client:
        _attend(client, job, timeout_s=timeout, logs=logs, as_json=as_json)


@app.command(epilog=examples("helio job cancel 4kq8w2mz", "helio job cancel 4kq8w2mz --wait"))
def cancel(
    job: options.JobId,
    wait: options.Wait = False,
    timeout: options.Timeout = 0,
    as_json: options.AsJson = False,
) -> None:
    """Cancel a job and end its process tree. No later result is accepted."""
    with reach.client() as client:
        view: View = client.ask("job.cancel", {"id": job, "by": "cli"})
        if wait:
            with patience.interruptible(job):
                view = patience.wait_for(client, view["id"], timeout)
    if as_json:
        voice.emit_json(view)
    else:
        voice.say(f"Job {short(view['id'])} is {standing(view)}.")


@app.command(epilog=examples("helio job retry 4kq8w2mz", "helio job retry 4kq8w2mz --wait"))
def retry(
    job: options.JobId,
    wait: options.Wait = False,
    timeout: options.Timeout = 0,
    as_json: options.AsJson = False,
) -> None:
    """Submit the same work as a new job. The old one stays as it is."""
    with reach.client() as client:
        made = client.ask("job.retry", {"id": job})
        if wait:
            _attend(client, made["id"], timeout_s=timeout, logs=False, as_json=as_json)
        elif as_json:
            voice.emit_json(made)
        else:
            voice.emit(made["id"])


@app.command(
    epilog=examples(
        "helio job signal 4kq8w2mz approved",
        """helio job signal 4kq8w2mz deployed --payload '{"version": 7}'""",
    )
)
def signal(
    job: options.JobId,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The signal it waits for.")],
    payload: Annotated[str, typer.Option(metavar="JSON", help="JSON that comes with it.")] = "null",
    as_json: options.AsJson = False,
) -> None:
    """Send a named signal to a job. The first one counts, and it may come early."""
    try:
        content = json.loads(payload)
    except ValueError as fault:
        raise BadInput(
            f"--payload is not JSON: {fault}.", remedy="Quote text twice: --payload '\"text\"'"
        ) from None
    with reach.client() as client:
        answer = client.ask("job.signal", {"id": job, "name": name, "payload": content})
    if as_json:
        voice.emit_json(answer)
    else:
        again = "" if answer.get("first", True) else " It had come before; the first one counts."
        voice.say(f"Signal {name} is kept for {short(job)}.{again}")


job_artefact.register(app)


def _hand_in(body: View, *, wait: bool, timeout_s: float, logs: bool, as_json: bool) -> None:
    """Submit, then say what was made or wait for it."""
    with reach.client() as client:
        made = client.ask("job.submit", body)
        if wait:
            _attend(client, made["ids"][0], timeout_s=timeout_s, logs=logs, as_json=as_json)
        else:
            _acknowledge(made, body["jobs"][0].get("wait") or {}, as_json=as_json)


def _acknowledge(made: View, waits: View, *, as_json: bool) -> None:
    """Give the new job's id, which is data, and say what to do with it."""
    identity = made["ids"][0]
    if as_json:
        voice.emit_json({"id": identity, "replayed": made.get("replayed", False)})
    else:
        voice.emit(identity)
        voice.say(_next_step(short(identity), waits), "bright_black")


def _next_step(job: str, waits: View) -> str:
    if name := waits.get("signal"):
        return f"It waits for: helio job signal {job} {shlex.quote(name)}"
    return (
        "It waits for you: helio decision list" if waits else f"Follow it: helio job logs -f {job}"
    )


def _label(view: View) -> str:
    """Say how many of a council answered."""
    said = (view.get("result") or {}).get("data")
    if view.get("backend") != "council" or not isinstance(said, dict):
        return ""
    return str(said.get("label") or "")


def _tell_artefacts(view: View) -> None:
    """Say on stderr which files there are besides, and how to get them."""
    for kept in view.get("artefacts") or []:
        cut = " The text above is its end." if (view.get("result") or {}).get("truncated") else ""
        how = f"helio job artefact {short(view['id'])} {kept['name']}"
        voice.say(f"{kept['name']} has {size(kept['size_bytes'])}.{cut} Get it: {how}")


def _tell_verdict(view: View) -> None:
    """Say on stderr what the gate says; a claim that nobody confirmed must not pass for done."""
    if (view.get("result") or {}).get("verified"):
        voice.say(f"Verified: {verified(view)}.", "green")
    else:
        voice.say(f"Job {short(view['id'])} is {standing(view)}. {why(view)}".rstrip(), "yellow")


def _latest(rows: Sequence[View]) -> list[View]:
    """Give the last rows, attempts by epoch; the rest stands in --json."""
    ordered = sorted(rows, key=lambda row: int(row.get("epoch") or 0))
    if len(ordered) > _ROWS_SHOWN:
        voice.say(f"The last {_ROWS_SHOWN} of {len(ordered)}; --json has all.", "bright_black")
    return ordered[-_ROWS_SHOWN:]


def _attend(client: Client, job: str, *, timeout_s: float, logs: bool, as_json: bool) -> None:
    """Wait, show what came of it, and end with 1 unless it succeeded."""
    with patience.interruptible(job):
        if logs:
            sink = sys.stderr if as_json else sys.stdout
            voice.emit_output(patience.output(client, job, follow=True), sink)
        view = patience.wait_for(client, job, timeout_s)
    result = view.get("result") or {}
    if as_json:
        voice.emit_json(view)
    elif not logs:
        voice.emit_text(str(result.get("text") or ""))
        _tell_artefacts(view)
    if (
        not as_json
        and view["state"] == "succeeded"
        and (view.get("spec") or {}).get("requirements")
    ):
        _tell_verdict(view)
    if view["state"] != "succeeded":
        if not as_json:
            voice.say_end("Job", view)
        raise typer.Exit(1)
