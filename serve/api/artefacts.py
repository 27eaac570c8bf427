"""`/v1/jobs/{id}/artefacts`: the files that a job left behind, their list and their bytes.

The bytes go out as they are: they were redacted before they were written, and their name is the
hash of their content. They are always a download, never a page of this house.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse

from engine.errors import NotFound
from serve.api.answers import as_json, ask
from serve.api.shapes import ArtefactView, Page
from serve.api.strict import StrictRoute
from serve.api.wiring import Wired, Wiring
from store.artefacts import Artefacts

router = APIRouter(prefix="/v1/jobs/{id}/artefacts", tags=["jobs"], route_class=StrictRoute)

_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file. The ETag is its sha256; a range of bytes may be asked for.",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "example": "the whole output of the job\n",
            }
        },
    },
    206: {"description": "The range of bytes that was asked for."},
    304: {"description": "Unchanged."},
}


@router.get("", response_model=Page[ArtefactView])
async def index(wired: Wired, id: str) -> Response:  # noqa: A002
    """List the files that a job left: results too large for their row, and what it kept."""
    found = (await ask(wired, "job.show", id=id))["artefacts"]
    return as_json({"items": found, "next_cursor": None})


@router.get("/{name:path}", response_class=Response, responses=_BYTES)
async def download(
    wired: Wired,
    id: str,  # noqa: A002
    name: str,
    known: Annotated[str, Header(alias="If-None-Match")] = "",
) -> Response:
    """Give the bytes of one file."""
    view = await ask(wired, "job.show", id=id)
    kept = next((one for one in view["artefacts"] if one["name"] == name), None)
    if kept is None:
        raise NotFound(
            f"Job {view['id']} has no artefact {name}.",
            remedy=f"List them: helio job artefact {view['id']}",
        )
    headers = {"ETag": f'"{kept["sha256"]}"'}
    if known == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    path = _file(wired, kept)
    plain = Path(name).name or "artefact"
    return FileResponse(path, headers=headers, media_type=kept["media_type"], filename=plain)


def _file(wired: Wiring, kept: dict[str, Any]) -> Path:
    """Find the file of an artefact.

    Raises:
        NotFound: somebody took it away.
    """
    path = Artefacts(wired.home.artefacts, wired.settings.store).path_of(kept["sha256"])
    if not path.is_file():
        raise NotFound(
            f"The file of the artefact {kept['name']} is no longer in the home.",
            remedy="Run the job again: helio job retry " + kept["job"],
        )
    return path
