"""The shell backend through a real session: what a command sees, and what it cannot do."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.session import Session
from engine.failures import Cause
from engine.outcomes import Done, Failed
from engine.shells import with_variables
from tests.unit.actors.sessions.kit import House, OpenBook, marked, order


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "home")


@pytest.fixture
async def session(house: House) -> AsyncIterator[Session]:
    house.book = OpenBook({"API_KEY": "s3cr3t-value"})
    session = house.session()
    yield session
    await session.close()


async def done(house: House, session: Session, job: str, **fields: object) -> Done:
    await session.start([order(job, **fields)])
    outcome = await house.desk.outcome(job)
    assert isinstance(outcome, Done), outcome
    return outcome


HOSTILE = [
    "$(touch BROKE_OUT)",
    "`touch BROKE_OUT`",
    "'; touch BROKE_OUT; '",
    '"; touch BROKE_OUT; "',
    "x\ntouch BROKE_OUT\n",
    "&& touch BROKE_OUT",
    "| touch BROKE_OUT",
    "> BROKE_OUT",
    "${IFS}touch${IFS}BROKE_OUT",
    "\\'; touch BROKE_OUT #",
    "* ? [a-z] ~ !!",
    "-n -e \\c",
    "$((BROKE_OUT))",
    "{{prev_result}}",
    "\x1b]0;title\x07 \x7f",
]
PLACES = [
    "printf '%s' {{input.word}}",
    'printf "%s" "{{input.word}}"',
    "printf '%s' pre{{input.word}}post",
    'x="$(printf %s {{input.word}})"; printf %s "$x"',
    "cat <<END\n{{input.word}}\nEND",
    'for w in {{input.word}}; do printf %s "$w"; done',
    "case {{input.word}} in *) printf %s {{input.word}};; esac",
]


@pytest.mark.parametrize("place", PLACES)
async def test_no_value_breaks_out_of_shell_text(
    house: House, session: Session, place: str
) -> None:
    shell = with_variables(place)
    for number, word in enumerate(HOSTILE):
        job = f"h{number}"
        env = dict.fromkeys(shell.variables, word)
        outcome = await done(house, session, job, sh=shell.text, env=env)
        assert word.rstrip("\n") in outcome.result.text
        assert os.listdir(house.home.tasks / job) == []  # noqa: PTH208


async def test_argv_is_passed_as_it_is_without_a_shell(house: House, session: Session) -> None:
    words = ["%s\\n", *HOSTILE, "", " two  blanks ", "ünï"]
    outcome = await done(house, session, "a", run=["printf", *words])
    assert outcome.result.text == "\n".join(words[1:])


async def test_a_command_sees_the_allowed_environment_and_nothing_of_the_house(
    house: House, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_AUTH_TOKEN", "HELIOGRAPH_HOME", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "leak")
    monkeypatch.setenv("LC_TIME", "C")
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    env = {"MINE": "1", "TZ": "Mars/Base", "HELIO_JOB": "forged"}
    outcome = await done(
        house, session, "a", run=["/usr/bin/env", "python3", "-c", script], env=env
    )
    seen = outcome.result.data
    assert "leak" not in json.dumps(seen)
    assert (seen["MINE"], seen["TZ"], seen["LC_TIME"]) == ("1", "Mars/Base", "C")
    assert (seen["HELIO_JOB"], seen["HELIO_EPOCH"]) == ("a", "1")
    assert seen["PWD"] == str(house.home.tasks / "a")


async def test_a_command_gets_no_file_descriptor_but_its_three(
    house: House, session: Session
) -> None:
    script = "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd'))[:-1])"
    outcome = await done(house, session, "a", run=["python3", "-c", script])
    assert outcome.result.data == [0, 1, 2]


async def test_a_command_is_alone_in_its_session_and_dies_before_the_house(
    house: House, session: Session
) -> None:
    text = "ps -o sid= -p $$ | tr -d ' '; echo $$; cat /proc/self/oom_score_adj"
    outcome = await done(house, session, "a", sh=text)
    sid, pid, score = outcome.result.text.split()
    assert sid == pid
    assert score == "500"


async def test_a_secret_is_resolved_when_the_process_starts(house: House, session: Session) -> None:
    outcome = await done(house, session, "a", sh="echo ${#KEY}", env={"KEY": "secret:API_KEY"})
    assert outcome.result.text == str(len("s3cr3t-value"))


async def test_a_large_value_arrives_in_a_file_that_is_gone_afterwards(
    house: House, session: Session
) -> None:
    files = {"BIG": "x" * 300_000}
    outcome = await done(house, session, "a", sh='wc -c < "$BIG"; echo "$BIG"', env_files=files)
    size, path = outcome.result.text.split()
    assert size == "300000"
    assert str(house.home.root) in path
    assert not os.path.exists(path)  # noqa: PTH110


@pytest.mark.parametrize(
    ("fields", "cause", "sentence"),
    [
        ({"run": ["no-such-program"]}, Cause.DEPENDENCY, "There is no program no-such-program"),
        ({"run": ["/etc/passwd"]}, Cause.PERMISSION, "/etc/passwd may not be executed"),
        ({"sh": "no-such-program"}, Cause.DEPENDENCY, "It exited with code 127"),
        ({"sh": "/etc/passwd"}, Cause.PERMISSION, "It exited with code 126"),
        ({"run": ["true", "a\0b"]}, Cause.OTHER, "true could not be started"),
        ({"run": ["true", "x" * 200_000]}, Cause.TOOL, "too long"),
        ({"run": ["true"], "cwd": "/no/such"}, Cause.DEPENDENCY, "/no/such is not there"),
        ({"sh": "true", "env": {"K": "secret:NOPE"}}, Cause.DEPENDENCY, "helio secret set NOPE"),
        ({"sh": "true", "backend": "abacus"}, Cause.DEPENDENCY, "no backend named 'abacus'"),
        ({}, Cause.DEPENDENCY, "The job has no command."),
        ({"sh": "kill -9 $$"}, Cause.TOOL, "It was ended by signal 9 (SIGKILL)"),
        ({"sh": "echo why >&2; exit 7"}, Cause.TOOL, "It exited with code 7: why"),
    ],
)
async def test_what_cannot_run_says_what_and_why(
    house: House, session: Session, fields: dict[str, object], cause: Cause, sentence: str
) -> None:
    await session.start([order("a", **fields)])
    outcome = await house.desk.outcome("a")
    assert isinstance(outcome, Failed)
    assert outcome.failure.cause is cause
    assert sentence in f"{outcome.failure.message} {outcome.failure.remedy}"


async def test_children_left_behind_end_with_their_job(house: House, session: Session) -> None:
    sleep = "7654321.125"
    outcome = await done(house, session, "a", sh=f"setsid sleep {sleep} & echo $!")
    assert outcome.result.text.isdecimal()
    assert marked(sleep) == []


async def test_a_program_named_like_a_module_of_ours_is_not_imported_by_the_keeper(
    house: House, session: Session, tmp_path: Path
) -> None:
    for name in ("actors", "engine", "ctypes", "select"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('foreign code ran')")
    outcome = await done(house, session, "a", run=["pwd"], cwd=str(tmp_path))
    assert outcome.result.text == str(tmp_path)


async def test_a_flood_of_output_is_capped_and_the_loop_stays_alive(tmp_path: Path) -> None:
    limits = (
        "[sessions]\noutput_cap_bytes = 100000\nresult_bytes = 1000\nresult_text_bytes = 1000\n"
    )
    house = House(tmp_path / "home", limits)
    session = house.session()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    task = asyncio.create_task(beat())
    flood = "head -c 5000000 /dev/zero | tr '\\0' x; echo end"
    outcome = await done(house, session, "a", sh=flood)
    task.cancel()
    await session.close()
    assert beats >= 2
    assert outcome.result.truncated
    assert outcome.result.text.endswith("xend")
    assert len(outcome.result.text) <= 1000
    assert house.home.log_of("a", 1).stat().st_size < 100_100
