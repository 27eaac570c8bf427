"""Draw the generated pages of docs/: `make docs`. Each is compared with its source by a test."""

from __future__ import annotations

from pathlib import Path

from interfaces.cli.manual import markdown as cli_page
from store.config_page import markdown as configuration_page

HERE = Path(__file__).parent
PAGES = {"cli.md": cli_page, "configuration.md": configuration_page}


def main() -> None:
    """Write every page."""
    for name, draw in PAGES.items():
        (HERE / name).write_text(draw())


if __name__ == "__main__":
    main()
