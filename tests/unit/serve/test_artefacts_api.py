"""Files that jobs left: listed, downloaded whole or in part, and never a page of this house."""

import hashlib

import pytest

from engine.jobs import Result
from engine.outcomes import Done
from serve.api import shapes

WHOLE = "0123456789é\n" * 20_000  # more than a row takes
BYTES = WHOLE.encode()


@pytest.fixture
async def job(house):
    """A job whose result was too large for its row."""
    order = await house.ordered(await house.submit())
    await house.end(order, Done(Result(text=WHOLE, exit_code=0)))
    await house.until(order.job, "succeeded")
    return order.job


async def test_a_large_result_is_listed_as_a_file(owner, job):
    (kept,) = (await owner.get(f"/v1/jobs/{job[-8:]}/artefacts")).json()["items"]
    known = shapes.ArtefactView.model_validate(kept)
    assert (known.job, known.name, known.size_bytes) == (job, "stdout.txt", len(BYTES))
    shown = (await owner.get(f"/v1/jobs/{job}")).json()
    assert shown["artefacts"] == [kept]
    assert shown["result"]["truncated"]


async def test_its_bytes_come_as_a_download_named_by_their_hash(owner, job):
    answer = await owner.get(f"/v1/jobs/{job[-8:]}/artefacts/stdout.txt")
    assert answer.content == BYTES
    assert answer.headers["etag"] == f'"{hashlib.sha256(BYTES).hexdigest()}"'
    assert answer.headers["content-disposition"] == 'attachment; filename="stdout.txt"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(BYTES)


async def test_who_has_them_already_is_told_so(owner, job):
    url = f"/v1/jobs/{job}/artefacts/stdout.txt"
    tag = (await owner.get(url)).headers["etag"]
    again = await owner.get(url, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


async def test_a_download_goes_on_where_it_broke(owner, job):
    answer = await owner.get(
        f"/v1/jobs/{job}/artefacts/stdout.txt", headers={"Range": f"bytes={len(BYTES) - 5}-"}
    )
    assert (answer.status_code, answer.content) == (206, BYTES[-5:])


async def test_the_bytes_are_those_of_their_hash_also_when_a_secret_came_later(owner, house, job):
    house.home.secrets.mkdir(mode=0o700, exist_ok=True)
    (house.home.secrets / "LATE").write_text("0123456789")
    assert (await owner.get(f"/v1/jobs/{job}/artefacts/stdout.txt")).content == BYTES


async def test_a_job_without_files_has_an_empty_list(owner, house):
    job = await house.submit()
    page = (await owner.get(f"/v1/jobs/{job}/artefacts")).json()
    assert page == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("name", ["nothing.txt", "../../token", "..%2f..%2ftoken", "%2e%2e/token"])
async def test_a_name_leads_to_a_file_of_the_job_or_nowhere(owner, job, name):
    answer = await owner.get(f"/v1/jobs/{job}/artefacts/{name}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "the-token" not in answer.text


async def test_a_file_that_somebody_took_away_is_a_problem(owner, house, job):
    for path in house.home.artefacts.glob("??/*"):
        path.unlink()
    answer = await owner.get(f"/v1/jobs/{job}/artefacts/stdout.txt")
    assert answer.status_code == 404
    assert "helio job retry" in answer.json()["remedy"]


async def test_only_the_owner_gets_them(stranger, job):
    for path in ("", "/stdout.txt"):
        assert (await stranger.get(f"/v1/jobs/{job}/artefacts{path}")).status_code == 401
