"""A registered secret's value appears nowhere: not in the log, the result, a report or an event."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.secrecy import HouseSecrets
from engine.errors import HouseFault
from engine.outcomes import Done, Failed
from store.secrets import Secrets
from tests.unit.actors.sessions.kit import House, order, until

VALUE = "correct-horse+battery/staple=9"
TOKEN = "house-token-0123456789abcdef"


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "home")
    Secrets(house.home.secrets).set("API_KEY", VALUE)
    house.home.token.write_text(TOKEN + "\n")
    house.home.token.chmod(0o600)
    house.book = HouseSecrets(house.home)
    return house


def forms() -> list[str]:
    raw = VALUE.encode()
    return [VALUE, VALUE[::-1], raw.hex(), base64.b64encode(raw).decode().rstrip("=")]


def everything(house: House, job: str) -> str:
    texts = [house.log(job), house.hub.text(job)]
    texts += [json.dumps(report.to_wire(), ensure_ascii=False) for report in house.desk.reports]
    texts += [json.dumps(event, ensure_ascii=False) for event in house.hub.events]
    return "\n".join(texts)


def telling() -> Iterator[tuple[str, str]]:
    yield "at once", 'echo "it is $KEY."; echo "$KEY" >&2'
    yield (
        "bit by bit",
        ('k=$KEY; while [ -n "$k" ]; do r=${k#?}; printf %s "${k%"$r"}"; k=$r; sleep 0.004; done'),
    )
    yield "encoded", 'printf %s "$KEY" | base64; printf %s "$KEY" | od -An -tx1 | tr -d " \\n"'
    yield "backwards", 'printf %s "$KEY" | rev'
    yield "as JSON", 'printf \'{"key": "%s"}\' "$KEY"'
    yield "as last words", 'echo "bad key $KEY" >&2; exit 3'
    yield "of the house", f"echo {TOKEN}"
    yield "in a flood", 'i=0; while [ $i -lt 3000 ]; do echo "$i $KEY"; i=$((i+1)); done'


@pytest.mark.parametrize(("_how", "text"), list(telling()))
async def test_a_secret_is_told_nowhere(house: House, _how: str, text: str) -> None:
    session = house.session()
    await session.start([order(sh=text, env={"KEY": "secret:API_KEY"})])
    outcome = await house.desk.outcome("j1")
    assert isinstance(outcome, (Done, Failed))
    await until(lambda: house.hub.text("j1") == house.log("j1"))
    await session.close()
    told = everything(house, "j1")
    assert "[redacted]" in told
    assert [form for form in [*forms(), TOKEN] if form in told] == []


async def test_the_process_itself_gets_the_value(house: House) -> None:
    session = house.session()
    text = f'[ "$KEY" = "{VALUE}" ] && echo same'
    await session.start([order(sh=text, env={"KEY": "secret:API_KEY"})])
    outcome = await house.desk.outcome("j1")
    await session.close()
    assert isinstance(outcome, Done)
    assert outcome.result.text == "same"


def test_a_secret_set_later_is_hidden_from_the_next_attempt_on(house: House) -> None:
    book = HouseSecrets(house.home)
    assert book.redactor().feed("sesame-open-now\n") == "sesame-open-now\n"
    Secrets(house.home.secrets).set("OTHER", "sesame-open-now")
    redactor = book.redactor()
    assert redactor.feed("sesame-open-now\n") + redactor.flush() == "[redacted]\n"


def test_a_secret_that_others_can_read_stops_the_job_with_the_remedy(house: House) -> None:
    (house.home.secrets / "API_KEY").chmod(0o644)
    with pytest.raises(HouseFault, match="can be read by others"):
        HouseSecrets(house.home).redactor()
