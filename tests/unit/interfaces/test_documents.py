"""What the documents say is true: pipelines compile, commands parse, links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.pipelines import compile_pipeline
from engine.settings import LimitSettings
from interfaces.cli.manual import entries
from interfaces.pipeline_files import BACKENDS
from interfaces.yaml_pipelines import parse

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
YAML = [
    pytest.param(block, id=f"{page.name}-{n}")
    for page in PAGES
    for n, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL))
    if "steps:" in block
]
COMMANDS = {entry.name for entry in entries()}


@pytest.mark.parametrize("text", YAML)
def test_every_pipeline_in_the_documents_compiles(text):
    assert compile_pipeline(parse(text, "the page"), {}, BACKENDS, LimitSettings()).drafts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    gone = [
        target for target in targets if "://" not in target and not (page.parent / target).exists()
    ]
    assert gone == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_exists(page):
    shown = re.findall(r"(?:^\$ |`)helio ((?:[a-z]+ ?){1,2})", page.read_text(), re.MULTILINE)
    unknown = [
        words
        for words in shown
        if f"helio {words.strip()}" not in COMMANDS and f"helio {words.split()[0]}" not in COMMANDS
    ]
    assert unknown == []


def test_every_make_target_in_the_documents_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = {
        word for page in PAGES for word in re.findall(r"(?:\$ |`)make ([a-z]+)", page.read_text())
    }
    assert said <= targets
