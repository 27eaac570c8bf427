"""The first models.toml of a house, as `helio model init` writes it: text from presets. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from routing.presets import Preset, presets

_HEAD = """\
# The providers and models of this house. docs/models.md explains every key.
# Judge it: helio check    Take it over: helio model reload    See it: helio model list
# Keys are named here and kept elsewhere: helio secret set NAME
"""
_TAIL = """
# -- Which models answer for a tier, best first; others of the tier stand behind them.
# [tiers]
# mid = ["claude-sonnet-5-5", "gpt-6.1-sol"]

# -- Other names; a * at the end takes whatever follows.
# [aliases]
# "gpt-4*" = "mid"

# -- Who may stand in for a model, in this order. Empty: nobody. Not named: others of its tier.
# [falls_to]
# claude-opus-5-5 = []
"""
_URLS: Mapping[str, str] = {
    "openai_compatible": "http://127.0.0.1:8000",
    "anthropic_compatible": "http://127.0.0.1:8000",
}
# One model for presets that bring none: (name, id, further lines)
_EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "openrouter": (
        'name = "claude-sonnet-5-5"',
        'id = "anthropic/claude-sonnet-5.5"',
        "list_price = true  # the maker's; else input_usd and output_usd, per million tokens",
    ),
    "ollama": ('name = "llama3.1"', "context = 8192"),
    "openai_compatible": (
        'name = "my-model"',
        'tier = "mid"',
        "context = 32768",
        "input_usd = 0.0",
        "output_usd = 0.0",
    ),
    "anthropic_compatible": (
        'name = "my-model"',
        'tier = "mid"',
        "context = 32768",
        "input_usd = 0.0",
        "output_usd = 0.0",
    ),
    "litellm": (
        'name = "mistral-large-4"',
        "input_usd = 0.68",
        "output_usd = 2.09",
        "context = 1048576",
    ),
}


def draft(chosen: Collection[str]) -> str:
    """Write the file: chosen presets in force, all others as comments to uncover."""
    parts = [_HEAD]
    for preset in presets().values():
        lines = "\n".join(_provider(preset))
        parts.append(lines if preset.name in chosen else _covered(lines))
    return "\n".join(parts) + _TAIL


def _provider(preset: Preset) -> Iterator[str]:
    yield f"# -- {preset.about}"
    yield f"[providers.{preset.name}]"
    if url := _URLS.get(preset.name):
        yield f'url = "{url}"'
    if preset.name == "litellm":
        yield 'litellm_prefix = "mistral/"'
        yield 'keys = ["secret:MISTRAL_API_KEY"]'
    elif preset.key:
        yield f'keys = ["secret:{preset.key}"]'
    if preset.models:
        yield f"# brings: {', '.join(model.name for model in preset.models)}"
    if example := _EXAMPLES.get(preset.name):
        yield ""
        yield "[[models]]"
        yield f'provider = "{preset.name}"'
        yield from example
    yield ""


def _covered(lines: str) -> str:
    return "".join(
        f"# {line}\n" if line and not line.startswith("#") else f"{line}\n"
        for line in lines.splitlines()
    )
