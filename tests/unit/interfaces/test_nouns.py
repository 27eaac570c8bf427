"""Workers, projects, decisions, events: asked for, shown, and told apart from errors."""

from __future__ import annotations

import json

import pytest

from engine.errors import Conflict

WORKER = {
    "name": "session/site-0f3a9b21cc", "state": "idle", "backend": "shell", "jobs": 3,
    "directory": "/home/me/site", "used_at": 1, "born_at": 1, "persistent": True,
}  # fmt: skip
PROJECT = {"id": "site", "name": "site", "roots": ["/home/me/site"], "lane": "P2", "backend": ""}
DECISION = {
    "id": "01hzzzzzzzzzzzzzzz7tw3m0qa", "question": "Publish?", "options": ["yes", "no"],
    "state": "open", "created_at": 1, "deadline_at": 0, "default": "no", "job": "j", "version": 1,
}  # fmt: skip


@pytest.mark.parametrize(
    ("noun", "item", "sight"),
    [("worker", WORKER, "/home/me/site"), ("project", PROJECT, "site"),
     ("decision", DECISION, "yes | no")],
)  # fmt: skip
def test_a_list_is_a_table_or_one_object(helio, house, noun, item, sight):
    house.on(f"{noun}.list", {"items": [item], "next_cursor": None})
    assert sight in helio(noun, "list").out
    assert helio(noun, "list", "--json").json == {"items": [item], "next_cursor": None}
    house.on(f"{noun}.list", {"items": [], "next_cursor": None})
    empty = helio(noun, "list")
    assert empty.out == ""
    assert empty.err.endswith((".\n", "hello\n", "site\n"))


@pytest.mark.parametrize(
    ("noun", "item", "key"),
    [("worker", WORKER, "name"), ("project", PROJECT, "id"), ("decision", DECISION, "id")],
)
def test_show_gives_fields_or_the_object(helio, house, noun, item, key):
    house.on(f"{noun}.show", item)
    ran = helio(noun, "show", item[key])
    assert ran.code == 0
    assert item[key] in ran.out
    assert house.bodies(f"{noun}.show")[-1] == {key: item[key]}
    assert helio(noun, "show", item[key], "--json").json == item


def test_a_worker_retires(helio, house):
    house.on("worker.retire", WORKER | {"state": "retired"})
    assert "retired" in helio("worker", "retire", WORKER["name"]).err
    assert house.bodies("worker.retire") == [{"name": WORKER["name"]}]


def test_a_project_is_added_with_absolute_roots(helio, house, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    house.on("project.add", PROJECT)
    ran = helio("project", "add", "site", "--root", ".", "--lane", "P4", "--budget-usd", "2")
    assert ran.out == "site\n"
    assert house.bodies("project.add") == [
        {"name": "site", "roots": [str(tmp_path)], "lane": "P4", "budget_usd": 2.0}
    ]


def test_only_open_decisions_are_listed_unless_all_are_wanted(helio, house):
    house.on("decision.list", {"items": [], "next_cursor": None})
    helio("decision", "list")
    helio("decision", "list", "--all")
    assert [body["state"] for body in house.bodies("decision.list")] == ["open", "all"]


def test_a_second_answer_ends_with_6(helio, house):
    house.on("decision.list", {"items": [DECISION], "next_cursor": None})
    house.on("decision.answer", [DECISION | {"answer": "yes"}, Conflict("It was answered: yes.")])
    first = helio("decision", "answer", "7tw3m0qa", "yes", "--version", "1")
    assert first.code == 0
    body = {"id": DECISION["id"], "option": "yes", "by": "cli", "version": 1}
    assert house.bodies("decision.answer")[0] == body
    second = helio("decision", "answer", "7tw3m0qa", "no")
    assert second.code == 6
    assert "It was answered: yes." in second.err


def test_events_are_replayed_page_by_page(helio, house):
    events = [
        {"seq": n, "at": n, "kind": "job.ready", "subject": "abc", "data": {"name": "x"}}
        for n in (1, 2, 3)
    ]
    pages = [
        {"items": events[:2], "cursor": 2},
        {"items": events[2:], "cursor": 3},
        {"items": [], "cursor": 3},
    ]
    house.on("event.list", list(pages))
    ran = helio("event", "tail", "--after", "0", "--no-follow", "--jsonl")
    assert [json.loads(line) for line in ran.out.splitlines()] == events
    house.on("event.list", list(pages))
    assert "job.ready" in helio("event", "tail", "--after", "0", "--no-follow").out
    assert [body["after"] for body in house.bodies("event.list")][:3] == ["0", "2", "3"]


def test_an_ending_that_fits_two_decisions_is_refused(helio, house):
    twin = DECISION | {"id": "01hzzzzzzzzzzzzzzy7tw3m0qa"}
    house.on("decision.list", {"items": [DECISION, twin], "next_cursor": None})
    ran = helio("decision", "show", "m0qa")
    assert ran.code == 2
    assert "2 decisions end with m0qa" in ran.err
