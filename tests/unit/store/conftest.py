import pytest

from engine.settings import StoreSettings
from store.home import Home
from store.sqlite import SqliteStore


class StoppedClock:
    def now(self):
        return 1_700_000_000_000_000

    def monotonic(self):
        return 0.0


@pytest.fixture
def home(tmp_path):
    return Home.at(tmp_path)


@pytest.fixture
def open_store(home):
    """Open the home's SQLite store with these settings; all are closed at the end."""
    opened = []

    def opener(**settings):
        opened.append(SqliteStore(home, StoreSettings(**settings), StoppedClock()))
        return opened[-1]

    yield opener
    for store in opened:
        store.close()
