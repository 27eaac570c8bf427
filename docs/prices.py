"""Write routing/presets/models.toml again: list prices, windows and abilities of known models.

The facts are those of the price map inside the installed LiteLLM (MIT licence), which names the
makers' own pages as its source. Which models, under which name and in which tier, is chosen here.
`python docs/prices.py` writes, `--check` only looks. LiteLLM is read, not imported.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "routing" / "presets" / "models.toml"
TAKEN = "2026-11-22"

# preset: (name and id, the map's key where it is another, family, tier)
CHOSEN: Mapping[str, tuple[tuple[str, str, str, str], ...]] = {
    "anthropic": (
        ("claude-opus-5-5", "", "claude", "ultra"),
        ("claude-fable-5-1", "", "claude", "reasoning"),
        ("claude-sonnet-5-5", "", "claude", "mid"),
        ("claude-haiku-5-5", "", "claude", "cheap"),
        ("claude-opus-4-8", "", "claude", "ultra"),
        ("claude-sonnet-4-6", "", "claude", "mid"),
        ("claude-haiku-4-5", "", "claude", "cheap"),
    ),
    "openai": (
        ("gpt-6-astra", "", "gpt", "ultra"),
        ("gpt-6.1-sol", "", "gpt", "mid"),
        ("gpt-6-luna", "", "gpt", "cheap"),
        ("text-embedding-3-large", "", "gpt", "embed"),
        ("text-embedding-3-small", "", "gpt", "embed"),
        ("gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15", "gpt", "audio"),
    ),
    "gemini": (
        ("gemini-4-argon", "gemini/gemini-4-argon", "gemini", "ultra"),
        ("gemini-3.8-flash", "gemini/gemini-3.8-flash", "gemini", "mid"),
        ("gemini-3.5-flash-lite", "gemini/gemini-3.5-flash-lite", "gemini", "cheap"),
    ),
    "deepseek": (
        ("deepseek-v4-pro", "", "deepseek", "mid"),
        ("deepseek-flash", "", "deepseek", "cheap"),
    ),
}
ABILITIES = {
    "tools": "supports_function_calling",
    "vision": "supports_vision",
    "thinking": "supports_reasoning",
    "json": "supports_response_schema",
    "documents": "supports_pdf_input",
}
PRICES = {
    "input_usd": "input_cost_per_token",
    "output_usd": "output_cost_per_token",
    "cache_read_usd": "cache_read_input_token_cost",
    "cache_write_usd": "cache_creation_input_token_cost",
}
HEAD = f"""\
# Drawn by docs/prices.py. Do not edit: what [[models]] in models.toml says of a model goes above.
#
# US dollars per million tokens, taken on {TAKEN} from the price map of LiteLLM {version("litellm")}
# (model_prices_and_context_window_backup.json, MIT licence), whose sources stand behind each
# model. Where a maker's price falls at some hours, this is the dearer one. `context` is the
# largest prompt, so that prompt and answer together fit for certain. The tiers are ours.
"""


def known() -> Mapping[str, Any]:
    """Read the price map of the installed LiteLLM."""
    found = find_spec("litellm")
    if found is None or found.origin is None:
        raise SystemExit("LiteLLM is not installed: make up")
    path = Path(found.origin).with_name("model_prices_and_context_window_backup.json")
    facts: Mapping[str, Any] = json.loads(path.read_text())
    return facts


def page() -> str:
    """Write the page."""
    facts = known()
    parts = [HEAD]
    for preset, models in CHOSEN.items():
        for name, key, family, tier in models:
            parts.append(_model(preset, name, (family, tier), facts[key or name]))
    return "\n".join(parts)


def _model(preset: str, name: str, ours: tuple[str, str], facts: Mapping[str, Any]) -> str:
    """Write one model; a fact that the map has not is left out."""
    family, tier = ours
    said: dict[str, Any] = {"name": name, "family": family, "tier": tier}
    said |= _price(facts, "")
    said["context"] = facts.get("max_input_tokens")
    said["max_output"] = facts.get("max_output_tokens") if tier not in ("embed", "audio") else None
    said["abilities"] = [ability for ability, key in ABILITIES.items() if facts.get(key)]
    said["dimensions"] = facts.get("output_vector_size")
    lines = [f"{key} = {_toml(value)}" for key, value in said.items() if value is not None]
    if long := _long(facts):
        lines.append(long)
    return "\n".join([f"# {facts.get('source', '')}", f"[[{preset}]]", *lines, ""])


def _price(facts: Mapping[str, Any], ending: str) -> dict[str, Any]:
    given = {name: facts.get(key + ending) for name, key in PRICES.items()}
    if not given.get("cache_write_usd"):  # the map says 0 where a maker has no such price
        given.pop("cache_write_usd")
    return {name: round(cost * 1_000_000, 6) for name, cost in given.items() if cost is not None}


def _long(facts: Mapping[str, Any]) -> str:
    """Word the price of long calls: the map has it in keys such as `..._above_272k_tokens`."""
    head = "input_cost_per_token_above_"
    for key in facts:
        size = key.removeprefix(head).removesuffix("k_tokens")
        if key.startswith(head) and size.isdigit():
            prices = _price(facts, f"_above_{size}k_tokens")
            inside = ", ".join(f"{name} = {_toml(value)}" for name, value in prices.items())
            return f"long = {{ above = {int(size) * 1000}, {inside} }}"
    return ""


def _toml(value: Any) -> str:
    return json.dumps(value)


def main(arguments: list[str]) -> int:
    """Write the page, or with --check say whether it is stale."""
    if arguments == ["--check"]:
        stale = not PAGE.is_file() or PAGE.read_text() != page()
        sys.stderr.write(f"{PAGE.name} is stale: python docs/prices.py\n" if stale else "")
        return int(stale)
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
