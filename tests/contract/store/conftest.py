"""The stores that must behave alike. Another database joins by one more line in STORES."""

import pytest

from engine.settings import StoreSettings
from store.home import Home
from store.memory import MemoryStore
from store.sqlite import SqliteStore


class StoppedClock:
    def now(self):
        return 1_700_000_000_000_000

    def monotonic(self):
        return 0.0


STORES = {
    "memory": lambda _: MemoryStore(strict=True),
    "sqlite": lambda directory: SqliteStore(Home.at(directory), StoreSettings(), StoppedClock()),
}


@pytest.fixture(params=STORES)
def store(request, tmp_path):
    opened = STORES[request.param](tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def write(store):
    """Call one verb in a transaction of its own: write.insert_jobs(...)."""
    return _Verbs(store.write)


@pytest.fixture
def read(store):
    """Call one reading verb on a snapshot: read.ready(...)."""
    return _Verbs(store.read)


class _Verbs:
    def __init__(self, transact):
        self._transact = transact

    def __getattr__(self, verb):
        return lambda *args, **kwargs: self._transact(
            lambda tables: getattr(tables, verb)(*args, **kwargs)
        )
