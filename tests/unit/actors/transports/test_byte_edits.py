"""Editing a request's bytes: only the outermost model, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.transports.byte_edits import EditFailed, ask_for_usage, with_model

TEXTS = st.text(max_size=6) | st.sampled_from(["model", '"model":"a"', "{", "\\", "é"])
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)


@given(OBJECTS, st.text(), st.booleans(), st.sampled_from([None, 1, "\t"]), st.data())
def test_only_the_outermost_model_changes(body, other, ascii_only, indent, data):
    body |= {"model": data.draw(st.text())}
    keys = data.draw(st.permutations(list(body)))
    body = {key: body[key] for key in keys}
    raw = json.dumps(body, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    edited = json.loads(with_model(raw, other).decode("utf-8", "surrogatepass"))
    assert edited == body | {"model": other}
    assert list(edited) == keys


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (b'{"model":"a"}', b'{"model":"new"}'),
        (b' { "x" : 1.00 , "model" :\n"a" } ', b' { "x" : 1.00 , "model" :\n"new" } '),
        (b'{"t":{"model":"a"},"model":"a"}', b'{"t":{"model":"a"},"model":"new"}'),
        (b'{"t":"\\"model\\":\\"a\\"","model":"a"}', b'{"t":"\\"model\\":\\"a\\"","model":"new"}'),
        (b'{"model":"a","model":"b"}', b'{"model":"new","model":"new"}'),
        (b'{"model":"a","m\\u006fdel":"b"}', b'{"model":"new","m\\u006fdel":"new"}'),
        (b'{"t":["model","a"],"model":"a"}', b'{"t":["model","a"],"model":"new"}'),
    ],
)
def test_spacing_order_and_numbers_stay(raw, wanted):
    assert with_model(raw, "new") == wanted


def test_the_same_model_changes_nothing():
    raw = b'{"model": "a"}'
    assert with_model(raw, "a") == raw


@pytest.mark.parametrize("raw", [b"{}", b'{"t":{"model":"a"}}', b'{"model":7}', b'{"model":null}'])
def test_without_a_name_there_is_nothing_to_replace(raw):
    with pytest.raises(EditFailed):
        with_model(raw, "new")


@given(OBJECTS)
def test_usage_is_asked_for_once(body):
    raw = json.dumps(body).encode()
    asked, added = ask_for_usage(raw)
    assert added == ("stream_options" not in body)
    wanted = body if not added else {"stream_options": {"include_usage": True}, **body}
    assert json.loads(asked) == wanted
    assert ask_for_usage(asked) == (asked, False)
