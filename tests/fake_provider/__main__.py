"""`python -P -m tests.fake_provider --port 0`: serve, and print the address on the first line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys

from tests.fake_provider.control import MAIN, Control
from tests.fake_provider.doors import Doors, face
from tests.fake_provider.place import Place


async def serve(port: int, tied: bool) -> None:
    """Serve until a signal, or until stdin closes."""
    place = Place()
    doors = Doors(place)
    app = face(place, MAIN)
    Control(place, doors).mount(app)
    print(await doors.open(MAIN, port, app), flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, ended.set)
    if tied:
        loop.add_reader(sys.stdin, lambda: sys.stdin.buffer.read1() or ended.set())
    await ended.wait()
    await doors.shut_all()


def main() -> None:
    """Read the arguments and serve."""
    reader = argparse.ArgumentParser(prog="tests.fake_provider", description=__doc__)
    reader.add_argument("--port", type=int, default=0)
    reader.add_argument("--tied", action="store_true", help="end when stdin closes")
    given = reader.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(given.port, given.tied))


if __name__ == "__main__":
    main()
