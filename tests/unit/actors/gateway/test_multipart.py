"""The model's name inside a form."""

from __future__ import annotations

import pytest

from actors.gateway.multipart import find_model
from engine.errors import BadInput

TYPE = "multipart/form-data; boundary=xyz"


def part(head: str, value: str) -> str:
    return f"--xyz\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n"


def form(*parts: str) -> bytes:
    return ("".join(parts) + "--xyz--\r\n").encode()


FILE = part('name="file"; filename="name=model"\r\nContent-Type: audio/wav', "\r\nname=model\r\n")


@pytest.mark.parametrize(
    "raw",
    [
        form(part('name="model"', "m-1"), FILE),
        form(FILE, part('name="model"', "m-1")),
        form(FILE, part("name=model", "m-1")),
        form(part('name="model"\r\nContent-Type: text/plain', "m-1")),
    ],
)
@pytest.mark.parametrize("kind", [TYPE, 'Multipart/Form-Data; boundary="xyz"'])
def test_the_name_is_found_among_the_parts(raw, kind):
    begin, end = find_model(raw, kind)
    assert raw[begin:end] == b"m-1"


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (form(FILE), TYPE),
        (form(part('name="models"', "m-1")), TYPE),
        (b"", TYPE),
        (b"--xyz", TYPE),
        (form(part('name="model"', "m-1")), "application/json"),
        (form(part('name="model"', "m-1")), "multipart/form-data"),
    ],
)
def test_a_form_without_it_is_refused(raw, kind):
    with pytest.raises(BadInput):
        find_model(raw, kind)
