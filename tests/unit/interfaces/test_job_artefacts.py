"""`helio job artefact`: files that jobs left, listed, printed and saved."""

from __future__ import annotations

import hashlib
import sys

import pytest

from interfaces.cli.main import main

WHOLE = b"\x00\xff the whole\n" * 9000


@pytest.fixture
def kept(house, job):
    """A job whose result became a file."""
    digest = hashlib.sha256(WHOLE).hexdigest()
    row = {"id": f"{job['id']}:stdout.txt", "job": job["id"], "name": "stdout.txt"}
    row |= {"sha256": digest, "size_bytes": len(WHOLE), "media_type": "text/plain", "created_at": 1}
    result = {"text": "the end\n", "exit_code": 0, "truncated": True}
    house.on("job.show", job | {"artefacts": [row], "result": result})
    house.files[job["id"], "stdout.txt"] = WHOLE
    return row


def test_without_a_name_they_are_listed(helio, kept):
    assert "stdout.txt" in helio("job", "artefact", "4kq8w2mz").out
    assert helio("job", "artefact", "4kq8w2mz", "--json").json["items"] == [kept]


def test_a_job_that_left_none_says_so(helio, house, job):
    house.on("job.show", job)
    ran = helio("job", "artefact", "4kq8w2mz")
    assert (ran.code, ran.out) == (0, "")
    assert "helio job logs" in ran.err


def test_the_bytes_come_out_as_they_are(kept, home, capfdbinary):
    assert main(["job", "artefact", "4kq8w2mz", "stdout.txt"]) == 0
    assert capfdbinary.readouterr().out == WHOLE


def test_a_file_is_saved_whole_and_none_is_replaced_unasked(helio, kept, tmp_path):
    file = tmp_path / "whole.txt"
    get = ("job", "artefact", "4kq8w2mz", "stdout.txt", "--output", str(file))
    assert helio(*get).code == 0
    assert file.read_bytes() == WHOLE
    file.write_text("mine")
    refused = helio(*get)
    assert (refused.code, file.read_text()) == (2, "mine")
    assert "--yes" in refused.err
    assert helio(*get, "--yes").code == 0
    assert file.read_bytes() == WHOLE


def test_bytes_that_are_not_those_that_were_kept_are_refused(helio, house, job, kept, tmp_path):
    house.files[job["id"], "stdout.txt"] = WHOLE + b"x"
    before = sorted(tmp_path.iterdir())
    ran = helio("job", "artefact", "4kq8w2mz", "stdout.txt", "-o", str(tmp_path / "whole.txt"))
    assert ran.code == 1
    assert "not those that the job left" in ran.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        (("nothing.txt",), 3, "helio job artefact 4kq8w2mz"),
        (("--output", "x"), 2, "which file"),
        (("stdout.txt", "--output", "/does/not/exist/x"), 2, "cannot be written"),
    ],
)
def test_what_cannot_be_is_refused(helio, kept, argv, code, words):
    ran = helio("job", "artefact", "4kq8w2mz", *argv)
    assert ran.code == code
    assert words in ran.err


def test_a_terminal_gets_text_only(helio, house, job, kept, monkeypatch):
    house.on("job.show", job | {"artefacts": [kept | {"media_type": "image/png"}]})
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    ran = helio("job", "artefact", "4kq8w2mz", "stdout.txt")
    assert ran.code == 2
    assert "--output FILE" in ran.err


def test_show_and_wait_say_where_the_whole_is(helio, kept):
    for word in ("show", "wait"):
        ran = helio("job", word, "4kq8w2mz")
        assert "its end" in ran.err
        assert "helio job artefact 4kq8w2mz stdout.txt" in ran.err
