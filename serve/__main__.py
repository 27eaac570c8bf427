"""`python -P -m serve --home DIR`: the supervisor of one house, in the foreground.

It prints a line for each phase and ends with 0 after `helio down`, SIGTERM or SIGINT, with the
error's exit code when the house cannot start. `-P` keeps a stranger's packages in the current
directory from being taken for ours.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

from engine.errors import HelioError
from interfaces.control import ask
from serve.supervisor import environment, homestead
from serve.supervisor.residence import Residence
from store.config import find_home
from store.home import Home


def main() -> int:
    """Run a supervisor; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -P -m serve", description="Run one house.")
    parser.add_argument("--home", help="the home directory; else $HELIOGRAPH_HOME")
    given = parser.parse_args()
    home = Home.at(given.home) if given.home else find_home()
    try:
        homestead.settle_in(home)
        held = homestead.lock(home)
        if held is None:
            return _show_running(home)
        os.chdir(home.empty)
        return asyncio.run(Residence(home, environment.current()).live())
    except HelioError as fault:
        print(f"{fault.detail}\n{fault.remedy}".strip(), file=sys.stderr)  # noqa: T201
        return fault.exit_code


def _show_running(home: Home) -> int:
    """Tell about the house that already runs in this home: wanting it up is no error."""
    try:
        print(json.dumps(ask(home, {"do": "status"}), indent=2))  # noqa: T201
    except HelioError:
        print("Another supervisor holds this home and is starting or stopping.")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
