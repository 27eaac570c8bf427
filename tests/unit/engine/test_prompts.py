"""What a job may say to a model: which words, for whom, and what a refusal tells."""

import pytest

from engine.errors import BadInput, UnknownName
from engine.pipelines import compile_pipeline
from engine.prompts import TIERS, WORDS
from engine.requests import JobRequest, SubmitBody, compile_requests, read_body
from engine.settings import LimitSettings
from engine.specs import Spec
from engine.templates import render_spec
from routing.models import Tier

BACKENDS = ("shell", "llm", "council", "claude")
EVERYTHING = {
    "prompt": "What is it?",
    "system": "Be short.",
    "model": "sonnet",
    "tier": "mid",
    "floor": "cheap",
    "pin": True,
    "budget_usd": 0.5,
    "max_tokens": 100,
    "temperature": 0,
    "schema": {"type": "object"},
    "attach": ["notes.txt"],
    "conversation": "chat",
}


def draft(**job):
    body = read_body(SubmitBody, {"jobs": [job]}, "The body")
    (made,) = compile_requests(body.jobs, BACKENDS, LimitSettings()).drafts
    return made


def step(**body):
    pipeline = {"inputs": {"who": "string"}, "steps": {"draw": {"sh": "x"}, "say": body}}
    batch = compile_pipeline(pipeline, {"who": "me"}, BACKENDS, LimitSettings())
    return next(one for one in batch.drafts if one.key == "say")


def test_a_job_keeps_every_word_that_it_says_to_a_model():
    assert draft(backend="llm", **EVERYTHING).spec == EVERYTHING


def test_a_step_says_the_same_words():
    assert step(backend="llm", **EVERYTHING).spec == EVERYTHING
    assert step(backend="llm", prompt="x", attach="a.txt").spec["attach"] == ["a.txt"]


def test_every_word_is_part_of_a_spec_and_tiers_are_those_of_the_catalogue():
    assert set(WORDS) <= set(Spec.__annotations__)
    assert set(TIERS) == set(Tier) - {Tier.EMBED, Tier.AUDIO}


@pytest.mark.parametrize(
    ("job", "sentence"),
    [
        ({"backend": "shell", "sh": "x", "model": "m"}, "'shell' does not take `model`"),
        ({"backend": "shell", "sh": "x", "tier": "mid"}, "`tier` says how models answer"),
        ({"backend": "llm", "prompt": "x", "models": True}, "does not take `models`"),
        ({"backend": "claude", "prompt": "x", "schema": {}}, "does not take `schema`"),
        ({"backend": "llm", "prompt": "x", "pin": True}, "none is named"),
        ({"backend": "llm", "prompt": "x", "conversation": "a/b"}, "name of a conversation"),
        (
            {"backend": "llm", "prompt": "x", "conversation": "{{input.a}}"},
            "name of a conversation",
        ),
        ({"backend": "llm", "prompt": "x", "attach": [" "]}, "names no file"),
        ({"backend": "llm", "prompt": "x", "temperature": 9}, "temperature: input should be less"),
        ({"backend": "llm", "prompt": "x", "max_tokens": 0}, "max_tokens: input should be greater"),
        ({"backend": "llm", "prompt": "x", "budget_usd": 0}, "budget_usd: input should be greater"),
        ({"backend": "llm", "prompt": "x", "tier": "best"}, "tier: input should be 'ultra'"),
        ({"backend": "llm", "prompt": "x", "schema": "text"}, "schema: input should be a valid"),
        ({"backend": "council", "prompt": "x", "members": ["a"], "quorum": 2}, "quorum of 2"),
    ],
)
def test_a_word_in_the_wrong_place_is_refused_by_name(job, sentence):
    with pytest.raises(BadInput, match=sentence):
        draft(**job)


def test_a_refusal_names_the_field_as_it_is_written():
    with pytest.raises(BadInput) as refused:
        read_body(JobRequest, {"answer_schema": {}}, "The job")
    assert ", schema," in refused.value.remedy
    assert "answer_schema" not in refused.value.remedy


def test_a_command_may_have_models_and_say_how_they_answer():
    spec = draft(sh="x", models=True, tier="cheap", budget_usd=1, pin=True).spec
    assert (spec["models"], spec["tier"], spec["budget_usd"], spec["pin"]) == (True, "cheap", 1, 1)


def test_what_one_job_wrote_chooses_neither_a_model_nor_a_file_for_another():
    for word in ({"model": "{{results.draw}}"}, {"attach": ["{{prev_result}}"]}):
        with pytest.raises(BadInput, match="another job would choose"):
            step(backend="llm", prompt="x", needs="draw", **word)
    assert step(backend="llm", prompt="x", model="{{input.who}}").spec["inputs"] == {"who": "me"}


def test_a_file_of_an_earlier_step_is_named_by_its_job():
    spec = step(backend="llm", prompt="x", needs="draw", attach=["{{results.draw.job}}:a.png"]).spec
    values = {"results": {"draw": {"text": "", "data": {"job": "wrong"}, "job": "01abc"}}}
    assert render_spec(spec, values)["attach"] == ["01abc:a.png"]


def test_a_schema_may_hold_braces_and_is_sent_as_it_stands():
    schema = {"type": "object", "description": "like {{this}}"}
    spec = draft(backend="llm", prompt="{{input.a}}", inputs={"a": "b"}, schema=schema).spec
    assert render_spec(spec, {"input": {"a": "b"}})["schema"] == schema


def test_system_text_is_a_template_like_a_prompt():
    with pytest.raises(UnknownName):
        draft(backend="llm", prompt="x", system="{{input.tone}}")
    spec = draft(backend="llm", prompt="x", system="{{input.tone}}", inputs={"tone": "kind"}).spec
    assert render_spec(spec, {"input": {"tone": "kind"}})["system"] == "kind"
