"""The page about the settings, drawn from the settings themselves: `docs/configuration.md`."""

from __future__ import annotations

import json
from typing import Any

from pydantic.fields import FieldInfo

from engine.settings import Section, Settings

_HEAD = """# Configuration

Everything has a default; an empty home needs no file. What you set stands in `config.toml` in the
home (`$HELIOGRAPH_HOME`, else `~/.heliograph`), and the environment goes above it:

```toml
[house]
slots = 8

[serve]
port = 9000
```

```sh
HELIOGRAPH_HOUSE__SLOTS=8 HELIOGRAPH_SERVE__PORT=9000 helio up
```

A setting `section.name` is `HELIOGRAPH_SECTION__NAME` in the environment; lists are JSON there.
`helio check` says what is wrong, all at once; `helio check --show` says what is in force and where
each value came from. A change takes effect at the next `helio up`. Units are in the names: `_s`
seconds, `_bytes` bytes, `_days` days. This page is drawn from the settings by `make docs`.
"""


def markdown() -> str:
    """Draw the page."""
    parts = [_HEAD]
    for name, field in Settings.model_fields.items():
        section = _section(field)
        if section is None:
            parts.append(f"## {name}\n\n{field.description} For example `{name}.llm = 4`.\n")
        else:
            parts += _described(name, section)
    return "\n".join(parts)


def _described(path: str, section: type[Section]) -> list[str]:
    """Draw one section, and the sections inside it after it."""
    said = " ".join((section.__doc__ or "").split())
    rows, inner = [], []
    for name, field in section.model_fields.items():
        below = _section(field)
        if below is None:
            rows.append(f"| `{path}.{name}` | {_default(field)} | {field.description or ''} |")
        else:
            inner += _described(f"{path}.{name}", below)
    table = "\n".join(["| setting | default | meaning |", "|---|---|---|", *rows, ""])
    return [f"## {path}\n\n{said}\n\n{table}", *inner]


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    shown = list(value) if isinstance(value, tuple) else value
    return f"`{json.dumps(shown)}`"
