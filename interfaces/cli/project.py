"""`helio project ...`: bodies of work, found from git roots or named here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.errors import NotADirectory
from interfaces.cli import options, reach, voice
from interfaces.cli.job_request import absolute
from interfaces.cli.teach import examples
from interfaces.views import PROJECTS, ago

app = typer.Typer(no_args_is_help=True, help="Projects: defaults for a body of work.")


@app.command(
    epilog=examples(
        "helio project add site --root ~/work/site",
        "helio project add nightly --root . --backend shell --lane P4 --budget-usd 20",
    )
)
def add(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    root: Annotated[
        list[str] | None, typer.Option(metavar="DIR", help="A directory of it; repeatable.")
    ] = None,
    backend: Annotated[str, typer.Option(metavar="NAME", help="What runs its jobs.")] = "",
    lane: Annotated[str, typer.Option(metavar="LANE", help="The lane of its jobs.")] = "",
    budget_usd: Annotated[
        float | None,
        typer.Option(min=0, metavar="USD", help="What its model calls of a day may cost."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Add a project, or replace the one of that name: what is not said again is gone."""
    given = {"backend": backend, "lane": lane, "budget_usd": budget_usd}
    body = {"name": name, "roots": [_directory(one) for one in root or []]}
    with reach.client() as client:
        view = client.ask(
            "project.add",
            body | {key: value for key, value in given.items() if value not in ("", None)},
        )
    if as_json:
        voice.emit_json(view)
    else:
        voice.emit(view["id"])


@app.command("list", epilog=examples("helio project list", "helio project list --json"))
def list_(as_json: options.AsJson = False) -> None:
    """List projects."""
    with reach.client() as client:
        answer = client.ask("project.list")
    voice.emit_list(answer, PROJECTS, as_json=as_json)


@app.command(epilog=examples("helio project show site"))
def show(
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="A project's id.")],
    as_json: options.AsJson = False,
) -> None:
    """Show one project."""
    with reach.client() as client:
        view = client.ask("project.show", {"id": project})
    if as_json:
        voice.emit_json(view)
        return
    voice.emit_fields(
        {
            "id": view["id"],
            "name": view.get("name"),
            "roots": ", ".join(view.get("roots") or []),
            "backend": view.get("backend"),
            "lane": view.get("lane"),
            "budget": "" if view.get("budget_usd") is None else f"${view['budget_usd']:.2f}",
            "protected": ", ".join(view.get("protected_branches") or []),
            "added": ago(view.get("created_at") or 0, voice.now_us()),
        }
    )


def _directory(path: str) -> str:
    """Give the whole path of a directory that is there.

    Raises:
        NotADirectory: it is not.
    """
    whole = absolute(path)
    if not Path(whole).is_dir():
        raise NotADirectory(f"There is no directory {whole}.", remedy="Correct the path.")
    return whole
