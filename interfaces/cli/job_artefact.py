"""`helio job artefact`: the files that a job left behind, listed, printed or saved."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.errors import BadInput, HouseFault, NotFound
from interfaces.cli import options, reach, voice
from interfaces.cli.job_request import absolute
from interfaces.cli.teach import examples
from interfaces.client import Client
from interfaces.views import ARTEFACTS, View, short


def artefact(
    job: options.JobId,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Which one; none: a list.")] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Save it there, not on stdout.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Replace FILE where it exists.")] = False,
    as_json: options.AsJson = False,
) -> None:
    """List the files that a job left, or get one. Large results are such files."""
    if output and not name:
        raise BadInput(
            "--output needs to know which file.", remedy=f"List them: helio job artefact {job}"
        )
    with reach.client() as client:
        view = client.ask("job.show", {"id": job})
        if not name:
            _list(view, as_json=as_json)
            return
        kept = _named(view, name)
        if output:
            _save(client, kept, Path(absolute(output)), replace=yes)
            _tell(kept, output, as_json=as_json)
        else:
            _print(client, kept)


def register(app: typer.Typer) -> None:
    """Put the command among those of jobs."""
    app.command(
        epilog=examples(
            "helio job artefact 4kq8w2mz",
            "helio job artefact 4kq8w2mz stdout.txt",
            "helio job artefact 4kq8w2mz stdout.txt --output whole.txt --yes",
        )
    )(artefact)


def _list(view: View, *, as_json: bool) -> None:
    answer = {"items": view.get("artefacts") or [], "next_cursor": None}
    voice.emit_list(answer, ARTEFACTS, as_json=as_json)


def _named(view: View, name: str) -> dict[str, Any]:
    """Find a file of the job by its name.

    Raises:
        NotFound: it left none of that name.
    """
    for kept in view.get("artefacts") or []:
        if kept["name"] == name:
            return dict(kept)
    raise NotFound(
        f"Job {short(view['id'])} has no artefact {name}.",
        remedy=f"List them: helio job artefact {short(view['id'])}",
    )


def _print(client: Client, kept: View) -> None:
    """Put the bytes on stdout; a terminal gets text only."""
    pieces = _checked(client, kept)
    if not sys.stdout.isatty():
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    if not str(kept["media_type"]).startswith("text/"):
        raise BadInput(
            f"{kept['name']} is no text, and a terminal shows nothing else.",
            remedy=f"Save it: helio job artefact {short(kept['job'])} {kept['name']} --output FILE",
        )
    voice.emit_output(piece.decode(errors="replace") for piece in pieces)


def _save(client: Client, kept: View, path: Path, *, replace: bool) -> None:
    """Write the file whole or not at all.

    Raises:
        BadInput: there is a file already, or none can be written.
    """
    if path.is_dir() or (path.exists() and not replace):
        raise BadInput(
            f"{path} is there already.", remedy="Choose another name, or replace it: --yes"
        )
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.writelines(_checked(client, kept))
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink()
                raise
    except OSError as fault:
        raise BadInput(
            f"{path} cannot be written: {fault.strerror}.", remedy="Choose another: --output FILE"
        ) from None


def _checked(client: Client, kept: View) -> Iterator[bytes]:
    """Give the bytes as they come, and refuse to end well on others than were kept.

    Raises:
        HouseFault: they are not what the job left.
    """
    seen = hashlib.sha256()
    for piece in client.artefact(kept["job"], kept["name"]):
        seen.update(piece)
        yield piece
    if seen.hexdigest() != kept["sha256"]:
        raise HouseFault(
            f"The bytes of {kept['name']} are not those that the job left.",
            remedy="The file in the home was changed. Run the job again: helio job retry "
            + short(kept["job"]),
        )


def _tell(kept: View, output: str, *, as_json: bool) -> None:
    if as_json:
        voice.emit_json({**kept, "saved": absolute(output)})
    else:
        voice.say(f"{kept['name']} is saved in {output}.")
